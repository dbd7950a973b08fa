"""docs/fleet-metrics.md says what the fleet's address and gateways tell."""

from __future__ import annotations

from daemon.release.fleet_metrics import page
from tests.support.daemon_process import ROOT


def test_every_series_is_in_the_documentation() -> None:
    assert (ROOT / "docs/fleet-metrics.md").read_text() == page()
