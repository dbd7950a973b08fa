"""All cameras of all daemons: are they up, how fast, what is lost, how late."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from daemon.dashboards.board import Row, board, every_instance
from daemon.dashboards.panels import (
    BAD,
    FPS,
    FULL,
    GOOD,
    WARNING,
    bars,
    buckets,
    lines,
    stacked,
    states,
    value,
)
from daemon.dashboards.queries import BY_CAMERA, CAP, IDLE, LOST, Query, Scope, total

ALL = Scope('instance=~"$instance"')
LATENCY = "vedette_end_to_end_latency_seconds"
CAMERA_PAGE = (
    "/d/vedette-camera?var-instance=${__field.labels.instance}"
    "&var-camera=${__field.labels.camera}&${datasource:queryparam}&${__url_time_range}"
)


def dashboard() -> Dashboard:
    return board(
        "vedette-fleet",
        "vedette / Fleet",
        "Every camera of every daemon: state, rates, losses, latency.",
        [_now(), _cameras(), _frames(), _latency(), _process()],
        variables=[every_instance()],
    )


def _now() -> Row:
    up = ALL.of("vedette_camera_up")
    idle = ALL.of("vedette_camera_state", IDLE)
    lost = total(ALL.rate("vedette_frames_dropped_total", LOST))
    return Row(
        "Now",
        [
            value(
                "Cameras up",
                "Cameras whose pictures come.",
                Query(total(up)),
            ),
            value(
                "Cameras not up",
                "Cameras that should run and do not: not disabled, no file that is over.",
                Query(f"count({up}) - sum({up}) - sum({idle})"),
                steps={1: BAD},
            ),
            value(
                "Answered",
                "Frames per second that the detectors answered.",
                Query(total(ALL.rate("vedette_frames_processed_total"))),
                unit=FPS,
            ),
            value(
                "Lost",
                "Share of the frames offered to the detectors that got no answer. Frames beyond"
                " detect.fps are not offered.",
                Query(f"{lost} / ({ALL.offered()})"),
                unit=units.PercentUnit,
                steps={0.01: WARNING, 0.1: BAD},
            ),
            value(
                "Frames without a fate",
                "Captured − processed − dropped − in flight; anything but 0 is a fault of vedette.",
                Query(f"sum(abs({ALL.unaccounted()}))"),
                steps={1: BAD},
            ),
            value(
                "Alerts",
                "Alerts of vedette that fire.",
                Query('count(ALERTS{service="vedette", alertstate="firing"}) or vector(0)'),
                steps={1: BAD},
            ),
        ],
    )


def _cameras() -> Row:
    answered = total(ALL.rate("vedette_frames_processed_total"), BY_CAMERA)
    reconnects = total(ALL.increase("vedette_reconnects_total"), "reason")
    return Row(
        "Cameras",
        [
            states(
                "State",
                "Each camera through time. A click leads to its page.",
                Query(ALL.state_code(), "{{instance}} {{camera}}"),
                height=10,
                page=CAMERA_PAGE,
            ),
            bars(
                "Answered of target",
                "Answered frames over the target: detect.fps, or the stream's own rate where that"
                " is less.",
                Query(
                    f"{answered} / {total(ALL.target_fps(), BY_CAMERA)}",
                    "{{instance}} {{camera}}",
                ),
                steps={0: BAD, 0.8: WARNING, 0.95: GOOD},
            ),
            stacked(
                "Lost links",
                "Links that were lost or refused, by reason; a camera that stays away counts at"
                " each try.",
                Query(reconnects, "{{reason}}"),
                unit=units.Short,
            ),
        ],
    )


def _frames() -> Row:
    return Row(
        "Frames",
        [
            lines(
                "Frames per second",
                "Captured: all that arrive. Offered: what detect.fps lets through. Answered: what"
                " the detectors processed. Target: detect.fps, or the streams' own rate where that"
                " is less.",
                Query(total(ALL.rate("vedette_capture_frames_total")), "captured"),
                Query(ALL.offered(), "offered"),
                Query(total(ALL.rate("vedette_frames_processed_total")), "answered"),
                Query(total(ALL.target_fps()), "target"),
                unit=FPS,
            ),
            stacked(
                "Losses",
                "Offered frames without an answer, by reason.",
                Query(
                    total(ALL.rate("vedette_frames_dropped_total", LOST), "reason"), "{{reason}}"
                ),
                unit=FPS,
            ),
            lines(
                "Beyond detect.fps (no loss)",
                "Frames left out because the camera sends more than detect.fps asks for.",
                Query(
                    total(ALL.rate("vedette_frames_dropped_total", CAP), "instance"), "{{instance}}"
                ),
                unit=FPS,
            ),
            lines(
                "Frames without a fate",
                "Captured − processed − dropped − in flight, per camera; it is 0 at every scrape.",
                Query(ALL.unaccounted(), "{{instance}} {{camera}}"),
                unit=units.Short,
            ),
        ],
    )


def _latency() -> Row:
    return Row(
        "Latency, capture to publish",
        [
            buckets(
                "Frames by latency",
                "How many frames took how long from their capture until they went to the sinks.",
                total(ALL.increase(f"{LATENCY}_bucket"), "le"),
                unit=units.Seconds,
            ),
            lines(
                "Quantiles",
                "Over all cameras: 50, 95 and 99 of 100 frames are faster.",
                *(Query(ALL.quantile(q / 100, LATENCY), f"p{q}") for q in (50, 95, 99)),
                unit=units.Seconds,
            ),
        ],
    )


def _process() -> Row:
    return Row(
        "Process",
        [
            lines(
                "Processors used",
                "CPU time per second: 2 means two processors.",
                Query(ALL.rate("process_cpu_seconds_total"), "{{instance}}"),
                unit=units.Short,
                width=FULL // 3,
            ),
            lines(
                "Memory",
                "Resident set.",
                Query(ALL.of("process_resident_memory_bytes"), "{{instance}}"),
                unit=units.BytesIEC,
                width=FULL // 3,
            ),
            lines(
                "Open files",
                "File descriptors, over what the process may have.",
                Query(
                    f"{ALL.of('process_open_fds')} / {ALL.of('process_max_fds')}", "{{instance}}"
                ),
                unit=units.PercentUnit,
                width=FULL // 3,
            ),
            stacked(
                "Reloads",
                "By what became of them. refused: the file has faults, or needs what cannot be had."
                " rolled_back: it failed half-way. Either way all is as it was.",
                Query(total(ALL.increase("vedette_config_reloads_total"), "result"), "{{result}}"),
                unit=units.Short,
            ),
            lines(
                "Last reload",
                "1 while the file said something usable when it was last read.",
                Query(ALL.of("vedette_config_last_reload_successful"), "{{instance}}"),
                unit=units.Short,
                maximum=1,
            ),
        ],
    )
