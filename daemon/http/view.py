"""All that the HTTP application may see of the daemon; handed in by whoever wires it up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from daemon.clock import Clock
from daemon.live import LiveBoard
from daemon.reports import Reporter


@dataclass(frozen=True, slots=True)
class View:
    """`config` gives the running configuration, redacted and ready for JSON;
    `pictures` is `http.live`: false answers 404 wherever a picture would be shown.
    """

    reporter: Reporter
    board: LiveBoard
    registry: CollectorRegistry
    clock: Clock
    config: Callable[[], Mapping[str, object]]
    pictures: bool = True
