"""One camera: its link, its frames by fate, its latency, what it sees."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from daemon.dashboards.board import Row, board, one_camera, one_instance
from daemon.dashboards.panels import (
    BAD,
    FPS,
    NAMES,
    WARNING,
    buckets,
    lines,
    stacked,
    state,
    states,
    value,
)
from daemon.dashboards.queries import CAP, LOST, Query, Scope, total

ONE = Scope('instance="$instance", camera="$camera"')
LATENCY = "vedette_end_to_end_latency_seconds"
WAIT = "vedette_queue_wait_seconds"
AGE = "vedette_frame_age_at_dispatch_seconds"


def dashboard() -> Dashboard:
    return board(
        "vedette-camera",
        "vedette / Camera",
        "One camera from its link to its detections.",
        [_now(), _link(), _frames(), _latency(), _results()],
        variables=[one_instance(), one_camera()],
    )


def _now() -> Row:
    return Row(
        "Now",
        [
            state("State", "What the camera is doing.", Query(ONE.state_code())),
            value(
                "Newest frame",
                "Age of the newest frame; a wrong clock on either machine adds to it.",
                Query(f"time() - {ONE.of('vedette_camera_last_frame_timestamp_seconds')}"),
                unit=units.Seconds,
                steps={5: WARNING, 30: BAD},
            ),
            value(
                "Stream",
                "What the newest stream is.",
                Query(
                    ONE.of("vedette_camera_info"),
                    "{{codec}} {{width}}×{{height}} {{transport}} {{decoder}}",
                ),
                text=NAMES,
                width=8,
            ),
            value(
                "Next try",
                "The wait that runs before the camera is tried again; 0 when none does.",
                Query(ONE.of("vedette_reconnect_backoff_seconds")),
                unit=units.Seconds,
                steps={0.001: WARNING},
            ),
            value(
                "Frames without a fate",
                "Captured − processed − dropped − in flight; anything but 0 is a fault of vedette.",
                Query(f"abs({ONE.unaccounted()})"),
                steps={1: BAD},
            ),
        ],
    )


def _link() -> Row:
    return Row(
        "Link",
        [
            states(
                "State",
                "The camera through time.",
                Query(ONE.state_code(), "{{camera}}"),
                height=4,
            ),
            stacked(
                "Lost links",
                "Links that were lost or refused, by reason; each try counts.",
                Query(total(ONE.increase("vedette_reconnects_total"), "reason"), "{{reason}}"),
                unit=units.Short,
            ),
            lines(
                "Stalls and damaged pictures",
                "Times the camera stayed open and fell silent; pictures that could not be decoded.",
                Query(ONE.increase("vedette_stalls_total"), "stalls"),
                Query(ONE.increase("vedette_decode_errors_total"), "decode errors: {{kind}}"),
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
                " the detector processed. Announced: what the stream says it sends.",
                Query(ONE.rate("vedette_capture_frames_total"), "captured"),
                Query(ONE.offered(), "offered"),
                Query(ONE.rate("vedette_frames_processed_total"), "answered"),
                Query(ONE.of("vedette_camera_target_fps"), "detect.fps"),
                Query(ONE.of("vedette_camera_nominal_fps"), "announced"),
                unit=FPS,
            ),
            stacked(
                "Losses",
                "Offered frames without an answer, by reason.",
                Query(ONE.rate("vedette_frames_dropped_total", LOST), "{{reason}}"),
                unit=FPS,
            ),
            lines(
                "Beyond detect.fps (no loss)",
                "Frames left out because the camera sends more than detect.fps asks for.",
                Query(ONE.rate("vedette_frames_dropped_total", CAP), "left out: {{reason}}"),
                unit=FPS,
            ),
            lines(
                "Rows per frame",
                "Rows of the detector's batches that a frame takes: one, and one for each of its"
                " tiles. Allowed: what detect.tiles may have.",
                Query(
                    f"{ONE.rate('vedette_rows_total')}"
                    f" / {ONE.rate('vedette_frames_processed_total')}",
                    "rows",
                ),
                Query(ONE.of("vedette_camera_most_rows"), "allowed"),
                unit=units.Short,
            ),
            lines(
                "The books",
                "Captured − processed − dropped − in flight is 0 at every scrape.",
                Query(ONE.unaccounted(), "without a fate"),
                Query(ONE.of("vedette_frames_in_flight"), "in flight"),
                unit=units.Short,
            ),
        ],
    )


def _latency() -> Row:
    return Row(
        "Latency",
        [
            buckets(
                "Frames by latency",
                "How many frames took how long from their capture until they went to the sinks.",
                total(ONE.increase(f"{LATENCY}_bucket"), "le"),
                unit=units.Seconds,
            ),
            lines(
                "Quantiles, capture to publish",
                "50, 95 and 99 of 100 frames are faster.",
                *(Query(ONE.quantile(q / 100, LATENCY), f"p{q}") for q in (50, 95, 99)),
                unit=units.Seconds,
            ),
            lines(
                "Before the detector",
                "Wait of a frame in its slot, and its age when it left for the detector; 95 of 100"
                " frames are below.",
                Query(ONE.quantile(0.95, WAIT), "wait in slot p95"),
                Query(ONE.quantile(0.95, AGE), "age at dispatch p95"),
                unit=units.Seconds,
            ),
        ],
    )


def _results() -> Row:
    return Row(
        "What it sees",
        [
            stacked(
                "Objects",
                "Objects reported, by label; one that stays in view counts in every frame.",
                Query(ONE.rate("vedette_detections_total"), "{{label}}"),
                unit=units.CountsPerSecond,
            ),
        ],
    )
