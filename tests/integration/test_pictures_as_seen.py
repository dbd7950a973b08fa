"""However a picture is stored: upright, of one size, and the box on its object, wherever it is
shown: in messages, on the page, in recordings.
"""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from sinks.messages import DetectionMessage
from tests.support import marked
from tests.support.daemon_process import DaemonProcess, Subscriber, running_daemon
from tests.support.waiting import until

pytestmark = pytest.mark.integration

CLIP = {"before_s": 0.2, "after_s": 0.3}
RECORD = {"snapshots": True, "clips": True, "clip": CLIP, "min_interval_s": 3}


def sources(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Cameras: every turn by every way to tell it, and samples that are no squares."""
    for number in marked.SEEN:
        for name, path in {
            f"matrix{number}": marked.by_matrix(folder / f"m{number}.mp4", number),
            f"sei{number}": marked.by_sei(folder / f"s{number}.h264", number),
            f"exif{number}": marked.by_exif(folder / f"e{number}.mjpeg", number),
        }.items():
            yield name, {"url": f"file:{path}"}
        wh = (96, 320) if number >= 5 else (160, 192)
        squeezed = marked.squeezed(folder / f"q{number}.mp4", wh, Fraction(2), turned=number)
        yield f"squeezed{number}", {"url": f"file:{squeezed}"}
        yield f"cropped{number}", {"url": f"file:{squeezed}", "detect": {"crop": [0, 0, 0.45, 0.6]}}
    silent = marked.squeezed(folder / "silent.mp4", (160, 192), None)
    yield "silent", {"url": f"file:{silent}", "aspect": "5:3"}


def check_picture(bgr: npt.NDArray[np.uint8], *, drawn: bool = False) -> None:
    width, height = bgr.shape[1::-1]
    assert abs(width / height - marked.SEEN_WH[0] / marked.SEEN_WH[1]) < 0.02
    seen = marked.corners(bgr[..., ::-1])
    assert seen[drawn:] == marked.CORNERS[drawn:]  # a label may be written on the red one


def decoded(jpeg: bytes) -> npt.NDArray[np.uint8]:
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    return np.asarray(bgr, np.uint8)


def fetched(daemon: DaemonProcess, path: str) -> bytes:
    """Patiently: pictures are drawn with little of a core, and other tests take the rest."""
    with urllib.request.urlopen(f"http://{daemon.http}{path}", timeout=60) as answer:
        return bytes(answer.read())


def check_page(daemon: DaemonProcess, camera: str) -> None:
    for query in ("boxes=0", "boxes=1&width=160"):
        jpeg = fetched(daemon, f"/api/v1/cameras/{camera}/snapshot.jpg?{query}")
        check_picture(decoded(jpeg), drawn="boxes=1" in query)
    stream = daemon.get_json(f"/api/v1/cameras/{camera}")["stream"]
    assert [stream["width"], stream["height"]] == list(marked.SEEN_WH)


def check_recording(daemon: DaemonProcess, camera: str) -> None:
    def newest() -> dict[str, Any]:
        found = daemon.get_json(f"/api/v1/cameras/{camera}/recordings")["recordings"]
        return dict(found[0]["files"]) if found else {}

    until(lambda: "clip" in newest(), 30)
    for part, url in newest().items():
        content = fetched(daemon, url)
        if part == "clip":
            with av.open(io.BytesIO(content)) as container:
                clip = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
            for frame in clip:
                check_picture(np.asarray(frame, np.uint8), drawn=True)
        elif content.startswith(b"\xff\xd8"):
            check_picture(decoded(content), drawn=True)


def test_every_camera_is_seen_the_right_way_everywhere(tmp_path: Path) -> None:
    cameras = dict(sources(tmp_path))
    recorded = [name for name in cameras if name.startswith(("squeezed", "sei6"))]
    for name in recorded:
        cameras[name]["record"] = RECORD
    config = {
        "cameras": cameras,
        "defaults": {"detect": {"fps": 5}},
        "recordings": {"folder": str(tmp_path)},
    }
    program = ("tests.support.marked_daemon",)
    with running_daemon(tmp_path, config, program=program) as daemon:
        daemon.wait_for("ready")
        seen: set[str] = set()
        with Subscriber(daemon.zeromq) as subscriber:
            while len(seen) < len(cameras):
                message = subscriber.next()
                assert isinstance(message, DetectionMessage)
                assert message.size == marked.SEEN_WH, message.camera
                error = np.abs(np.array(message.detections[0].box) - marked.RED_XYXY).max()
                assert error <= 6, message.camera
                seen.add(message.camera)
        for camera in cameras:
            check_page(daemon, camera)
        for camera in recorded:
            check_recording(daemon, camera)
        assert daemon.stop()[0] == 0
