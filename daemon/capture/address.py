"""From a camera's configuration to what FFmpeg is told: input, format, options. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from config.camera import CameraConfig
from config.credentials import resolve, with_credential
from config.errors import CredentialError
from daemon.capture.errors import CaptureError, Kind, Medium
from daemon.capture.picture import MOST_PIXELS

_PROBE_BYTES = 1_000_000
_ANALYZE_US = 1_000_000
# What cameras send. FFmpeg has some hundred decoders more, and few of them are looked after.
_NETWORK_DECODERS = "h264,hevc,mjpeg,mpeg4,mpeg2video,av1,libdav1d,vp8,vp9"
# Formats that hold their pictures themselves: scripts and playlists name other files.
_FILE_FORMATS = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,m4v,mjpeg,mjpeg_2000,mpjpeg,smjpeg,"
    "flv,asf,ogg,ivf,obu,av1,vc1,dv,mxf,nut,wtv,rm,dhav,nsv,gif,apng,yuv4mpegpipe,"
    "image2,jpeg_pipe,png_pipe,bmp_pipe,webp_pipe,tiff_pipe,wav,mp3,aac,flac"
)
# For every file that FFmpeg opens, here and in `vedette detect`.
FILE_OPTIONS: Mapping[str, str] = {
    "protocol_whitelist": "file",
    "format_whitelist": _FILE_FORMATS,
    "pattern_type": "none",  # of a picture called img%03d.jpg: no other one is opened
    "max_pixels": str(MOST_PIXELS),
}
_V4L2_FORMATS = {"mjpeg": "mjpeg", "yuyv": "yuyv422", "h264": "h264"}


@dataclass(frozen=True, slots=True)
class Address:
    """What is opened, and how. The input may hold a password: it is never shown."""

    target: str = field(repr=False)
    medium: Medium
    transport: str
    options: dict[str, str]
    format: str | None = None

    @property
    def decoder_options(self) -> dict[str, str]:
        """What of it concerns the decoder as well."""
        wanted = ("max_pixels", "codec_whitelist")
        return {name: self.options[name] for name in wanted if name in self.options}


def address_of(camera: CameraConfig, *, credential_directory: Path | None) -> Address:
    """Raises CaptureError(config) where the credential is missing or the scheme is not ours."""
    scheme = urlsplit(camera.url).scheme
    if scheme in ("rtsp", "rtsps"):
        return Address(
            target=_with_login(camera, credential_directory),
            medium="network",
            transport=camera.transport,
            options=_rtsp_options(camera, scheme),
        )
    path = unquote(urlsplit(camera.url).path)
    if scheme == "file":
        # The prefix keeps FFmpeg from reading a protocol out of a file's name.
        return Address(
            target=f"file:{path}",
            medium="file",
            transport="file",
            options=dict(FILE_OPTIONS),
        )
    if scheme == "v4l2":
        return Address(
            target=path,
            medium="device",
            transport="v4l2",
            options=_v4l2_options(camera),
            format="v4l2",
        )
    raise CaptureError(Kind.CONFIG, f"no source for {scheme}: URLs")


def _with_login(camera: CameraConfig, directory: Path | None) -> str:
    if camera.credential is None:
        return camera.url
    try:
        credential = resolve(camera.credential, directory=directory)
    except CredentialError as error:
        detail = str(error)  # names the file and the way out, never what is in it
    else:
        return with_credential(camera.url, credential)
    raise CaptureError(Kind.CONFIG, detail)


def _rtsp_options(camera: CameraConfig, scheme: str) -> dict[str, str]:
    protocols = ["rtsp", "tcp"]
    if scheme == "rtsps":
        protocols += ["rtsps", "tls"]
    if camera.transport == "udp":
        protocols += ["rtp", "udp"]
    # The deadlines proper are PyAV's (see av_source); this one is FFmpeg's own, in microseconds.
    silence_s = max(camera.open_timeout_s, camera.read_timeout_s)
    return {
        "rtsp_transport": camera.transport,
        "timeout": str(math.ceil(silence_s * 1e6)),
        "protocol_whitelist": ",".join(protocols),
        "format_whitelist": "rtsp",
        "codec_whitelist": _NETWORK_DECODERS,
        "allowed_media_types": "video",
        "fpsprobesize": "0",  # opens in a sixth of the time; the rate is measured anyway
        "probesize": str(_PROBE_BYTES),
        "analyzeduration": str(_ANALYZE_US),
        "max_pixels": str(MOST_PIXELS),
    }


def _v4l2_options(camera: CameraConfig) -> dict[str, str]:
    wanted = camera.v4l2
    options = {"max_pixels": str(MOST_PIXELS)}
    if wanted.format is not None:
        options["input_format"] = _V4L2_FORMATS[wanted.format]
    if wanted.size is not None:
        options["video_size"] = wanted.size
    if wanted.fps is not None:
        options["framerate"] = f"{wanted.fps:g}"
    return options
