"""Why a camera shows nothing new, in a sentence for people, and what to do about it. Pure.

The advice is that of `vedette probe`; who tells it (page, API) adds since when and until when.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from config.camera import CameraConfig
from config.rtsp_urls import split_zone
from config.urls import local_path, scheme_of
from daemon.books.states import CameraState, CameraStatus, Tampering
from daemon.capture.errors import Cause
from daemon.diagnosis.advice import advice


@dataclass(frozen=True, slots=True)
class Trouble:
    """`what` is one sentence that names the other side, `advice` the next step, which may be ''."""

    what: str
    advice: str


_LOST = {
    Cause.EOF: "{} ended the stream.",
    Cause.TIMEOUT: "{} does not answer.",
    Cause.REFUSED: "{} refuses the connection.",
    Cause.RESET: "The connection to {} broke.",
    Cause.UNREACHABLE: "There is no way to {}.",
    Cause.DNS: "{} has no address that is known here.",
    Cause.AUTH: "{} refuses the login.",
    Cause.FORBIDDEN: "{} knows this login and does not let it watch.",
    Cause.LOGIN_METHOD: "{} wants a login of a kind that is not known here.",
    Cause.CERTIFICATE: "The certificate of {} is not to be trusted.",
    Cause.NOT_FOUND: "{} has no stream of this path.",
    Cause.REDIRECTED: "{} leads to another machine.",
    Cause.TRANSPORT: "{} does not send in the way that it was asked to.",
    Cause.FULL: "{} serves no more viewers.",
    Cause.BUSY: "{} is busy.",
    Cause.REJECTED: "{} refuses what it was asked.",
    Cause.PROTOCOL: "{} answers, but not as a camera does.",
    Cause.NO_VIDEO: "{} sends no video.",
    Cause.CODEC: "{} sends a format that cannot be decoded here.",
    Cause.NO_KEYFRAME: "{} sends pictures, and no keyframe to begin with.",
    Cause.FLOOD: "{} sends without end what makes no picture.",
    Cause.DECODER: "What {} sends makes no picture.",
    Cause.TOO_LARGE: "{} sends pictures that are too large.",
    Cause.DEVICE: "{} cannot be used.",
    Cause.RESOURCES: "This machine is too short of memory, files or threads to open {}.",
    Cause.CONFIG: "The configuration of {} cannot work.",
    Cause.INTERNAL: "{} was lost by a fault of vedette.",
}
_VIEW = {
    Tampering.DARK: "{} shows hardly any light.",
    Tampering.BLURRED: "{} is covered or out of focus.",
    Tampering.MOVED: "{} looks somewhere else than usual.",
    Tampering.FROZEN: "{} sends the same picture again and again.",
}
_LOOK_AT_IT = "Look at the camera itself: its lens, its mount, the light."


def address_of(camera: CameraConfig) -> str:
    """Host and port, device or file name: what a person calls the other side. No secrets."""
    scheme = scheme_of(camera.url)
    if scheme == "file":
        return local_path(camera.url).name
    if scheme == "v4l2":
        return str(local_path(camera.url))
    return urlsplit(split_zone(camera.url)[0]).netloc.rpartition("@")[2] or scheme


def trouble(status: CameraStatus, camera: CameraConfig) -> Trouble | None:
    """None for a camera that is up, begins, is turned off, or has played its file to the end."""
    where = address_of(camera)
    match status.state:
        case CameraState.STALLED:
            return Trouble(f"{where} sends no pictures.", _one_line(Cause.TIMEOUT, camera))
        case CameraState.TAMPERED:
            said = _VIEW.get(Tampering(status.reason), "The view of {} is wrong.")
            return Trouble(said.format(where), _LOOK_AT_IT)
        case CameraState.FINISHED | CameraState.DISABLED:
            return None
        case CameraState.CONNECTING if status.reason == Cause.NO_KEYFRAME:
            said = f"{where} sends pictures. Waiting for a keyframe to begin with."
            return Trouble(said, _one_line(Cause.NO_KEYFRAME, camera))
        case _ if status.lost_reason:
            return _lost(status, camera, where)
    return None


def _lost(status: CameraStatus, camera: CameraConfig, where: str) -> Trouble:
    kind = Cause(status.lost_reason)
    said = _LOST[kind].format(where)
    if status.lost_detail:
        said += f" {status.lost_detail[0].upper()}{status.lost_detail[1:]}."
    if kind is Cause.NOT_FOUND and scheme_of(camera.url) == "file":
        said = f"The file {where} is not there."
    return Trouble(said, _one_line(kind, camera))


def _one_line(kind: Cause, camera: CameraConfig) -> str:
    return " ".join(advice(kind, camera).split())
