"""What happened, in a real Chromium: a list that lives, filters, the clip, a strip of the day."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.support.select import Select

from config.camera import CameraConfig
from daemon.recording.shelf import Part
from sinks.messages import EventMessage, Moment
from tests.support.browser import Chromium
from tests.support.browsing import Tape, film_clip
from tests.support.messages import event
from tests.support.reporting import camera_report
from tests.support.site import Site
from tests.support.waiting import until

pytestmark = pytest.mark.integration

ZONES = {"drive": {"area": [[0.1, 0.5], [0.9, 0.5], [0.9, 1.0]]}}


def happen(site: Site, number: int, phase: str = "new", **fields: object) -> None:
    """Something of an object of today, told to the page as well."""
    at_ns = time.time_ns()
    seen = Moment(at_ns, 0.91, (1.0, 2.0, 30.0, 40.0))
    known = {"first": seen, "best": seen, "at_ns": at_ns, "track": number, "id": f"e-{number}"}
    told = event(phase=phase, **{**known, **fields})  # type: ignore[arg-type]
    assert isinstance(told.message, EventMessage)
    site.diary.add([told.message])
    site.events.put(told)


def test_events_are_listed_newest_first_and_grow_as_they_happen(
    site: Site, browser: Chromium
) -> None:
    happen(site, 1, camera="yard", label="car")
    browser.get(f"{site.url}/events")
    until(lambda: len(browser.texts(".lives li")) == 1)
    assert "car 1 at yard" in browser.texts(".lives li")[0]
    assert "still there" in browser.texts(".lives li")[0]
    until(lambda: site.events.listeners == 1)
    happen(site, 2, "entered", about="zone", zone="drive", zones=("drive",))
    until(lambda: len(browser.texts(".lives li")) == 2)
    assert "person 2 at gate" in browser.texts(".lives li")[0]
    happen(site, 2, "crossed", about="line", line="door", direction="in")
    until(lambda: "crossed door: in" in browser.texts(".lives li")[0])
    assert "in drive" in browser.texts(".lives li")[0]
    happen(site, 2, "end")
    until(lambda: "still there" not in browser.texts(".lives li")[0])


def test_a_list_is_narrowed_and_its_address_says_how(site: Site, browser: Chromium) -> None:
    config = CameraConfig.model_validate({"url": "synthetic://gate", "zones": ZONES})
    site.reporter.camera_reports[0] = camera_report("gate", config=config)
    happen(site, 1, camera="yard", label="car")
    happen(site, 2, "entered", about="zone", zone="drive", zones=("drive",))
    browser.get(f"{site.url}/events?camera=yard")
    until(lambda: len(browser.texts(".lives li")) == 1)
    browser.find_element("css selector", "[type=reset]").click()
    until(lambda: len(browser.texts(".lives li")) == 2)
    Select(browser.find_element("name", "zone")).select_by_visible_text("drive")
    until(lambda: len(browser.texts(".lives li")) == 1)
    assert browser.current_url == f"{site.url}/events?zone=drive"
    Select(browser.find_element("name", "label")).select_by_visible_text("car")
    until(lambda: "Nothing happened that fits" in browser.text("#lives .empty"))


def test_the_clip_is_behind_a_click(site: Site, browser: Chromium, tmp_path: Path) -> None:
    tape = Tape(site, "gate", tmp_path)
    began_ns = 1_795_000_000_000_000_000
    seen = Moment(began_ns, 0.91, (1.0, 2.0, 30.0, 40.0))
    name = tape.record(0)
    film_clip(tape.shelf.begin(name, Part.CLIP))
    tape.shelf.keep(name, Part.CLIP)
    happen(site, 1, first=seen, best=seen, at_ns=began_ns + 3 * 10**9)
    browser.get(f"{site.url}/events")
    until(
        lambda: "▶ clip" in browser.texts(".lives li")[0] if browser.texts(".lives li") else False
    )
    browser.find_element("css selector", ".lives button").send_keys(Keys.ENTER)
    browser.wait_for("document.querySelector('video')?.videoWidth === 160")
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    until(lambda: not browser.find_element("id", "lightbox").is_displayed())

    browser.emulate(("prefers-reduced-motion", "reduce"))
    browser.get(f"{site.url}/events")
    until(lambda: browser.texts(".lives li"))
    browser.find_element("css selector", ".lives button").click()
    browser.wait_for("document.querySelector('video')?.videoWidth === 160")
    assert browser.execute_script("return document.querySelector('video').paused")
    browser.back()
    until(lambda: not browser.find_element("id", "lightbox").is_displayed())


def test_a_link_leads_to_one_event_among_what_happened_around_it(
    site: Site, browser: Chromium
) -> None:
    for number in range(40):  # it is on the second page
        happen(site, number)
    browser.get(f"{site.url}/events")
    until(lambda: len(browser.texts(".lives li")) == 30)
    newest = browser.find_element("css selector", ".when").get_attribute("href")
    for address, number in ((newest, 39), (f"{site.url}/events#e-2", 2)):
        browser.get("about:blank")
        browser.get(address)
        until(lambda number=number: f"person {number} at" in browser.text(".lives [aria-current]"))
        assert browser.switch_to.active_element.get_attribute("href").endswith(f"#e-{number}")
    browser.get("about:blank")
    browser.get(f"{site.url}/events#e-40")
    until(lambda: "not there any more" in browser.text("#lives .empty"))
    assert browser.find_element("css selector", "#lives .empty").is_displayed()


def test_a_strip_of_the_day_shows_when_something_was_there_and_leads_to_it(
    site: Site, browser: Chromium
) -> None:
    happen(site, 1)
    happen(site, 2, camera="yard", label="car")
    browser.get(f"{site.url}/camera/gate")
    until(lambda: browser.find_elements("css selector", ".strip rect"), 20)
    label = browser.find_element("css selector", ".strip svg").get_attribute("aria-label")
    assert label == "gate: person for about 5\u00a0min"
    browser.find_element("id", "all-events").click()
    until(lambda: len(browser.find_elements("css selector", ".strip svg")) == 2, 20)
    mark = browser.find_element("css selector", ".strip rect")
    ActionChains(browser).move_to_element(mark).click().perform()
    until(lambda: "from=" in browser.current_url)
    assert "camera=gate" in browser.current_url
    assert re.search(r"from=[-\d]+T\d\d%3A\d\dZ", browser.current_url), "so in every time zone"
    shown = browser.execute_script("return document.querySelector('[name=from]').value")
    browser.refresh()
    until(lambda: len(browser.texts(".lives li")) == 1)
    assert browser.execute_script("return document.querySelector('[name=from]').value") == shown
    until(lambda: len(browser.texts(".lives li")) == 1)
