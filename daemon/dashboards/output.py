"""What leaves the daemon, what does not, and who listens; what is kept on disk."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from daemon.dashboards.board import Row, board, every_instance
from daemon.dashboards.panels import BAD, buckets, lines, stacked, value
from daemon.dashboards.queries import BY_CAMERA, Query, Scope, total

ALL = Scope('instance=~"$instance"')
WRITE = "vedette_publish_duration_seconds"
OUTBOX = 'queue=~"sink:.*"'


def dashboard() -> Dashboard:
    return board(
        "vedette-output",
        "vedette / Output",
        "Messages, bytes, drops and subscribers of every sink; recordings of every camera.",
        [_now(), _messages(), _sinks(), _recordings()],
        variables=[every_instance()],
    )


def _now() -> Row:
    return Row(
        "Now",
        [
            value(
                "Messages",
                "Of all sinks and kinds.",
                Query(total(ALL.rate("vedette_published_messages_total"))),
                unit=units.MessagesPerSecond,
                width=6,
            ),
            value(
                "Bytes",
                "Payload of all sinks.",
                Query(total(ALL.rate("vedette_published_bytes_total"))),
                unit=units.BytesPerSecondIEC,
                width=6,
            ),
            value(
                "Dropped",
                "Messages that a sink did not send in the time shown.",
                Query(f"sum(increase({ALL.of('vedette_publish_dropped_total')}[$__range]))"),
                steps={0.5: BAD},
                width=6,
            ),
            value(
                "Subscribers",
                "ZeroMQ subscriptions.",
                Query(total(ALL.of("vedette_subscribers"))),
                width=6,
            ),
        ],
    )


def _messages() -> Row:
    return Row(
        "Messages",
        [
            stacked(
                "Messages",
                "By sink and kind.",
                Query(
                    total(ALL.rate("vedette_published_messages_total"), "sink, kind"),
                    "{{sink}} {{kind}}",
                ),
                unit=units.MessagesPerSecond,
            ),
            stacked(
                "Payload",
                "By sink.",
                Query(total(ALL.rate("vedette_published_bytes_total"), "sink"), "{{sink}}"),
                unit=units.BytesPerSecondIEC,
            ),
            stacked(
                "Dropped",
                "hwm: the sink's queue was full. error: the sink refused it. shutdown: still queued"
                " at the end. What ZeroMQ drops for one slow subscriber is not seen here: that"
                " subscriber sees a gap in seq.",
                Query(
                    total(ALL.increase("vedette_publish_dropped_total"), "sink, reason"),
                    "{{sink}} {{reason}}",
                ),
                unit=units.Short,
            ),
            stacked(
                "Objects",
                "Objects reported, by label, over all cameras.",
                Query(total(ALL.rate("vedette_detections_total"), "label"), "{{label}}"),
                unit=units.CountsPerSecond,
            ),
        ],
    )


def _sinks() -> Row:
    return Row(
        "Sinks",
        [
            buckets(
                "Writes by duration",
                "How many messages took how long to encode and send.",
                total(ALL.increase(f"{WRITE}_bucket"), "le"),
                unit=units.Seconds,
            ),
            lines(
                "Duration of a write",
                "50, 95 and 99 of 100 writes are faster.",
                *(
                    Query(ALL.quantile(q / 100, WRITE, "sink"), f"{{{{sink}}}} p{q}")
                    for q in (50, 95, 99)
                ),
                unit=units.Seconds,
            ),
            lines(
                "Queue of a sink",
                "Messages that wait, over the number at which the oldest is dropped.",
                Query(
                    f"{ALL.of('vedette_queue_depth', OUTBOX)}"
                    f" / {ALL.of('vedette_queue_capacity', OUTBOX)}",
                    "{{instance}} {{queue}}",
                ),
                unit=units.PercentUnit,
                maximum=1,
            ),
            lines(
                "Subscribers",
                "Subscriptions that a sink knows of.",
                Query(ALL.of("vedette_subscribers"), "{{instance}} {{sink}}"),
                unit=units.Short,
            ),
        ],
    )


def _recordings() -> Row:
    return Row(
        "Recordings",
        [
            stacked(
                "Recordings",
                "Snapshots and clips that were written.",
                Query(
                    total(ALL.increase("vedette_recordings_total"), "camera, kind"),
                    "{{camera}} {{kind}}",
                ),
                unit=units.Short,
            ),
            lines(
                "Recordings that failed, pictures that were missed",
                "failed: could not be written. missed: the recorder was too slow for the picture.",
                Query(
                    total(ALL.increase("vedette_recordings_failed_total"), "instance"),
                    "{{instance}} failed",
                ),
                Query(
                    total(ALL.increase("vedette_recorder_pictures_missed_total"), "instance"),
                    "{{instance}} missed",
                ),
                unit=units.Short,
            ),
            stacked(
                "On disk",
                "By camera; max_gb of each bounds it.",
                Query(
                    total(ALL.of("vedette_recordings_stored_bytes"), BY_CAMERA),
                    "{{instance}} {{camera}}",
                ),
                unit=units.BytesSI,
            ),
            lines(
                "Recorder",
                "1 while recordings can be written, or none are wanted.",
                Query(ALL.of("vedette_recorder_up"), "{{instance}}"),
                unit=units.Short,
                maximum=1,
            ),
        ],
    )
