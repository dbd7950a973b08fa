"""The pages in a real Chromium: what a person sees while cameras and daemon come and go."""

from __future__ import annotations

import signal
import time
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

from config.camera import CameraConfig
from config.schema import HttpConfig
from daemon.books.states import CameraState
from daemon.http import history
from tests.support.browser import DESKTOP, PHONE, Chromium
from tests.support.browsing import CAMERAS, Tape, detection, filming, is_changing, tile
from tests.support.daemon_process import ROOT, running_daemon
from tests.support.messages import event
from tests.support.nginx import documented, nginx
from tests.support.reporting import STREAM, camera_report
from tests.support.site import Site, running_site
from tests.support.waiting import until

pytestmark = pytest.mark.integration

TOKEN = "5f2c9e61d8b07a34"
DEAD_S = 3.0


def test_every_camera_shows_pictures_that_change(site: Site, browser: Chromium) -> None:
    browser.get(site.url)
    for camera in CAMERAS:
        assert is_changing(browser, tile(camera, ".film")), camera
    assert site.feed.viewers == 1, "one connection for all of them"
    assert site.feed.watched == set(CAMERAS)


def test_a_change_of_state_is_shown_in_words_with_the_next_step(
    site: Site, browser: Chromium
) -> None:
    browser.get(site.url)
    until(lambda: browser.text("#health") == "5 of 5 up")
    assert browser.title == "vedette"
    assert is_changing(browser, tile("gate", ".film"))
    frozen_s = time.monotonic() - 12
    for state, badge, head in (
        (CameraState.STALLED, "stalled", "10.0.0.5:554 sends no pictures."),
        (CameraState.BACKOFF, "no connection", "10.0.0.5:554 does not answer."),
        (CameraState.CONNECTING, "no connection", "10.0.0.5:554 does not answer."),
        (CameraState.FAILED, "failed", "10.0.0.5:554 does not answer."),
    ):
        site.reporter.camera_reports[0] = camera_report(
            "gate", state, reason="timeout", last_frame_s=frozen_s, retry_s=60
        )
        until(lambda badge=badge: browser.text(tile("gate", ".badge")) == badge)
        assert browser.text(tile("gate", ".veil-head")) == head
        assert "no picture since" in browser.text(tile("gate", ".veil-since"))
        assert browser.text(tile("gate", ".brief")) == "no\u00a0answer"
        assert browser.text("#health") == "4 of 5 up"
        assert browser.title == "(1 down) vedette"
    site.reporter.camera_reports[0] = camera_report("gate")
    until(lambda: browser.text("#health") == "5 of 5 up")
    assert is_changing(browser, tile("gate", ".film"))
    browser.get(f"{site.url}/camera/gate")
    site.reporter.camera_reports[0] = camera_report("gate", CameraState.BACKOFF, reason="auth")
    until(lambda: "credential" in browser.text("#advice"))


def test_a_file_that_is_over_is_finished_and_not_down(site: Site, browser: Chromium) -> None:
    clip = CameraConfig(url="file:///srv/street.mp4")
    site.reporter.camera_reports[0] = camera_report(
        "gate", CameraState.FINISHED, reason="eof", config=clip
    )
    browser.get(site.url)
    until(lambda: browser.text(tile("gate", ".badge")) == "finished")
    assert browser.text("#health") == "4 of 4 up"
    assert browser.title == "vedette"
    assert browser.text(tile("gate", ".brief")) == ""


def test_a_camera_that_stands_still_is_not_mistaken_for_one_that_lives(
    browser: Chromium,
) -> None:
    with running_site("gate") as site:  # nobody films: the one picture grows old
        browser.get(site.url)
        until(lambda: browser.text(tile("gate", ".badge")) == "no answer", 10)
        assert "last picture" in browser.text(tile("gate", ".veil-since"))


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
        assert is_changing(browser, tile("gate", ".film"))
        assert site.server.stop()
        stopped_s = time.monotonic()
        until(lambda: browser.text("#health") == "no answer")
        assert time.monotonic() - stopped_s < DEAD_S
        assert browser.title == "no answer – vedette"
        assert browser.text("#alarm").startswith("The daemon does not answer.")
        assert set(browser.texts("main .badge")) == {"unknown"}
        assert set(browser.texts(".veil-head")) == {"The daemon does not answer"}
        assert "last picture" in browser.text(tile("gate", ".veil-since"))
        assert browser.picture(tile("gate", ".film"))[0] > 0, "the last picture stays"
        assert set(browser.texts(".brief")) == {""}, "numbers go"
        again = Site(*CAMERAS, port=site.port)
        again.server.start()
        try:
            with filming(again):
                until(lambda: browser.text("#health").endswith(" up"))
                assert is_changing(browser, tile("gate", ".film"))
                assert not browser.find_element("id", "alarm").is_displayed()
        finally:
            assert again.server.stop()


