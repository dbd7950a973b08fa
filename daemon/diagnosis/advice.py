"""What to look at next when a stream cannot be opened, in plain words. Pure functions."""

from __future__ import annotations

from collections.abc import Callable

from config.camera import CameraConfig
from config.urls import HTTP_SCHEMES, NETWORK_SCHEMES, scheme_of
from daemon.capture.errors import Cause

_ADVICE = {
    Cause.EOF: (
        "The other side ended the stream. Cameras do that when they restart, or when too many"
        " watch them at once: look at the list of viewers on the camera's web page."
    ),
    Cause.TIMEOUT: (
        "Nothing came in time. Check that the camera is on, that this machine reaches it (ping)"
        " and that no firewall in between swallows the connection."
    ),
    Cause.REFUSED: (
        "The machine is there, but nothing listens on this port. RTSP is usually on 554, sometimes"
        " on 8554; many cameras have it turned off until it is enabled on their web page."
    ),
    Cause.RESET: (
        "The connection broke. Look for a bad cable or weak radio, a camera that restarts, or one"
        " that serves only so many viewers."
    ),
    Cause.UNREACHABLE: (
        "There is no way from this machine to that address. Check the address, the network mask"
        " and the VLAN; `ip route get ADDRESS` shows where packets to it would go."
    ),
    Cause.DNS: (
        "The host name is not known here. Check its spelling with `getent hosts NAME`, or write"
        " the address in numbers."
    ),
    Cause.AUTH: (
        "The camera refused this login. Check user and password, and that this user may watch"
        " streams. Do not try often: many cameras lock an account after a few attempts."
    ),
    Cause.FORBIDDEN: (
        "User and password are right; the camera's list of users says what this one may watch."
    ),
    Cause.LOGIN_METHOD: (
        "The password is not at fault. Cameras have a setting for it, as in `RTSP authentication:"
        " digest`."
    ),
    Cause.CERTIFICATE: (
        "Either the camera has a certificate of its own (leave tls_ca out to take any), or"
        " somebody stands between: compare it with that of the camera's web page."
    ),
    Cause.NOT_FOUND: (
        "The camera is there, but has no stream of that path. `vedette discover HOST` asks it for"
        " its paths (ONVIF), and its manual names them: /h264, /stream1, /Streaming/Channels/101 or"
        " others."
    ),
    Cause.REDIRECTED: (
        "The camera, or its name, leads to another machine, and vedette goes only where it is sent."
        " If that is right, write the other machine's URL here."
    ),
    Cause.TRANSPORT: "Cameras and servers often send one of the two only; the other costs nothing.",
    Cause.FULL: (
        "Look at the list of viewers on the camera's web page. A recorder between the two is one"
        " viewer for many."
    ),
    Cause.BUSY: "If it lasts, restart the camera, or ask a smaller stream of it.",
    Cause.REJECTED: (
        "The number is that of the RTSP standard. Check the path, and that the camera's software"
        " is up to date."
    ),
    Cause.PROTOCOL: (
        "Something answers, but not as RTSP. Check that the port is that of RTSP and not of the"
        " web page, and rtsp: against rtsps:."
    ),
    Cause.NO_VIDEO: "There is no picture in this stream. Take the path of one that has video.",
    Cause.CODEC: (
        "This format cannot be decoded here. Set the camera to H.264; H.265 and MJPEG work too."
    ),
    Cause.NO_KEYFRAME: (
        "Set the camera's keyframe interval (GOP, I-frame interval) to a second or two, or"
        " keyframe_timeout_s to more than it is."
    ),
    Cause.FLOOD: (
        "No camera in order does that: restart it, bring its software up to date, and look at who"
        " else could speak in its place."
    ),
    Cause.DECODER: (
        "Data comes, but it makes no picture. Set the camera to H.264, turn off encryption and"
        " vendor extensions (smart codec), and have it send a keyframe every second or two."
    ),
    Cause.TOO_LARGE: (
        "Pictures beyond 7680×4320 are refused. Choose a smaller stream of the camera."
    ),
    Cause.DEVICE: (
        "The device is absent, busy, not ours to open, or has no such format.\n"
        "`v4l2-ctl --list-devices` shows what is there, `fuser -v /dev/video0` who uses it,"
        " `v4l2-ctl --list-formats-ext` what it can do; the user must be in the group video."
    ),
    Cause.RESOURCES: (
        "This machine is out of file descriptors, memory or threads: see `ulimit -n`, `free -m`."
    ),
    Cause.CONFIG: "Change what the line above names.",
    Cause.INTERNAL: "This is a fault of vedette: please report it with the line above.",
}

