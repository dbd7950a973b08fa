"""The detector and its batches: is the accelerator busy, and with what."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from daemon.dashboards.board import Row, board, every_instance
from daemon.dashboards.panels import BAD, NAMES, WARNING, buckets, lines, stacked, value
from daemon.dashboards.queries import WINDOW, Query, Scope, total

ALL = Scope('instance=~"$instance"')
RUN = "vedette_inference_duration_seconds"
BY_MODEL = "instance, model, batch_bucket"


def dashboard() -> Dashboard:
    return board(
        "vedette-accelerator",
        "vedette / Accelerator and batching",
        "How full batches are, what sends them off, how long a run takes.",
        [_now(), _load(), _batches(), _runs()],
        variables=[every_instance()],
    )


def _now() -> Row:
    return Row(
        "Now",
        [
            value(
                "Model",
                "The detector that runs, and its arithmetic.",
                Query(ALL.of("vedette_model_info"), "{{model}} {{precision}}"),
                text=NAMES,
                width=6,
            ),
            value(
                "Warm-up",
                "What tracing and warming every batch size took.",
                Query(f"max({ALL.of('vedette_model_warmup_seconds')})"),
                unit=units.Seconds,
                width=3,
            ),
            value(
                "Duty cycle",
                "Share of the time that the busiest detector runs.",
                Query(f"max({ALL.rate('vedette_accelerator_busy_seconds_total')})"),
                unit=units.PercentUnit,
                steps={0.8: WARNING, 0.95: BAD},
                width=3,
            ),
            value(
                "Rows per batch",
                "Mean.",
                Query(ALL.mean("vedette_batch_size")),
                width=4,
            ),
            value(
                "Runs without answer",
                "Failed runs of the detector in the time shown.",
                Query(f"sum(increase({ALL.of('vedette_inference_errors_total')}[$__range]))"),
                steps={0.5: BAD},
            ),
            value(
                "Retraces",
                "Graphs traced after the warm-up; anything but 0 is a fault.",
                Query(total(ALL.of("vedette_inference_retraces_total"))),
                steps={1: BAD},
            ),
        ],
    )


def _load() -> Row:
    slots = 'queue="slots"'
    return Row(
        "Load",
        [
            lines(
                "Duty cycle",
                "Share of the time that the detector runs. Near 1 frames begin to be overwritten.",
                Query(ALL.rate("vedette_accelerator_busy_seconds_total"), "{{instance}}"),
                unit=units.PercentUnit,
                maximum=1,
            ),
            lines(
                "Slots taken",
                "Share of the cameras with a frame that waits for the detector.",
                Query(
                    f"{ALL.of('vedette_queue_depth', slots)}"
                    f" / {ALL.of('vedette_queue_capacity', slots)}",
                    "{{instance}}",
                ),
                unit=units.PercentUnit,
                maximum=1,
            ),
        ],
    )


def _batches() -> Row:
    return Row(
        "Batches",
        [
            buckets(
                "Batches by size",
                "How many batches had how many rows.",
                total(ALL.increase("vedette_batch_size_bucket"), "le"),
                unit=units.NoUnit,
            ),
            stacked(
                "What sends them off",
                "full: as many rows as a batch holds. deadline: the oldest frame waited"
                " max_delay_ms. idle: nothing else was due.",
                Query(total(ALL.rate("vedette_batches_total"), "trigger"), "{{trigger}}"),
                unit=units.OpsPerSecond,
                percent=True,
            ),
            lines(
                "Share of tiles",
                "Of all rows that the detector runs, those beyond the one of each frame.",
                Query(
                    f"1 - {total(ALL.rate('vedette_frames_processed_total'))}"
                    f" / {total(ALL.rate('vedette_rows_total'))}",
                    "tiles",
                ),
                unit=units.PercentUnit,
                maximum=1,
            ),
            lines(
                "Fill",
                "Rows over the batch size they were padded to; the rest is computed for nothing.",
                Query(ALL.mean("vedette_batch_fill_ratio"), "mean"),
                unit=units.PercentUnit,
                maximum=1,
            ),
            lines(
                "Wait of a batch",
                "How long the oldest frame of a batch waited for company.",
                *(
                    Query(ALL.quantile(q / 100, "vedette_batch_wait_seconds"), f"p{q}")
                    for q in (50, 95, 99)
                ),
                unit=units.Seconds,
            ),
        ],
    )


def _runs() -> Row:
    return Row(
        "Runs of the detector",
        [
            lines(
                "Duration by batch size, p50",
                "Half of the runs are faster. Batch sizes are those that batches are padded to.",
                Query(ALL.quantile(0.5, RUN, BY_MODEL), "{{instance}} {{model}} ×{{batch_bucket}}"),
                unit=units.Seconds,
            ),
            lines(
                "Duration by batch size, p95",
                "95 of 100 runs are faster.",
                Query(
                    ALL.quantile(0.95, RUN, BY_MODEL), "{{instance}} {{model}} ×{{batch_bucket}}"
                ),
                unit=units.Seconds,
            ),
            stacked(
                "Runs without answer",
                "By reason; the frames of such a batch are dropped as infer_error.",
                Query(
                    total(ALL.increase("vedette_inference_errors_total"), "reason"), "{{reason}}"
                ),
                unit=units.Short,
            ),
            lines(
                "Retraces",
                "Graphs traced after the warm-up.",
                Query(
                    f"increase({ALL.of('vedette_inference_retraces_total')}[{WINDOW}])",
                    "{{instance}}",
                ),
                unit=units.Short,
            ),
        ],
    )
