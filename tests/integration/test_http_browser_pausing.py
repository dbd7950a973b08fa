"""Detection paused and resumed on a camera's page, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from daemon.books.states import PAUSED, CameraState
from tests.support.browser import Chromium
from tests.support.fakes import camera_config
from tests.support.reporting import camera_report
from tests.support.site import Site, running_site
from tests.support.switching import Switchboard
from tests.support.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture
def board() -> Switchboard:
    return Switchboard(gate=camera_config())


@pytest.fixture
def site(board: Switchboard) -> Iterator[Site]:
    """With a camera that can be paused; its picture goes with that."""

    def reports() -> list[object]:
        seat = board.seat("gate")
        state = CameraState.DISABLED if seat.paused else CameraState.STREAMING
        if seat.paused:
            site.board.seat("gate").sight = None
        else:
            site.see("gate")
        return [
            replace(
                camera_report("gate", state, reason=PAUSED if seat.paused else ""),
                paused=seat.paused,
            )
        ]

    with running_site("gate", switch=board.switch) as site:
        site.reporter.cameras = reports  # type: ignore[assignment]
        yield site


def test_a_camera_is_paused_with_a_button_and_shows_nothing_any_more(
    site: Site, board: Switchboard, browser: Chromium
) -> None:
    browser.get(f"{site.url}/camera/gate")
    button = browser.find_element("id", "detect")
    until(button.is_displayed)
    until(lambda: browser.picture("#stage .film")[0] > 0)
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    until(lambda: board.seat("gate").paused)
    until(lambda: browser.text("#state") == "paused")
    assert browser.text("#stage .veil-head") == "Detection is paused"
    until(lambda: browser.picture("#stage .film")[0] == 0)
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    until(lambda: browser.text("#state") == "live")
    until(lambda: browser.picture("#stage .film")[0] > 0)
    assert not board.seat("gate").paused
    assert browser.complaints() == []


def test_a_wall_says_who_is_paused(site: Site, board: Switchboard, browser: Chromium) -> None:
    board.switch.turn("gate", on=False, by="test")
    browser.get(site.url)
    until(lambda: browser.text('[data-camera="gate"] .badge') == "paused")
    assert browser.text("#health") == "ready", "nobody misses it"


def test_why_it_could_not_be_switched_is_said(
    site: Site, board: Switchboard, browser: Chromium
) -> None:
    browser.get(f"{site.url}/camera/gate")
    button = browser.find_element("id", "detect")
    until(button.is_displayed)
    board.roster.use({"gate": camera_config(enabled=False)}, score_threshold=0.4)
    button.click()
    until(lambda: "it is turned off here" in browser.text("#advice"))


def test_without_the_right_to_it_there_is_no_button(browser: Chromium) -> None:
    with running_site("gate") as site:
        browser.get(f"{site.url}/camera/gate")
        until(lambda: browser.text("#state") == "live")
        assert not browser.find_element("id", "detect").is_displayed()