_OVER_HTTP = {
    Cause.TIMEOUT: (
        "No picture came in time. Check that the camera is on, that a browser on this machine shows"
        " this address, and that nobody else is watching where it serves one viewer only."
    ),
    Cause.REFUSED: (
        "The machine is there, but nothing listens on this port. Pages of cameras are usually on"
        " 80 or 8080, streams of ESP32 cameras on 81, those of go2rtc on 1984."
    ),
    Cause.LOGIN_METHOD: (
        "The password is not at fault. Cameras have a setting for it, as in `web authentication:"
        " digest`."
    ),
    Cause.FORBIDDEN: (
        "The camera's list of users says who may see this; some have a switch for pictures over"
        " HTTP (CGI), or let in known addresses only."
    ),
    Cause.NOT_FOUND: (
        "The camera is there, but has nothing of that path. Its manual names it; each maker has its"
        " own (/stream, /mjpg/video.mjpg, /cgi-bin/mjpg/video.cgi, /snapshot.jpg)."
    ),
    Cause.FULL: "End another viewer: small cameras serve one at a time.",
    Cause.BUSY: (
        "Small cameras serve one viewer at a time: close the page that shows it. If it lasts,"
        " restart the camera, or ask less often (detect.fps)."
    ),
    Cause.REJECTED: "The number is that of HTTP. Open this address in a browser: it may say more.",
    Cause.PROTOCOL: (
        "Something answers, but not as a camera over HTTP. Check the port, and http: against"
        " https:."
    ),
    Cause.NO_VIDEO: (
        "Pages have the address of the picture in them: open the page in a browser, right-click the"
        " picture, and copy its address."
    ),
    Cause.CODEC: (
        "Over HTTP these are read: MJPEG (multipart/x-mixed-replace), single JPEG pictures, and HLS"
        " (.m3u8) with H.264, H.265 or MJPEG. Most cameras have RTSP beside it."
    ),
    Cause.DECODER: "What comes is no JPEG, or a damaged one: open this address in a browser.",
}


def advice(kind: Cause, camera: CameraConfig) -> str:
    """One or two sentences for whoever set up `camera`; never repeats its URL."""
    scheme = scheme_of(camera.url)
    special = _SPECIAL.get((kind, scheme))
    usual = _ADVICE | _OVER_HTTP if scheme in HTTP_SCHEMES else _ADVICE
    return (special(camera) if special else None) or usual[kind]


def _login(camera: CameraConfig) -> str | None:
    if camera.credential is not None:
        return None
    return (
        "The camera wants a login. Write one line user:password into a file, `chmod 600` it, and"
        " give it as credential: file:PATH (on the command line: --credential file:PATH)."
    )


def _over_udp(camera: CameraConfig) -> str | None:
    if camera.transport != "udp":
        return None
    return (
        "Nothing came in time. Over UDP the pictures take ports of their own, which firewalls"
        " stop: try transport tcp. Else check that the camera is on and within reach (ping)."
    )


_SPECIAL: dict[tuple[Cause, str], Callable[[CameraConfig], str | None]] = {
    **{(Cause.AUTH, scheme): _login for scheme in NETWORK_SCHEMES},
    (Cause.TIMEOUT, "rtsp"): _over_udp,
    (Cause.TIMEOUT, "rtsps"): _over_udp,
    (Cause.NOT_FOUND, "file"): lambda _: (
        "There is no such file, seen from here, or this user may not read it: file:clip.mp4 begins"
        " at the current folder, in a configuration at the folder of that file."
    ),
    (Cause.TIMEOUT, "file"): lambda _: (
        "A network mount whose server is away does that: `findmnt --target FILE` names it."
    ),
    (Cause.CODEC, "file"): lambda _: (
        "This is no video, or a damaged one: `ffprobe FILE` says more. A recording that was cut"
        " off in the middle (.mp4) has lost its index."
    ),
    (Cause.DECODER, "file"): lambda _: (
        "The file holds no picture that can be decoded: it is damaged. `ffprobe FILE` says more."
    ),
}
