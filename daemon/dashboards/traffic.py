"""Who is there and who passed: objects, zones, lines, and whether numbers stay with objects."""

from __future__ import annotations

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from daemon.dashboards.board import Row, board, every_instance
from daemon.dashboards.panels import buckets, lines, stacked, value
from daemon.dashboards.queries import BY_CAMERA, Query, Scope, total

ALL = Scope('instance=~"$instance"')
PRESENT = "vedette_objects_present"
STARTED = "vedette_tracks_started_total"
ENTRIES = "vedette_zone_entries_total"
CROSSINGS = "vedette_line_crossings_total"
DWELL = "vedette_zone_dwell_seconds"
ZONE = f"{BY_CAMERA}, zone, label"


def dashboard() -> Dashboard:
    return board(
        "vedette-traffic",
        "vedette / Traffic",
        "Objects that last: who is there, in which zone and for how long, who crossed which line.",
        [_now(), _presence(), _zones(), _lines(), _fit()],
        variables=[every_instance()],
    )


def _now() -> Row:
    return Row(
        "Now",
        [
            value("Present", "Objects in all pictures.", Query(total(ALL.of(PRESENT))), width=6),
            value(
                "Came",
                "Objects that came in the time shown.",
                Query(f"sum(increase({ALL.of(STARTED)}[$__range]))"),
                width=6,
            ),
            value(
                "Entered a zone",
                "In the time shown.",
                Query(f"sum(increase({ALL.of(ENTRIES)}[$__range]))"),
                width=6,
            ),
            value(
                "Crossed a line",
                "In the time shown, either way.",
                Query(f"sum(increase({ALL.of(CROSSINGS)}[$__range]))"),
                width=6,
            ),
        ],
    )


def _presence() -> Row:
    return Row(
        "Objects",
        [
            stacked(
                "Present",
                "By label, over all cameras.",
                Query(total(ALL.of(PRESENT), "label"), "{{label}}"),
                unit=units.Short,
            ),
            lines(
                "Present by camera",
                "All labels.",
                Query(total(ALL.of(PRESENT), BY_CAMERA), "{{instance}} {{camera}}"),
                unit=units.Short,
            ),
        ],
    )


def _zones() -> Row:
    return Row(
        "Zones",
        [
            lines(
                "In a zone",
                "By zone and label.",
                Query(total(ALL.of("vedette_zone_objects"), ZONE), "{{camera}} {{zone}} {{label}}"),
                unit=units.Short,
            ),
            stacked(
                "Entered",
                "By zone and label.",
                Query(total(ALL.increase(ENTRIES), ZONE), "{{camera}} {{zone}} {{label}}"),
                unit=units.Short,
            ),
            lines(
                "Stayed",
                "Half of those who left a zone had been in it for no longer, and 95 of 100.",
                *(
                    Query(
                        ALL.quantile(q / 100, DWELL, "camera, zone"),
                        f"{{{{camera}}}} {{{{zone}}}} p{q}",
                    )
                    for q in (50, 95)
                ),
                unit=units.Seconds,
            ),
            buckets(
                "Stays by duration",
                "How many left a zone after how long.",
                total(ALL.increase(f"{DWELL}_bucket"), "le"),
                unit=units.Seconds,
            ),
        ],
    )


def _lines() -> Row:
    way = f"{BY_CAMERA}, line, direction"
    return Row(
        "Lines",
        [
            stacked(
                "Crossings",
                "By line and direction.",
                Query(total(ALL.increase(CROSSINGS), way), "{{camera}} {{line}} {{direction}}"),
                unit=units.Short,
            ),
            stacked(
                "Crossings by label",
                "Over all lines.",
                Query(total(ALL.increase(CROSSINGS), "label"), "{{label}}"),
                unit=units.Short,
            ),
        ],
    )


def _fit() -> Row:
    started, present = (total(of, BY_CAMERA) for of in (ALL.rate(STARTED), ALL.of(PRESENT)))
    return Row(
        "Whether numbers stay",
        [
            lines(
                "New numbers per object and minute",
                "Few where people stroll, more where cars rush by. Far more than pass by: objects"
                " are lost and found, for want of frames, of light or of certainty.",
                Query(f"60 * {started} / ({present} > 0)", "{{instance}} {{camera}}"),
                unit=units.Short,
            ),
            stacked(
                "Objects that came",
                "By camera.",
                Query(total(ALL.increase(STARTED), BY_CAMERA), "{{instance}} {{camera}}"),
                unit=units.Short,
            ),
        ],
    )
