"""The pages in a real Chromium: what a person sees while cameras and daemon come and go."""

from __future__ import annotations

import signal
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from config.camera import ClipConfig
from config.schema import HttpConfig
from daemon.answers.annotate import encode_jpeg
from daemon.books.states import CameraState
from daemon.http import history
from daemon.recording.film import Film
from daemon.recording.shelf import Part, Shelf, name_of
from sinks.messages import Detection, DetectionMessage, Envelope, LatencyMs, json_line
from tests.support.browser import DESKTOP, PHONE, Chromium, chromium
from tests.support.daemon_process import ROOT, running_daemon
from tests.support.fakes import GreyPicture
from tests.support.reporting import camera_report
from tests.support.site import Site, running_site
from tests.support.waiting import until

pytestmark = pytest.mark.integration

CAMERAS = ("gate", "yard", "dock", "hall", "roof")
TOKEN = "5f2c9e61d8b07a34"
DEAD_S = 3.0


@pytest.fixture(scope="module")
def only_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(only_browser: Chromium) -> Iterator[Chromium]:
    """One window, as it was when it began."""
    only_browser.resize(DESKTOP)
    only_browser.emulate()
    only_browser.complaints()
    yield only_browser
    complaints = only_browser.complaints()
    first, *others = only_browser.window_handles
    for other in others:
        only_browser.switch_to.window(other)
        only_browser.close()
    only_browser.switch_to.window(first)
    only_browser.get("about:blank")
    assert complaints == []


class PlainPicture(GreyPicture):
    """A picture of one shade."""

    def __init__(self, shade: int) -> None:
        super().__init__(320, 240)
        self._shade = shade

    def to_bgr(self, max_width: int | None = None) -> npt.NDArray[np.uint8]:
        return np.full_like(super().to_bgr(max_width), self._shade)


@contextmanager
def filming(site: Site) -> Iterator[None]:
    """Every camera delivers ten pictures a second, each of another shade."""
    over = threading.Event()

    def film() -> None:
        shade = 0
        while not over.wait(0.1):
            shade = (shade + 40) % 240
            for camera in CAMERAS:
                site.see(camera, picture=PlainPicture(shade))

    thread = threading.Thread(target=film, name="filming")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site(*CAMERAS) as site, filming(site):
        yield site


def is_changing(browser: Chromium, selector: str) -> bool:
    """Whether three different pictures come, one after the other."""
    seen: set[tuple[int, ...]] = set()

    def another() -> bool:
        width, pixels = browser.picture(selector)
        if width > 0:
            seen.add(tuple(pixels))
        return len(seen) >= 3

    with suppress(AssertionError):
        until(another, 10)
    return len(seen) >= 3


def tile(camera: str, part: str) -> str:
    return f'[data-camera="{camera}"] {part}'


def detection(camera: str, *labels: str) -> Envelope:
    found = tuple(Detection(label, 0, 0.91, (1.0, 2.0, 30.0, 40.0)) for label in labels)
    message = DetectionMessage(
        epoch="9f3c",
        node="lodge",
        camera=camera,
        seq=1,
        status="ok",
        captured_ns=1_795_000_000_000_000_000,
        time_source="wallclock",
        pts_s=None,
        size=(64, 48),
        model="fake",
        latency_ms=LatencyMs(1.0, 2.0),
        detections=found,
    )
    return Envelope(message, time.monotonic())


def test_every_camera_shows_pictures_that_change(site: Site, browser: Chromium) -> None:
    browser.get(site.url)
    for camera in CAMERAS:  # three as streams, the others as snapshots
        assert is_changing(browser, tile(camera, "img")), camera
    streams = browser.execute_script(
        "return document.querySelectorAll('img[src^=\"/live\"]').length"
    )
    assert streams == 3


def test_a_change_of_state_is_shown_in_words(site: Site, browser: Chromium) -> None:
    browser.get(site.url)
    until(lambda: browser.text(tile("gate", ".badge")) == "streaming")
    assert browser.title == "vedette"
    frozen_s = time.monotonic() - 12
    for state, badge, veil in (
        (CameraState.STALLED, "stalled", "stalled: no frame for 1"),
        (CameraState.BACKOFF, "no connection", "no connection (timeout) for"),
        (CameraState.FAILED, "failed", "failed (timeout)"),
    ):
        report = camera_report("gate", state, reason="timeout", last_frame_s=frozen_s)
        site.reporter.camera_reports[0] = report
        until(lambda badge=badge: browser.text(tile("gate", ".badge")) == badge)
        assert browser.text(tile("gate", ".veil")).startswith(veil)
        assert browser.title == "(1 down) vedette"
    site.reporter.camera_reports[0] = camera_report("gate")
    until(lambda: browser.text(tile("gate", ".badge")) == "streaming")
    assert is_changing(browser, tile("gate", "img"))


