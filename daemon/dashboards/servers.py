"""A fleet of servers: who has which share of the work, what moved, what the gateways pass on."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from daemon.dashboards.board import Row, board
from daemon.dashboards.panels import (
    BAD,
    FPS,
    FULL,
    GOOD,
    WARNING,
    bars,
    lines,
    stacked,
    value,
)
from daemon.dashboards.queries import WINDOW, Query

NODE = "{{node}}"


def dashboard() -> Dashboard:
    return board(
        "vedette-servers",
        "vedette / Servers",
        "The servers of a fleet: load, cameras, movements, and the gateways.",
        [_now(), _load(), _cameras(), _gateways()],
        variables=[],
    )


def _now() -> Row:
    return Row(
        "Now",
        [
            value(
                "Servers up",
                "Servers that have cameras or can get some.",
                Query('sum(vedette_fleet_node_state{state="up"})'),
            ),
            value(
                "Servers lost",
                "Servers that do not answer the Director.",
                Query('sum(vedette_fleet_node_state{state="lost"})'),
                steps={1: BAD},
            ),
            value(
                "Cameras parked",
                "Cameras that no server has room for.",
                Query('sum(vedette_fleet_cameras{placement="parked"})'),
                steps={1: BAD},
            ),
            value(
                "Cameras reduced",
                "Cameras that get fewer frames per second than configured, for want of room.",
                Query('sum(vedette_fleet_cameras{placement="reduced"})'),
                steps={1: WARNING},
            ),
            value(
                "Director",
                "1 while it answers.",
                Query("min(vedette_fleet_director_up)"),
            ),
            value(
                "Islands",
                "Servers that go on without the Director.",
                Query("max(vedette_gateway_islands)"),
                steps={1: WARNING},
            ),
        ],
    )


def _load() -> Row:
    steps = {0.0: GOOD, 0.85: WARNING, 1.0: BAD}
    decoding = "vedette_fleet_node_decode_cores_used / vedette_fleet_node_decode_cores"
    detector = (
        "vedette_fleet_node_pictures_per_second_used / vedette_fleet_node_pictures_per_second"
    )
    return Row(
        "Load",
        [
            bars(
                "Decoding",
                "Processor cores that decoding takes, of those that it may take.",
                Query(decoding, NODE),
                steps=steps,
            ),
            bars(
                "Detector",
                "Pictures per second that cameras ask for, of those that the detector can answer.",
                Query(detector, NODE),
                steps=steps,
            ),
            lines(
                "Decoding through time", "As above.", Query(decoding, NODE), unit=units.PercentUnit
            ),
            lines(
                "Detector through time", "As above.", Query(detector, NODE), unit=units.PercentUnit
            ),
        ],
    )


def _cameras() -> Row:
    return Row(
        "Cameras",
        [
            stacked(
                "Cameras by server",
                "How many each server has.",
                Query("vedette_fleet_node_cameras", NODE),
                unit=units.Short,
            ),
            stacked(
                "Movements",
                "Cameras that went to another server, or to none, by reason.",
                Query(
                    f"sum by (reason) (increase(vedette_fleet_movements_total[{WINDOW}]))",
                    "{{reason}}",
                ),
                unit=units.Short,
            ),
        ],
    )


def _gateways() -> Row:
    return Row(
        "Gateways",
        [
            lines(
                "Messages",
                "Passed on to subscribers, per second.",
                Query(
                    f"sum by (instance) (rate(vedette_gateway_messages_total[{WINDOW}]))",
                    "{{instance}}",
                ),
                unit=FPS,
                width=FULL // 3,
            ),
            lines(
                "Refused",
                "Not passed on, per second, by reason: grant is of a server that no longer has the"
                " camera.",
                Query(
                    f"sum by (reason) (rate(vedette_gateway_refused_total[{WINDOW}]))",
                    "{{reason}}",
                ),
                unit=FPS,
                width=FULL // 3,
            ),
            lines(
                "Connections",
                "Daemons and subscribers that are connected.",
                Query(
                    'vedette_connections{listener=~"publishers|subscribers"}',
                    "{{instance}} {{listener}}",
                ),
                unit=units.Short,
                width=FULL // 3,
            ),
        ],
    )
