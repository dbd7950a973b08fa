"""A dashboard: variables, links to the others, and panels laid out in rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    Panel,
    RowPanel,
    VariableRefresh,
    VariableSort,
)

from daemon.dashboards.panels import FULL, SOURCE

TAG = "vedette"
INSTANCES = "label_values(vedette_build_info, instance)"
CAMERAS = 'label_values(vedette_camera_up{instance="$instance"}, camera)'


@dataclass(frozen=True, slots=True)
class Row:
    """Panels below a headline, from left to right, as many lines as they need."""

    title: str
    panels: Sequence[Panel]


def board(
    uid: str,
    title: str,
    description: str,
    rows: Sequence[Row],
    *,
    variables: Sequence[builders.QueryVariable],
) -> Dashboard:
    """A dashboard under a uid that never changes, so that links and bookmarks hold."""
    source = builders.DatasourceVariable("datasource").label("Data source").type("prometheus")
    builder = (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .editable()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time("now-1h", "now")
        .refresh("10s")
        .timezone("browser")
        .variables([source, *variables])
        .link(
            builders.DashboardLink("vedette")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .keep_time(True)
            .include_vars(True)
        )
    )
    dashboard = builder.build()
    dashboard.panels = _laid_out(rows)
    return dashboard


def every_instance() -> builders.QueryVariable:
    """$instance: any number of daemons, all of them at first."""
    return _instance().multi(True).include_all(True)


def one_instance() -> builders.QueryVariable:
    """$instance: one daemon."""
    return _instance()


def one_camera() -> builders.QueryVariable:
    """$camera: one camera of it."""
    return _choice("camera", "Camera", CAMERAS)


def _instance() -> builders.QueryVariable:
    return _choice("instance", "Instance", INSTANCES)


def _choice(name: str, label: str, query: str) -> builders.QueryVariable:
    return (
        builders.QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(SOURCE)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def _laid_out(rows: Sequence[Row]) -> list[Panel | RowPanel]:
    """Panels with their places and with ids from 1."""
    placed: list[Panel | RowPanel] = []
    y = 0
    for row in rows:
        headline = builders.Row(row.title).id(len(placed) + 1).build()
        headline.grid_pos = GridPos(x=0, y=y, w=FULL, h=1)
        placed.append(headline)
        y += 1
        x = tallest = 0
        for panel in row.panels:
            size = panel.grid_pos or GridPos()
            if x + size.w > FULL:
                x, y, tallest = 0, y + tallest, 0
            panel.id_val = len(placed) + 1
            panel.grid_pos = GridPos(x=x, y=y, w=size.w, h=size.h)
            placed.append(panel)
            x, tallest = x + size.w, max(tallest, size.h)
        y += tallest
    return placed
