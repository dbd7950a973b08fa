"""The zone editor in a real Chromium: mouse, finger and keys; YAML to paste, or saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput

from config.loader import load
from daemon.books.reports import ReloadResult
from tests.support.browser import PHONE, Chromium
from tests.support.edited_file import FILE, EditedFile
from tests.support.reporting import camera_report
from tests.support.site import Site, running_site
from tests.support.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture
def file(tmp_path: Path) -> EditedFile:
    return EditedFile(tmp_path / "vedette.yaml")


@pytest.fixture
def site(file: EditedFile) -> Iterator[Site]:
    """Whose camera `gate` has the zone `drive`, and may be edited."""
    with running_site("gate", editor=file.editor) as site:
        camera = load(file.path).config.cameras["gate"]
        site.reporter.camera_reports = [camera_report("gate", config=camera)]
        site.reporter.config = lambda: file.report  # type: ignore[method-assign]
        yield site


def open_editor(browser: Chromium, site: Site) -> None:
    browser.get(f"{site.url}/camera/gate/zones")
    until(lambda: "drive:" in browser.text("#yaml"))


def corner(browser: Chromium, n: int) -> tuple[float, float]:
    """Of the place that is chosen, in fractions of the picture."""
    script = """
        const { width, height } = document.getElementById("drawing").viewBox.baseVal;
        const spot = document.querySelectorAll("circle.corner")[arguments[0]];
        return [spot.cx.baseVal.value / width, spot.cy.baseVal.value / height];
        """
    x, y = browser.execute_script(script, n)
    return round(x, 2), round(y, 2)


def test_a_zone_is_drawn_with_the_mouse_named_narrowed_and_saved_with_the_files_comments(
    site: Site, file: EditedFile, browser: Chromium
) -> None:
    browser.get(f"{site.url}/camera/gate")
    until(lambda: browser.find_element("id", "zones").get_attribute("href"))
    browser.find_element("id", "zones").click()
    until(lambda: "drive:" in browser.text("#yaml"))
    browser.find_element("id", "add-zone").click()
    drawing = browser.find_element("id", "drawing")
    corners = ((-200, -100), (100, -100), (100, 120))
    for x, y in (*corners, corners[0]):
        ActionChains(browser).move_to_element_with_offset(drawing, x, y).click().perform()
    until(lambda: "zone1:" in browser.text("#yaml"))
    name = browser.find_element("name", "name")
    name.clear()
    name.send_keys("lawn")
    browser.find_element("css selector", "[name=labels][value=car]").click()
    browser.find_element("name", "loiter_after_s").send_keys("20")
    assert "lawn:" in browser.text("#yaml")
    browser.find_element("id", "save").click()
    until(lambda: browser.text("#saved").startswith("Saved"))
    camera = load(file.path).config.cameras["gate"]
    assert list(camera.zones) == ["drive", "lawn"]
    assert camera.zones["lawn"].labels == ["car"]
    assert camera.zones["lawn"].loiter_after_s == 20
    assert "# the one at the road" in file.path.read_text()
    assert not browser.find_element("id", "save").is_enabled(), "nothing more to save"


def test_corners_are_dragged_added_and_taken_away_and_all_of_it_undone(
    site: Site, browser: Chromium
) -> None:
    open_editor(browser, site)
    before = browser.text("#yaml")
    browser.find_element("css selector", "#places button").click()
    first = browser.find_elements("css selector", "circle.corner")[0]
    ActionChains(browser).drag_and_drop_by_offset(first, 60, 30).perform()
    x, y = corner(browser, 0)
    assert x > 0.1
    assert y > 0.5
    browser.find_element("css selector", "circle.adder").click()
    assert len(browser.find_elements("css selector", "circle.corner")) == 4
    browser.find_elements("css selector", "circle.corner")[1].send_keys(Keys.DELETE)
    assert len(browser.find_elements("css selector", "circle.corner")) == 3
    browser.find_element("css selector", "circle.corner").send_keys(Keys.DELETE)
    assert len(browser.find_elements("css selector", "circle.corner")) == 3, "a zone needs three"
    while browser.find_element("id", "undo").is_enabled():
        browser.find_element("id", "undo").click()
    assert browser.text("#yaml") == before


def test_keys_alone_make_a_line_and_move_it(site: Site, browser: Chromium) -> None:
    open_editor(browser, site)
    browser.find_element("id", "add-line").send_keys(Keys.ENTER)
    until(lambda: "line1:" in browser.text("#yaml"))
    spot = browser.switch_to.active_element
    assert "corner 1 of 2 of line1" in str(spot.get_attribute("aria-label"))
    spot.send_keys(Keys.ARROW_UP)
    browser.switch_to.active_element.send_keys(Keys.SHIFT, Keys.ARROW_LEFT)
    assert corner(browser, 0) == (0.25, 0.59) or corner(browser, 0) == (0.25, 0.6)
    browser.find_element("name", "left").clear()
    browser.find_element("name", "left").send_keys("north")
    assert "left: north" in browser.text("#yaml")
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not browser.find_element("id", "chosen").is_displayed()
    assert browser.switch_to.active_element.get_attribute("aria-label") == "line line1"


def tap(browser: Chromium, finger: PointerInput, x: int, y: int) -> None:
    actions = ActionBuilder(browser, mouse=finger)
    actions.pointer_action.move_to_location(x, y).pointer_down().pointer_up()
    actions.perform()


def test_a_finger_draws_on_a_phone(site: Site, browser: Chromium) -> None:
    browser.resize(PHONE)
    open_editor(browser, site)
    add = browser.find_element("id", "add-line")
    browser.execute_script("arguments[0].scrollIntoView({ block: 'center' })", add)
    add.click()
    drawing = browser.find_element("id", "drawing")
    browser.execute_script("scrollTo(0, 0)")
    box = drawing.rect
    finger = PointerInput("touch", "finger")
    for x, y in ((0.2, 0.4), (0.8, 0.6)):
        tap(browser, finger, int(box["x"] + x * box["width"]), int(box["y"] + y * box["height"]))
    until(lambda: "line1:" in browser.text("#yaml"))
    assert corner(browser, 1) == (0.8, 0.6)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= PHONE[0]


def test_what_the_daemon_would_refuse_is_said_before_it_is_asked(
    site: Site, file: EditedFile, browser: Chromium
) -> None:
    open_editor(browser, site)
    browser.find_element("css selector", "#places button").click()
    name = browser.find_element("name", "name")
    name.clear()
    name.send_keys("a b")
    assert "is no name" in browser.text("#fault")
    assert not browser.find_element("id", "save").is_enabled()
    name.clear()
    name.send_keys("drive2")
    file.result = ReloadResult.REFUSED
    browser.find_element("id", "save").click()
    until(lambda: "file is as it was" in browser.text("#fault"))
    assert file.path.read_text() == FILE
    browser.execute_script("window.onbeforeunload = null")
    browser.find_element("id", "undo").click()


def test_a_page_that_came_while_the_daemon_went_is_there_when_it_is_back(
    site: Site, browser: Chromium
) -> None:
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/v1/cameras/gate/zones"]})
    browser.get(f"{site.url}/camera/gate/zones")
    until(lambda: "gives no zones" in browser.text("#fault"))
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    until(lambda: browser.text("#yaml") != "")
    assert not browser.find_element("id", "fault").is_displayed()


def test_where_nothing_may_be_written_the_page_shows_what_to_paste(browser: Chromium) -> None:
    with running_site("gate") as site:
        browser.get(f"{site.url}/camera/gate/zones")
        until(lambda: "no zones" in browser.text("#yaml"))
        assert not browser.find_element("id", "save").is_displayed()
        browser.find_element("id", "add-zone").send_keys(Keys.ENTER)
        until(lambda: browser.text("#yaml").startswith("zones:\n  zone1:\n    area: [[0.3, 0.4]"))
        browser.find_element("id", "copy").click()
        until(lambda: browser.text("#copy") == "Copied")
        assert "allow_edit" in browser.text("#by-hand")