def test_a_camera_that_stands_still_is_not_mistaken_for_one_that_lives(
    browser: Chromium,
) -> None:
    with running_site("gate") as site:  # nobody films: the one picture grows old
        browser.get(site.url)
        until(lambda: browser.text(tile("gate", ".veil")).startswith("no answer for"), 10)


def test_cameras_that_come_and_go_are_shown_and_not_shown(site: Site, browser: Chromium) -> None:
    browser.get(site.url)
    until(lambda: browser.texts("h2 a") == list(CAMERAS))
    site.reporter.camera_reports = [camera_report("gate"), camera_report("cellar")]
    until(lambda: browser.texts("h2 a") == ["gate", "cellar"])


def test_a_daemon_that_went_away_is_plainly_dead_and_one_that_is_back_lives(
    browser: Chromium,
) -> None:
    with running_site(*CAMERAS) as site, filming(site):
        browser.get(site.url)
        assert is_changing(browser, tile("gate", "img"))
        assert site.server.stop()
        stopped_s = time.monotonic()
        until(lambda: browser.text("#health") == "no answer")
        assert time.monotonic() - stopped_s < DEAD_S
        assert browser.title == "no answer – vedette"
        assert browser.text("#alarm").startswith("The daemon does not answer.")
        assert set(browser.texts("main .badge")) == {"unknown"}
        assert set(browser.texts(".veil")) == {"the daemon does not answer"}
        again = Site(*CAMERAS, port=site.port)
        again.server.start()
        try:
            with filming(again):
                until(lambda: browser.text("#health") == "ready")
                assert is_changing(browser, tile("gate", "img"))
                assert not browser.find_element("id", "alarm").is_displayed()
        finally:
            assert again.server.stop()


def test_what_is_seen_is_listed_as_it_happens(site: Site, browser: Chromium) -> None:
    browser.get(site.url)
    until(lambda: site.events.listeners == 1)
    site.events.put(detection("gate", "person", "person", "car"))
    until(lambda: browser.texts("#seen li"))
    (line,) = browser.texts("#seen li")
    assert line.endswith("gate person ×2 91 %, car 91 %")
    site.events.put(detection("yard", "bus"))
    until(lambda: len(browser.texts("#seen li")) == 2)
    assert "yard bus" in browser.texts("#seen li")[0]


def test_the_page_of_a_camera_tells_all_of_it(
    site: Site, browser: Chromium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "STEP_S", 1.0)
    browser.get(site.url)
    until(lambda: browser.texts("h2 a"))
    browser.find_element("link text", "yard").click()
    until(lambda: browser.text("#state") == "streaming")
    assert browser.current_url == f"{site.url}/camera/yard"
    assert browser.title == "yard – streaming – vedette"
    assert is_changing(browser, ".picture img")
    until(lambda: len(browser.find_elements("css selector", "#fps polyline")) == 2, 10)
    label = browser.find_element("css selector", "#lost svg").get_attribute("aria-label")
    assert label == "frames lost per second, last ten minutes: now 0.0, most 0.0"
    fates = browser.texts("#frames tr")
    assert fates[0].startswith("captured 6")
    assert any(fate.startswith("fps_cap: left out") for fate in fates)
    assert browser.text("#balance") == "The books balance."
    assert "1280" not in browser.text("#stream")
    assert "h264" in browser.text("#stream")
    until(lambda: site.events.listeners == 1)
    site.events.put(detection("gate", "bus"))  # of another camera
    site.events.put(detection("yard", "person"))
    until(lambda: browser.texts("#seen li"))
    assert [line.split(" ", 1)[1] for line in browser.texts("#seen li")] == ["person 91 %"]
    assert browser.texts("#objects tr th") == ["person"]
    browser.find_element("link text", "All cameras").click()
    until(lambda: browser.texts("h2 a") == list(CAMERAS))