def test_what_is_seen_is_listed_as_it_happens(site: Site, browser: Chromium) -> None:
    browser.get(site.url)
    until(lambda: site.events.listeners == 1)
    site.events.put(detection("gate", "person", "person", "car"))
    until(lambda: browser.texts("#seen li"))
    (line,) = browser.texts("#seen li")
    assert line.endswith("gate person ×2 car")
    site.events.put(detection("yard", "bus"))
    until(lambda: len(browser.texts("#seen li")) == 2)
    assert "yard bus" in browser.texts("#seen li")[0]
    assert not browser.find_element("id", "seen-none").is_displayed()


def test_what_happened_to_objects_is_told_in_words(site: Site, browser: Chromium) -> None:
    browser.get(site.url)
    until(lambda: site.events.listeners == 1)
    for one in (
        event(about="zone", phase="entered", zone="driveway"),
        event(about="object", phase="update"),
        event(about="line", phase="crossed", line="door", direction="in"),
    ):
        site.events.put(one)
    site.events.put(detection("gate", "car"))  # said by events already
    until(lambda: len(browser.texts("#seen li")) == 2)
    site.events.put(event(phase="end", at_ns=1))  # told late
    until(lambda: len(browser.texts("#seen li")) == 3)
    crossed, entered, late = browser.texts("#seen li")
    assert crossed.endswith("gate person 42 crossed door: in")
    assert entered.endswith("gate person 42 entered driveway")
    assert "gate person 42 went" in late


def test_the_page_of_a_camera_tells_all_of_it(
    site: Site, browser: Chromium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "STEP_S", 1.0)
    browser.get(site.url)
    until(lambda: browser.texts("h2 a"))
    picture = browser.find_element("css selector", tile("yard", ".picture"))
    ActionChains(browser).move_to_element(picture).click().perform()
    until(lambda: browser.text("#state") == "live")
    assert browser.current_url == f"{site.url}/camera/yard"
    assert browser.title == "yard – live – vedette"
    assert is_changing(browser, ".film")
    until(lambda: browser.texts("#objects li") == ["person 90 %"])
    assert browser.find_element("id", "frames").is_displayed() is False, "folded away"
    browser.find_element("css selector", "summary").click()
    until(lambda: len(browser.find_elements("css selector", "#fps polyline")) == 2, 10)
    label = browser.find_element("css selector", "#lost svg").get_attribute("aria-label")
    assert label == "frames lost per second, last ten minutes: now 0.0, most 0.0"
    fates = browser.texts("#frames tr")
    assert fates[0].startswith("captured 6")
    assert any(fate.startswith("fps_cap: left out") for fate in fates)
    assert browser.text("#balance") == "The books balance."
    assert "h264" in browser.text("#stream")
    assert "shown to the detectorthe whole picture" in browser.text("#stream")
    until(lambda: site.events.listeners == 1)
    site.events.put(detection("gate", "bus"))  # of another camera
    site.events.put(detection("yard", "person"))
    until(lambda: browser.texts("#seen li"))
    assert [line.split(" ", 1)[1] for line in browser.texts("#seen li")] == ["person"]
    browser.find_element("id", "after").click()
    until(lambda: browser.current_url.endswith("/camera/dock"))
    browser.find_element("link text", "Live").click()
    until(lambda: browser.texts("h2 a") == list(CAMERAS))


