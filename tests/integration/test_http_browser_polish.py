"""The pages in a real Chromium: keys reach everything, nothing jumps, many cameras fit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.books.states import CameraState
from tests.support.browser import DESKTOP, Chromium
from tests.support.browsing import Tape, filming, tile
from tests.support.messages import event
from tests.support.reporting import camera_report
from tests.support.site import Site, running_site
from tests.support.waiting import until

pytestmark = pytest.mark.integration

MANY = tuple(f"camera-{n:02d}" for n in range(64))
# What can be focused and seen, in the order of the page; each gets a number to be known by.
CONTROLS = """
    const wanted = "a[href], button, input, select, textarea, summary, [tabindex='0']";
    const seen = [...document.querySelectorAll(wanted)].filter((one) =>
        one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0);
    seen.forEach((one, n) => { one.dataset.control = n; });
    return seen.map((one) => (one.ariaLabel || one.innerText || one.name || one.tagName).trim());
    """
# Number of the control that has the focus, and whether a ring around it or around what it is the
# name of, as a tile, shows that it has.
FOCUSED = """
    const one = document.activeElement;
    const hasRing = (at) => {
        const style = getComputedStyle(at);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    };
    let shown = false;
    for (let at = one; at && at !== document.body; at = at.parentElement) shown ||= hasRing(at);
    return [Number(one.dataset?.control ?? -1), shown];
    """


def press_tab(browser: Chromium) -> None:
    for kind in ("keyDown", "keyUp"):
        browser.execute_cdp_cmd(
            "Input.dispatchKeyEvent",
            {"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9},
        )


def with_content(site: Site, folder: Path) -> None:
    """Recordings and lives of objects, as a day brings them."""
    tape = Tape(site, "gate", folder)
    for seconds in range(12):
        tape.record(seconds)
    for number in range(8):
        told = event(phase="end", at_ns=time.time_ns(), track=number, id=f"e-{number}").message
        site.diary.add([told])  # type: ignore[list-item]


PAGES = ["/", "/camera/gate", "/camera/gate/zones", "/recordings", "/events", "/nosuch"]


@pytest.mark.parametrize("path", PAGES)
def test_the_tab_key_reaches_every_control_in_order_and_shows_where_it_is(
    site: Site, browser: Chromium, tmp_path: Path, path: str
) -> None:
    with_content(site, tmp_path)
    browser.get(site.url + path)
    settled(browser, path)
    browser.execute_script(
        "for (const fold of document.querySelectorAll('details')) fold.open = true"
    )
    names = browser.execute_script(CONTROLS)
    assert len(names) > 4
    reached, unseen = [], []
    for _ in range(len(names) * 2):
        press_tab(browser)
        number, is_shown = browser.execute_script(FOCUSED)
        if number < 0 and reached:
            break
        if number >= 0 and number not in reached:
            reached.append(number)
            if not is_shown:
                unseen.append(names[number])
    missed = [names[number] for number in sorted(set(range(len(names))) - set(reached))]
    assert missed == []
    assert unseen == [], "have the focus, and nothing shows it"


def settled(browser: Chromium, path: str) -> None:
    if path == "/nosuch":
        until(lambda: browser.texts("#known li"))
        return
    until(lambda: browser.text("#health") == "5 of 5 up")
    if path in ("/", "/camera/gate"):
        until(lambda: browser.picture(".film")[0] > 0)


@pytest.mark.parametrize("name", ["events", "recordings", "zones of gate"])
def test_a_window_keeps_its_name_and_says_how_many_cameras_are_down(
    site: Site, browser: Chromium, name: str
) -> None:
    browser.get(site.url + ("/camera/gate/zones" if "gate" in name else f"/{name}"))
    until(lambda: browser.text("#health") == "5 of 5 up")
    assert browser.title == f"{name} – vedette"
    site.reporter.camera_reports[1] = camera_report("yard", CameraState.BACKOFF, reason="timeout")
    until(lambda: browser.title == f"(1 down) {name} – vedette")


@pytest.mark.parametrize("path", ["/recordings", "/events", "/camera/gate"])
def test_lists_do_not_jump_while_their_pictures_arrive(
    site: Site, browser: Chromium, tmp_path: Path, path: str
) -> None:
    with_content(site, tmp_path)
    browser.get(site.url + path)
    settled(browser, path)
    until(lambda: browser.texts(".shots li, .lives li"))
    if path != "/events":
        browser.wait_for("[...document.images].some((one) => one.naturalWidth === 160)")
    assert browser.layout_shift() < 0.1, "good, by the usual measure"


@pytest.fixture
def crowd() -> Iterator[Site]:
    with running_site(*MANY) as site, filming(site, MANY):
        yield site


@pytest.mark.parametrize("size", [DESKTOP, (320, 640)])
def test_64_cameras_have_a_picture_each_and_fit_the_window(
    crowd: Site, browser: Chromium, size: tuple[int, int]
) -> None:
    browser.resize(size)
    browser.get(crowd.url)
    until(lambda: browser.text("#health") == "64 of 64 up", 10)
    until(lambda: len(browser.texts(".tile:not([hidden])")) > 0, 10)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= size[0], "nothing to scroll sideways to"
    first = tile(MANY[0], ".film")
    until(lambda: browser.picture(first)[0] > 0, 20)
    browser.execute_script("window.scrollTo(0, document.body.scrollHeight)")
    last = browser.texts(".tile:not([hidden]) h2 a")[-1]
    until(lambda: browser.picture(tile(last, ".film"))[0] > 0, 20)
    assert crowd.feed.viewers == 1
    browser.find_element("id", "full").click()
    browser.wait_for("document.fullscreenElement?.id === 'cameras'")
    browser.execute_script("document.fullscreenElement.scrollTo(0, 1e6)")
    browser.wait_for("document.fullscreenElement.scrollTop > 0")