def film_clip(path: Path) -> None:
    film = Film(ClipConfig())
    for n in range(5):
        film.add(np.full((120, 160, 3), n * 50, np.uint8), n * 0.2)
    film.begin(path, 1.0)
    film.end()


def test_recordings_are_shown_as_they_come_and_older_ones_on_demand(
    site: Site, browser: Chromium, tmp_path: Path
) -> None:
    shelf = site.shelves["gate"] = Shelf(tmp_path / "gate")
    jpeg = encode_jpeg(np.full((90, 160, 3), 90, np.uint8))

    def record(seconds: int) -> str:
        name = name_of(1_795_000_000_000_000_000 + seconds * 10**9)
        for part in (Part.THUMBNAIL, Part.PICTURE, Part.BOXES):
            shelf.write(name, part, jpeg)
        shelf.write(name, Part.MESSAGE, json_line(detection("gate", "person").message))
        return name

    for n in range(20):
        record(n)
    browser.get(f"{site.url}/camera/gate")
    until(lambda: len(browser.texts(".shots li")) == 12)
    browser.wait_for("document.querySelector('.shots img').naturalWidth === 160")
    first = browser.texts(".shots li")[0]
    assert first.endswith("person 91 % boxes plain JSON")
    assert browser.text("#stored").startswith("20 kept")
    browser.find_element("id", "older").click()
    until(lambda: len(browser.texts(".shots li")) == 20)
    assert not browser.find_element("id", "older").is_displayed()
    newest = record(21)
    until(lambda: len(browser.texts(".shots li")) == 21, 8)
    film_clip(shelf.begin(newest, Part.CLIP))
    shelf.keep(newest, Part.CLIP)
    until(lambda: "clip" in browser.texts(".shots li")[0], 8)
    site.reporter.recorder_failing = "No space left on device"
    until(lambda: "No space left" in browser.text(".fault"), 8)
    assert browser.find_element("css selector", ".fault").is_displayed()
    browser.find_element("link text", "clip").click()
    browser.wait_for("document.querySelector('video')?.videoWidth === 160")


def test_a_camera_without_recordings_does_not_speak_of_them(site: Site, browser: Chromium) -> None:
    browser.get(f"{site.url}/camera/yard")
    until(lambda: browser.text("#state") == "streaming")
    until(lambda: browser.texts("#frames tr"))
    assert not browser.find_element("id", "recordings").is_displayed()


def test_the_page_of_an_unknown_camera_says_so(site: Site, browser: Chromium) -> None:
    browser.get(f"{site.url}/camera/nobody")
    until(lambda: "no camera of this name" in browser.text("#alarm"))
    assert browser.text("#state") == "unknown camera"


def test_a_hung_daemon_is_plainly_dead_and_its_pictures_are_real(
    tmp_path: Path, browser: Chromium
) -> None:
    street = f"file:{ROOT / 'config' / 'demo' / 'street.mp4'}"
    with running_daemon(tmp_path, {"cameras": {"street": {"url": street}}}) as daemon:
        daemon.wait_for("ready")
        browser.get(f"http://{daemon.http}/")
        assert is_changing(browser, tile("street", "img"))
        until(lambda: "person" in browser.text("#seen"), 15)
        daemon.process.send_signal(signal.SIGSTOP)
        stopped_s = time.monotonic()
        until(lambda: browser.text("#health") == "no answer")
        assert time.monotonic() - stopped_s < DEAD_S + 0.5  # the last answer may just have come
        daemon.process.send_signal(signal.SIGCONT)
        until(lambda: browser.text("#health") == "ready", 10)
        assert is_changing(browser, tile("street", "img"))


def test_windows_share_the_connections_of_the_browser(site: Site, browser: Chromium) -> None:
    streams = "return document.querySelectorAll('img[src^=\"/live\"]').length"
    browser.get(site.url)
    until(lambda: browser.execute_script(streams) == 3)
    first = browser.current_window_handle
    for _ in range(3):
        browser.switch_to.new_window("window")
        browser.resize(DESKTOP)
        browser.get(site.url)
        until(lambda: browser.text("#health") == "ready")
    shown = 0
    for window in browser.window_handles:
        browser.switch_to.window(window)
        if browser.execute_script("return document.hidden"):
            continue
        shown += 1
        until(lambda: browser.execute_script(streams) == 0)
        assert is_changing(browser, tile("gate", "img")), "as snapshots"
        assert browser.text("#health") == "ready"
    assert shown == 4
    for window in browser.window_handles:
        if window != first:
            browser.switch_to.window(window)
            browser.close()
    browser.switch_to.window(first)
    until(lambda: browser.execute_script(streams) == 3, 10)


