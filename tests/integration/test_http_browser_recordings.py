"""Recordings in a real Chromium: one place for all cameras, filters, one of them large."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.support.select import Select

from daemon.recording.shelf import Part
from tests.support.browser import Chromium
from tests.support.browsing import Tape, film_clip
from tests.support.site import Site
from tests.support.waiting import until

pytestmark = pytest.mark.integration


def test_recordings_of_all_cameras_are_one_place_with_filters_and_clips(
    site: Site, browser: Chromium, tmp_path: Path
) -> None:
    gate, yard = Tape(site, "gate", tmp_path), Tape(site, "yard", tmp_path)
    for n in range(0, 60, 2):
        gate.record(n)
    for n in range(1, 6, 2):
        yard.record(n, "car")
    browser.get(f"{site.url}/recordings")
    until(lambda: len(browser.texts(".shots li")) == 24)
    browser.wait_for("document.querySelector('.shots img').naturalWidth === 160")
    assert browser.texts(".shots li")[0].endswith("gate person")
    browser.find_element("id", "older").click()
    until(lambda: len(browser.texts(".shots li")) == 33)
    assert not browser.find_element("id", "older").is_displayed()
    Select(browser.find_element("name", "label")).select_by_visible_text("car")
    until(lambda: len(browser.texts(".shots li")) == 3)
    assert browser.current_url == f"{site.url}/recordings?label=car"
    browser.find_element("css selector", "[type=reset]").click()
    until(lambda: len(browser.texts(".shots li")) == 24)
    newest = gate.record(60)
    film_clip(gate.shelf.begin(newest, Part.CLIP))
    gate.shelf.keep(newest, Part.CLIP)
    until(lambda: "clip" in browser.texts(".shots li")[0], 8)
    site.reporter.recorder_failing = "No space left on device"
    until(lambda: "No space left" in browser.text(".fault"), 8)
    assert browser.find_element("css selector", ".fault").is_displayed()


def test_a_recording_opens_large_and_the_keys_lead_to_its_neighbours(
    site: Site, browser: Chromium, tmp_path: Path
) -> None:
    gate = Tape(site, "gate", tmp_path)
    names = [gate.record(n) for n in range(30)]
    film_clip(gate.shelf.begin(names[-1], Part.CLIP))
    gate.shelf.keep(names[-1], Part.CLIP)
    browser.get(f"{site.url}/recordings?camera=gate#gate/{names[1]}")  # a link to the moment
    until(lambda: browser.find_element("id", "lightbox").is_displayed())
    browser.wait_for("document.querySelector('.lightbox-view img').naturalWidth === 160")
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    until(lambda: not browser.find_element("id", "lightbox").is_displayed())
    browser.find_element("css selector", ".shots a").click()
    browser.wait_for("document.querySelector('video')?.videoWidth === 160")
    assert browser.current_url.endswith(f"#gate/{names[-1]}")
    keys = browser.find_element("id", "lightbox")
    for n in range(2, 27):  # past the end of the first page
        keys.send_keys(Keys.ARROW_RIGHT)
        until(lambda n=n: browser.current_url.endswith(f"#gate/{names[-n]}"))
    keys.send_keys(Keys.ARROW_LEFT)
    until(lambda: browser.current_url.endswith(f"#gate/{names[-25]}"))
    save = browser.find_element("css selector", "#lightbox-parts [download]")
    assert save.get_attribute("download") == f"gate-{names[-25]}.boxes.jpg"


def test_the_way_back_closes_what_is_open_and_forward_opens_it_again(
    site: Site, browser: Chromium, tmp_path: Path
) -> None:
    tape = Tape(site, "gate", tmp_path)
    names = [tape.record(n) for n in range(3)]
    listed = f"{site.url}/recordings?label=person"
    browser.get(listed)
    until(lambda: len(browser.texts(".shots li")) == 3)
    box = browser.find_element("id", "lightbox")
    for close in (browser.back, lambda: box.send_keys(Keys.ESCAPE)):
        browser.find_element("css selector", ".shots a").click()
        until(box.is_displayed)
        box.send_keys(Keys.ARROW_RIGHT)
        until(lambda: browser.current_url == f"{listed}#gate/{names[1]}")
        close()
        until(lambda: not box.is_displayed())
        until(lambda: browser.current_url == listed)
    browser.forward()
    until(box.is_displayed)
    assert browser.current_url == f"{listed}#gate/{names[1]}"
    browser.back()
    until(lambda: not box.is_displayed())


def test_where_nothing_is_recorded_the_page_says_how_to_turn_it_on(
    site: Site, browser: Chromium
) -> None:
    browser.get(f"{site.url}/camera/yard")
    until(lambda: "clips: true" in browser.text("#recordings .empty"))
    browser.get(f"{site.url}/recordings")
    until(lambda: "clips: true" in browser.text(".empty"))