def test_a_picture_is_looked_at_closer_by_wheel_and_keys_and_never_leaves_its_frame(
    site: Site, browser: Chromium
) -> None:
    browser.get(f"{site.url}/camera/gate")
    until(lambda: browser.picture(".film")[0] > 0)
    frame = browser.find_element("css selector", ".picture")

    def corner() -> tuple[float, float, float]:
        script = """
            const film = document.querySelector(".film").getBoundingClientRect();
            const frame = document.querySelector(".picture").getBoundingClientRect();
            return [film.width / frame.width, film.left - frame.left, film.right - frame.right];
            """
        scale, left, right = browser.execute_script(script)
        return round(scale, 2), round(left), round(right)

    assert corner() == (1, 0, 0)
    ActionChains(browser).scroll_from_origin(ScrollOrigin.from_element(frame), 0, -240).perform()
    until(lambda: corner()[0] > 1)
    frame.send_keys("+", "+", *[Keys.ARROW_LEFT] * 8)
    scale, left, right = corner()
    assert scale > 2
    assert left == 0 < right, "moved as far as its left edge"
    ActionChains(browser).double_click(frame).perform()
    assert corner() == (1, 0, 0)
    browser.find_element("id", "nearer").click()
    assert corner()[0] == 1.5
    browser.find_element("id", "boxes").click()
    assert browser.find_element("id", "boxes").get_attribute("aria-pressed") == "false"


def wall_of(browser: Chromium) -> list[dict[str, float]]:
    return browser.execute_script(
        """
        return [...document.querySelectorAll(".tile:not([hidden]) .picture")].map((one) => {
            const { left, top, right, bottom } = one.getBoundingClientRect();
            return { left, top, right, bottom };
        });
        """
    )


def filled(places: list[dict[str, float]]) -> float:
    """How much of a screen of 1920×1080."""
    areas = ((one["right"] - one["left"]) * (one["bottom"] - one["top"]) for one in places)
    return sum(areas) / (1920 * 1080)


def test_four_cameras_fill_the_screen_and_nine_come_in_pages(browser: Chromium, site: Site) -> None:
    browser.resize((1920, 1080))
    wide = camera_report("gate")
    names = [f"camera-{n}" for n in range(11)]
    stream = replace(STREAM, width=1920, height=1080)
    site.reporter.camera_reports = [
        replace(wide, status=replace(wide.status, camera=name, stream=stream)) for name in names
    ]
    browser.get(site.url)
    until(lambda: len(wall_of(browser)) == 11)
    browser.find_element("css selector", '[data-grid="4"]').click()
    until(lambda: len(wall_of(browser)) == 4)
    places = wall_of(browser)
    assert filled(places) > 0.88, "but for the header"
    browser.find_element("id", "full").click()
    until(lambda: filled(wall_of(browser)) > 0.98)
    browser.find_element("css selector", "body").send_keys("f")
    until(lambda: wall_of(browser) == places)
    assert max(one["bottom"] for one in places) <= 1080
    for one in places:
        aspect = (one["right"] - one["left"]) / (one["bottom"] - one["top"])
        assert aspect == pytest.approx(16 / 9, rel=0.01), "no black bars"
    browser.find_element("css selector", '[data-grid="9"]').click()
    until(lambda: len(wall_of(browser)) == 9)
    assert browser.text("#shown") == "1–9 of 11"
    browser.find_element("id", "after").click()
    until(lambda: browser.text("#shown") == "10–11 of 11")
    browser.get(site.url)
    until(lambda: browser.text("#shown") == "1–9 of 11"), "the choice is remembered"
    browser.find_element("css selector", '[data-grid="auto"]').click()


@pytest.mark.parametrize(("count", "size"), [(1, DESKTOP), (4, (1920, 1080))])
def test_few_cameras_lie_whole_in_the_window_and_in_its_middle(
    site: Site, browser: Chromium, count: int, size: tuple[int, int]
) -> None:
    site.reporter.camera_reports = [camera_report(name) for name in CAMERAS[:count]]
    browser.resize(size)
    browser.get(site.url)
    until(lambda: browser.picture(tile("gate", ".film"))[0] > 0)
    until(lambda: len(wall_of(browser)) == count)
    places = wall_of(browser)
    assert max(one["bottom"] for one in places) <= size[1]
    width = browser.execute_script("return document.documentElement.clientWidth")
    left, right = min(one["left"] for one in places), max(one["right"] for one in places)
    assert left == pytest.approx(width - right, abs=1)
    share = filled(places) * 1920 * 1080 / (size[0] * size[1])
    assert share > 0.5, "of the window, for pictures of 4:3"


UNSTRIPPED = """
location /cameras/east/ {
    proxy_pass http://127.0.0.1:PORT;
    proxy_set_header X-Forwarded-Prefix /cameras/east;
}
"""