def test_a_page_that_is_left_is_drawn_for_no_longer(site: Site, browser: Chromium) -> None:
    feed = site.feed
    browser.get(site.url)
    until(lambda: feed.viewers == 3)
    browser.find_element("id", "pause").click()
    until(lambda: feed.viewers == 0)
    browser.find_element("id", "pause").click()
    until(lambda: feed.viewers == 3)
    browser.get("about:blank")
    until(lambda: feed.viewers == 0)
    until(lambda: site.events.listeners == 0)


def test_pictures_stand_still_for_who_asked_for_little_motion(
    site: Site, browser: Chromium
) -> None:
    browser.emulate(("prefers-reduced-motion", "reduce"))
    browser.get(site.url)
    pause = browser.find_element("id", "pause")
    assert pause.get_attribute("aria-pressed") == "true"
    until(lambda: browser.picture(tile("gate", "img"))[0] > 0)
    before = browser.picture(tile("gate", "img"))
    until(lambda: browser.text("#totals dd").startswith("5 of 5"))
    time.sleep(1.5)  # more than one turn of the page
    assert browser.picture(tile("gate", "img")) == before
    pause.click()
    assert is_changing(browser, tile("gate", "img"))


@pytest.mark.parametrize("path", ["/", "/camera/gate"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE, (320, 640)])
def test_a_page_fits_its_window_in_light_and_dark(
    site: Site, browser: Chromium, path: str, size: tuple[int, int]
) -> None:
    browser.resize(size)
    grounds = set()
    for scheme in ("light", "dark"):
        browser.emulate(("prefers-color-scheme", scheme))
        browser.get(site.url + path)
        until(lambda: browser.text("#health") == "ready")
        until(lambda: browser.text(".figures dd"))
        width = browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= size[0], "nothing to scroll sideways to"
        ground = "return getComputedStyle(document.body).backgroundColor"
        grounds.add(browser.execute_script(ground))
    assert len(grounds) == 2


@pytest.mark.parametrize("path", ["/", "/camera/gate"])
def test_a_screen_reader_finds_a_name_for_everything(
    site: Site, browser: Chromium, path: str
) -> None:
    browser.get(site.url + path)
    until(lambda: browser.text(".badge:not(#health)") == "streaming")
    until(lambda: browser.picture(".picture img")[0] > 0)
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles: dict[str, list[str]] = {}
    for node in nodes:
        if not node["ignored"]:
            name = node.get("name", {}).get("value", "")
            roles.setdefault(node["role"]["value"], []).append(name)
    for role in ("link", "button", "heading", "image", "region", "navigation"):
        assert all(roles.get(role, [])), (role, roles.get(role))
    assert "camera gate" in roles["image"]
    assert {"main", "banner", "contentinfo", "status"} <= set(roles)
    levels = [
        int(element.tag_name[1]) for element in browser.find_elements("css selector", "h1, h2")
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_the_keyboard_comes_past_the_header_to_the_cameras(site: Site, browser: Chromium) -> None:
    browser.get(site.url)
    until(lambda: browser.texts("h2 a"))
    focused: list[str] = []
    for _ in range(4):
        browser.find_element("css selector", "body").send_keys("\ue004")  # Tab
        element = browser.switch_to.active_element
        assert element.is_displayed()
        focused.append(element.text)
    assert focused == ["Skip to the cameras", "Pause pictures", "gate", "yard"]


def test_a_login_is_asked_for_once_and_holds_for_pictures_and_events(
    tmp_path: Path, browser: Chromium
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    http = HttpConfig(token=f"file:{file}")
    with running_site(*CAMERAS, http=http) as site, filming(site):
        browser.get(site.url)  # asks for a login, which nobody gives
        assert browser.find_elements("css selector", "main") == []
        host = site.url.removeprefix("http://")
        browser.get(f"http://anyone:{TOKEN}@{host}/readyz")  # as if it were given
        browser.get(site.url)
        assert is_changing(browser, tile("gate", "img"))
        until(lambda: site.events.listeners == 1)
        wrong = {"Authorization": "Basic " + b64encode(b"anyone:wrong").decode()}
        assert site.get("/", wrong)[0] == 401
