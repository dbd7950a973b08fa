"""Row 21: a USB camera that is absent, used by another program, or pulled out."""

from __future__ import annotations

import time

from tests.fault.case import Case, Row
from tests.fault.neighbours import window_s
from tests.fault.stage import FPS, SEEN, stage
from tests.fault.streams import overlap
from tests.support.usb_camera import UsbCamera

SNAPSHOT = "/api/v1/cameras/usb/snapshot.jpg"


def usb_camera(case: Case) -> None:
    camera = UsbCamera(case.folder, fps=int(FPS))
    urls = {"usb": camera.url, "absent": "v4l2:///dev/video62", "no-camera": "v4l2:///dev/null"}
    cameras = {name: {"url": url, **SEEN} for name, url in urls.items()}
    camera.become("busy")
    with stage(case, cameras, environment=camera.environment) as staged:
        for name, what in {"usb": "busy", "absent": "absent", "no-camera": "no camera"}.items():
            _, reason = staged.loss_after(name, 0.0)
            case.equal(f"{what}: reason", reason, "device")
        time.sleep(2.0)
        case.at_most("CPU meanwhile", 100 * staged.cpu_share(window_s(case)), 2.0, "% CPU")

        free_s = time.monotonic()
        camera.become("plugged")
        case.at_most("free: first answer after", staged.answer_after("usb", free_s), 5.0, "s")
        staged.daemon.get(SNAPSHOT)  # the first one starts a thread that stays
        staged.steady(["usb"])
        _, message = staged.answers("usb")[-1]
        case.at_least("IoU with the known box", overlap(message), 0.9)

        out_s = time.monotonic()
        camera.become("unplugged")
        noticed_s, reason = staged.loss_after("usb", out_s)
        case.at_most("unplugged: noticed after", noticed_s, 0.5, "s")
        case.equal("unplugged: reason", reason, "device")
        # A raw picture of V4L2 lies in the driver's memory, unless somebody saw to it.
        status, _ = staged.daemon.get(SNAPSHOT)
        case.equal("unplugged: last picture", status, 200)
        time.sleep(2.0)
        case.at_most("CPU while unplugged", 100 * staged.cpu_share(window_s(case)), 2.0, "% CPU")

        back_s = time.monotonic()
        camera.become("plugged")
        case.at_most("back: first answer after", staged.answer_after("usb", back_s), 5.0, "s")


ROWS = (
    Row(
        "21",
        "USB camera absent, busy, unplugged while it streams",
        "retried at next to no cost, then back",
        usb_camera,
    ),
)