@pytest.mark.parametrize("prefix", ["/vedette", "/cameras/east"])
def test_a_proxy_may_show_the_page_under_a_path(
    site: Site, browser: Chromium, tmp_path: Path, prefix: str
) -> None:
    Tape(site, "gate", tmp_path).record(0)
    is_documented = prefix == "/vedette"
    locations = (
        documented(site.port) if is_documented else UNSTRIPPED.replace("PORT", f"{site.port}")
    )
    with nginx(tmp_path, locations) as address:
        base = f"{address}{prefix}"
        browser.get(f"{base}" if is_documented else f"{base}/")
        assert is_changing(browser, tile("gate", ".film"))
        until(lambda: site.events.listeners == 1)
        browser.find_element("link text", "gate").click()
        until(lambda: browser.text("#state") == "live")
        assert browser.current_url == f"{base}/camera/gate"
        until(lambda: len(browser.texts(".shots li")) == 1)
        browser.find_element("css selector", ".shots a").click()
        browser.wait_for("document.querySelector('.lightbox-view img')?.naturalWidth === 160")
        assert browser.current_url.startswith(f"{base}/recordings?camera=gate#gate/")
        browser.get(f"{base}/camera/nobody")
        browser.find_element("link text", "Go to the live pictures").click()
        until(lambda: browser.texts("h2 a") == list(CAMERAS))
        assert browser.current_url == f"{base}/"


def test_an_unknown_address_leads_back(site: Site, browser: Chromium) -> None:
    browser.get(f"{site.url}/camera/nobody")
    assert "No camera of this name" in browser.text("main")
    until(lambda: browser.texts("#known li") == list(CAMERAS))
    browser.find_element("link text", "yard").click()
    until(lambda: browser.text("#state") == "live")
    browser.get(f"{site.url}/no/such/page")
    browser.find_element("link text", "Go to the live pictures").click()
    until(lambda: browser.texts("h2 a") == list(CAMERAS))
    with running_site("gate", http=HttpConfig(live=False)) as dark:
        browser.get(dark.url)
        browser.find_element("link text", "Go to the cameras' facts").click()
        assert '"name":"gate"' in browser.text("body")


def test_a_hung_daemon_is_plainly_dead_and_its_pictures_are_real(
    tmp_path: Path, browser: Chromium
) -> None:
    street = f"file:{ROOT / 'config' / 'demo' / 'street.mp4'}"
    with running_daemon(tmp_path, {"cameras": {"street": {"url": street}}}) as daemon:
        daemon.wait_for("ready")
        browser.get(f"http://{daemon.http}/")
        assert is_changing(browser, tile("street", ".film"))
        until(lambda: "person" in browser.text("#seen"), 15)
        browser.get(f"http://{daemon.http}/events")
        until(lambda: any("person" in life for life in browser.texts(".lives li")), 15)
        browser.get(f"http://{daemon.http}/")
        daemon.process.send_signal(signal.SIGSTOP)
        stopped_s = time.monotonic()
        until(lambda: browser.text("#health") == "no answer")
        assert time.monotonic() - stopped_s < DEAD_S + 0.5  # the last answer may just have come
        daemon.process.send_signal(signal.SIGCONT)
        until(lambda: browser.text("#health").endswith(" up"), 10)
        assert is_changing(browser, tile("street", ".film"))


def test_windows_share_the_connections_of_the_browser(site: Site, browser: Chromium) -> None:
    browser.get(site.url)
    until(lambda: site.feed.viewers == 1)
    first = browser.current_window_handle
    for _ in range(3):
        browser.switch_to.new_window("window")
        browser.resize(DESKTOP)
        browser.get(site.url)
        until(lambda: browser.text("#health").endswith(" up"))
    shown = 0
    for window in browser.window_handles:
        browser.switch_to.window(window)
        if browser.execute_script("return document.hidden"):
            continue
        shown += 1
        assert is_changing(browser, tile("gate", ".film")), "a picture a second"
        assert browser.text("#health").endswith(" up")
    assert shown == 4
    until(lambda: site.events.listeners == 4)
    for window in browser.window_handles:
        if window != first:
            browser.switch_to.window(window)
            browser.close()
    browser.switch_to.window(first)
    until(lambda: (site.feed.viewers, site.events.listeners) == (1, 1), 10)


