"""From a camera's configuration to what FFmpeg is told: input, format, options. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from config.camera import CameraConfig
from config.credentials import resolve
from config.errors import CredentialError
from config.rtsp_urls import takes_login, with_login
from config.urls import HTTP_SCHEMES, NETWORK_SCHEMES, scheme_of
from daemon.capture.errors import CaptureError, Cause, Medium
from daemon.capture.login import Login
from daemon.capture.picture import MOST_PIXELS

_PROBE_BYTES = 100_000  # FFmpeg keeps what it looks at, packet by packet
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
_HTTP_OPTIONS = {"max_pixels": str(MOST_PIXELS)}  # FFmpeg decodes what we found
_V4L2_FORMATS = {"mjpeg": "mjpeg", "yuyv": "yuyv422", "h264": "h264"}


# FFmpeg asks us for whatever a playlist names (capture/http/fetcher), and opens nothing itself.
HLS_OPTIONS: Mapping[str, str] = {
    "protocol_whitelist": "http,https,tcp,tls,crypto",
    "format_whitelist": "hls,mpegts,mov,mp4",
    "allowed_extensions": "ALL",
    "allowed_segment_extensions": "ALL",
    "extension_picky": "0",
    "http_persistent": "0",
    "http_multiple": "0",
    "live_start_index": "-1",  # the newest piece
    "codec_whitelist": _NETWORK_DECODERS,
    "probesize": "1000000",
    "analyzeduration": str(_ANALYZE_US),
    "max_pixels": str(MOST_PIXELS),
}


@dataclass(frozen=True, slots=True)
class Address:
    """What is opened, and how; of a network the camera's URL, and the login there. The URL may hold
    a password, where the camera wants it so: neither is ever shown.
    """

    target: str = field(repr=False)
    medium: Medium
    transport: str
    options: dict[str, str]
    format: str | None = None
    login: Login | None = field(default=None, repr=False)

    def as_hls(self) -> Address:
        """The same, once it has turned out to be a playlist."""
        return replace(self, transport="hls", format="hls", options=dict(HLS_OPTIONS))

    @property
    def decoder_options(self) -> dict[str, str]:
        """What of it concerns the decoder as well."""
        wanted = ("max_pixels", "codec_whitelist")
        return {name: self.options[name] for name in wanted if name in self.options}


def address_of(camera: CameraConfig, *, credential_directory: Path | None) -> Address:
    """Raises CaptureError(config) where the credential is missing or the scheme is not ours."""
    scheme = scheme_of(camera.url)
    if scheme in NETWORK_SCHEMES:
        login = _login(camera, credential_directory)
        url = camera.url
        if login is not None and takes_login(url):
            url = with_login(url, login.user, login.password)
        over_http = scheme in HTTP_SCHEMES
        return Address(
            target=url,
            medium="network",
            transport="http" if over_http else camera.transport,
            options=dict(_HTTP_OPTIONS) if over_http else _rtsp_options(camera),
            login=login,
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
    raise CaptureError(Cause.CONFIG, f"no source for {scheme}: URLs")


def _login(camera: CameraConfig, directory: Path | None) -> Login | None:
    if camera.credential is None:
        return None
    try:
        credential = resolve(camera.credential, directory=directory)
    except CredentialError as error:
        detail = str(error)  # names the file and the way out, never what is in it
    else:
        return Login(credential.user, credential.password.get_secret_value())
    raise CaptureError(Cause.CONFIG, detail)


def _rtsp_options(camera: CameraConfig) -> dict[str, str]:
    """FFmpeg speaks to our relay alone, and always over TCP."""
    # The deadlines proper are PyAV's (see av_source); this one is FFmpeg's own, in microseconds.
    silence_s = max(camera.open_timeout_s, camera.read_timeout_s)
    return {
        "rtsp_transport": "tcp",
        "timeout": str(math.ceil(silence_s * 1e6)),
        "protocol_whitelist": "rtsp,tcp",
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
