"""What several files here ask of each of their tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.support.browser import DESKTOP, Chromium, chromium
from tests.support.browsing import CAMERAS, filming
from tests.support.capture_rig import nothing_left_behind
from tests.support.site import Site, running_site


@pytest.fixture
def nothing_leaks(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    """No test leaves a thread or descriptor behind, or shows the canary password anywhere."""
    caplog.set_level(logging.DEBUG)
    with nothing_left_behind():
        yield
    assert "canary" not in caplog.text + "".join(capfd.readouterr())


@pytest.fixture(scope="session")
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


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site(*CAMERAS) as site, filming(site):
        yield site