def test_a_page_that_is_left_is_drawn_for_no_longer(site: Site, browser: Chromium) -> None:
    feed = site.feed
    browser.get(site.url)
    until(lambda: feed.viewers == 1)
    browser.find_element("id", "pause").click()
    until(lambda: feed.viewers == 0)
    browser.find_element("id", "pause").click()
    until(lambda: feed.viewers == 1)
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
    until(lambda: browser.picture(tile("gate", ".film"))[0] > 0)
    before = browser.picture(tile("gate", ".film"))
    until(lambda: browser.text("#health") == "5 of 5 up")
    time.sleep(1.5)  # more than one turn of the page
    assert browser.picture(tile("gate", ".film")) == before
    pause.click()
    assert is_changing(browser, tile("gate", ".film"))


@pytest.mark.parametrize(
    "path", ["/", "/camera/gate", "/camera/yard", "/recordings", "/events", "/nosuch"]
)
@pytest.mark.parametrize("size", [DESKTOP, PHONE, (320, 640)])
def test_a_page_fits_its_window_and_can_be_read_in_light_and_dark(
    site: Site, browser: Chromium, path: str, size: tuple[int, int]
) -> None:
    site.reporter.camera_reports[1] = camera_report("yard", CameraState.BACKOFF, reason="timeout")
    browser.resize(size)
    grounds = set()
    for scheme in ("light", "dark"):
        browser.emulate(("prefers-color-scheme", scheme))
        browser.get(site.url + path)
        if path != "/nosuch":
            until(lambda: browser.text("#health") == "4 of 5 up")
        for fold in browser.find_elements("css selector", "summary"):
            fold.click()
        assert browser.faint_texts() == []
        assert size == DESKTOP or browser.small_targets() == []
        width = browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= size[0], "nothing to scroll sideways to"
        ground = "return getComputedStyle(document.body).backgroundColor"
        grounds.add(browser.execute_script(ground))
    assert len(grounds) == 2


@pytest.mark.parametrize("path", ["/", "/camera/gate"])
def test_nothing_moves_while_pictures_arrive(site: Site, browser: Chromium, path: str) -> None:
    browser.get(site.url + path)
    until(lambda: browser.picture(".film")[0] > 0)
    until(lambda: browser.text("#health") == "5 of 5 up")
    assert browser.layout_shift() < 0.05


@pytest.mark.parametrize("path", ["/", "/camera/gate", "/recordings", "/events"])
def test_a_screen_reader_finds_a_name_for_everything(
    site: Site, browser: Chromium, path: str
) -> None:
    browser.get(site.url + path)
    until(lambda: browser.text("#health") == "5 of 5 up")
    if path in ("/", "/camera/gate"):
        until(lambda: browser.picture(".film")[0] > 0)
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles: dict[str, list[str]] = {}
    for node in nodes:
        if not node["ignored"]:
            name = node.get("name", {}).get("value", "")
            roles.setdefault(node["role"]["value"], []).append(name)
    for role in ("link", "button", "heading", "image", "region", "navigation", "combobox"):
        assert all(roles.get(role, ["named"])), (role, roles.get(role))
    if path in ("/", "/camera/gate"):
        assert any(name.startswith("camera gate, picture of") for name in roles["image"])
    assert {"main", "banner", "status", "link", "button"} <= set(roles)
    levels = [
        int(element.tag_name[1]) for element in browser.find_elements("css selector", "h1, h2")
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_the_keyboard_comes_past_the_header_to_the_cameras(site: Site, browser: Chromium) -> None:
    browser.get(site.url)
    until(lambda: browser.texts("h2 a"))
    focused: list[str] = []
    for _ in range(13):
        browser.find_element("css selector", "body").send_keys("\ue004")  # Tab
        element = browser.switch_to.active_element
        assert element.is_displayed()
        focused.append(element.text)
    tools = ["Auto", "1", "4", "9", "Pause", "Full screen"]
    assert focused == [
        "Skip to the content",
        "vedette",
        "Live",
        "Events",
        "Recordings",
        *tools,
        "gate",
        "yard",
    ]


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
        assert is_changing(browser, tile("gate", ".film"))
        until(lambda: site.events.listeners == 1)
        wrong = {"Authorization": "Basic " + b64encode(b"anyone:wrong").decode()}
        assert site.get("/", wrong)[0] == 401
