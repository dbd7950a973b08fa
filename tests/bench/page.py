"""What the live page costs: `python -m tests.bench.page [CAMERAS]`, 64 by default.

A real Chromium looks at a real server whose cameras deliver 1920×1080 pictures at 5 fps each. The
reference is a page that shows one of them as `/live/NAME.mjpg` in an <img>, in the same run.
Percent of one core, of the server's threads and of all of the browser's processes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tests.support.browser import Chromium, chromium
from tests.support.fakes import GreyPicture
from tests.support.site import Site, running_site

FPS = 5.0
SETTLE_S, MEASURED_S = 4.0, 8.0
TICKS = os.sysconf("SC_CLK_TCK")


_REFERENCE = """
    const image = document.createElement("img");
    image.src = arguments[0];
    document.body.append(image);
    """


class Street(GreyPicture):
    """A picture with as much in it as a street has."""

    def __init__(self) -> None:
        super().__init__(1920, 1080)
        small = np.random.default_rng(1).integers(0, 255, (54, 96, 3), np.uint8)
        self._bgr = cv2.resize(small, (1920, 1080), interpolation=cv2.INTER_CUBIC)

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        width = min(max_width or 1920, 1920)
        size = (width, width * 1080 // 1920)
        return np.asarray(cv2.resize(self._bgr, size, interpolation=cv2.INTER_AREA), np.uint8)


def main(cameras: int) -> None:
    names = [f"camera-{n:02d}" for n in range(cameras)]
    with (
        tempfile.TemporaryDirectory() as profile,
        running_site(*names) as site,
        _filming(site, names),
        chromium(Path(profile)) as browser,
    ):
        browser.resize((1920, 1080))
        print(f"{cameras} cameras of 1920×1080 at {FPS:g} fps; percent of one core")
        browser.get(f"{site.url}/readyz")
        browser.execute_script(_REFERENCE, f"/live/{names[0]}.mjpg")
        _measure(browser, "one /live/NAME.mjpg")
        for what, path in (("one camera's page", f"/camera/{names[0]}"), ("all, auto", "/")):
            browser.get(site.url + path)
            _measure(browser, what)
        for grid in ("4", "9"):
            browser.find_element("css selector", f'[data-grid="{grid}"]').click()
            _measure(browser, f"{grid} at a time")


@contextmanager
def _filming(site: Site, names: list[str]) -> Iterator[None]:
    over, picture = threading.Event(), Street()

    def film() -> None:
        while not over.wait(1 / FPS):
            for name in names:
                site.see(name, picture=picture)

    thread = threading.Thread(target=film, name="film")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _measure(browser: Chromium, what: str) -> None:
    time.sleep(SETTLE_S)
    before, browser_before, began_s = _threads(), _processes(browser), time.monotonic()
    time.sleep(MEASURED_S)
    took_s = time.monotonic() - began_s
    after, browser_after = _threads(), _processes(browser)
    server = {name: after[name] - before.get(name, 0) for name in after if name.startswith("http")}
    shares = "  ".join(f"{name} {spent / took_s:.1%}" for name, spent in sorted(server.items()))
    print(
        f"{what:20}  browser {(browser_after - browser_before) / took_s:.1%}  {shares}", flush=True
    )


def _threads() -> dict[str, float]:
    """Seconds of processor time of this process's threads, by name."""
    spent: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        names = {str(one.native_id): one.name for one in threading.enumerate()}
        name = names.get(task.name, "").partition("_")[0]
        spent[name] = spent.get(name, 0) + _seconds(task / "stat")
    return spent


def _processes(browser: Chromium) -> float:
    """Seconds of all processes below the driver."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int(
                (folder / "stat").read_text().rpartition(")")[2].split()[1]
            )
        except OSError:
            continue
    driver = browser.service.process.pid
    return sum(
        _seconds(Path(f"/proc/{pid}/stat")) for pid in parents if _is_below(pid, driver, parents)
    )


def _is_below(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        if pid == root:
            return True
        pid = parents[pid]
    return False


def _seconds(stat: Path) -> float:
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
