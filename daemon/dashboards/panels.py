"""The few kinds of panels there are, all in one style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import bargauge, heatmap, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders import common as options
from grafana_foundation_sdk.builders.dashboard import DashboardLink, FieldColor, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    LegendDisplayMode,
    LegendPlacement,
    ScaleDistribution,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    FieldColorModeId,
    GridPos,
    Panel,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from daemon.books.states import CameraState
from daemon.dashboards.queries import STATE_CODES, Query

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
FPS = "suffix: fps"

STAT_HEIGHT = 4
HEIGHT = 8
HALF = 12
FULL = 24

GOOD, WARNING, BAD = "green", "orange", "red"
STATE_COLORS = {
    CameraState.CONNECTING: "blue",
    CameraState.STREAMING: GOOD,
    CameraState.TAMPERED: "purple",
    CameraState.STALLED: WARNING,
    CameraState.BACKOFF: BAD,
    CameraState.DISABLED: "text",
    CameraState.FAILED: "dark-red",
    CameraState.FINISHED: "light-blue",
}
# Text for the panels whose value is a one-hot or constant 1: what it says stands in its labels.
NAMES = BigValueTextMode.NAME


def value(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str = units.Short,
    steps: Mapping[float, str] | None = None,
    width: int = 4,
    text: BigValueTextMode = BigValueTextMode.AUTO,
) -> Panel:
    """One number that holds now; `steps` gives the colour from each value on."""
    builder = (
        stat.Panel()
        .unit(unit)
        .thresholds(_thresholds(steps or {}))
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE if text is NAMES else BigValueGraphMode.AREA)
        .text_mode(text)
        .reduce_options(options.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    return _finished(builder, title, description, [query], width=width, height=STAT_HEIGHT)


def state(title: str, description: str, query: Query, *, width: int = 4) -> Panel:
    """The state of a camera as a word."""
    builder = (
        stat.Panel()
        .unit(units.NoUnit)
        .mappings(_state_words())
        .color_mode(BigValueColorMode.BACKGROUND)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(options.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    return _finished(builder, title, description, [query], width=width, height=STAT_HEIGHT)


def states(
    title: str, description: str, query: Query, *, height: int = HEIGHT, page: str | None = None
) -> Panel:
    """The state of cameras through time, one row each; a click leads to the URL `page`."""
    builder = (
        statetimeline.Panel()
        .unit(units.NoUnit)
        .mappings(_state_words())
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .merge_values(True)
        .show_value(VisibilityMode.NEVER)
        .row_height(0.9)
        .tooltip(options.VizTooltipOptions().mode(TooltipDisplayMode.SINGLE))
    )
    if page is not None:
        builder = builder.data_links([DashboardLink("Open the camera").url(page)])
    return _finished(builder, title, description, [query], width=FULL, height=height)


def lines(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    width: int = HALF,
    maximum: float | None = None,
) -> Panel:
    """Lines from zero up."""
    builder = _graph(unit).fill_opacity(0)
    if maximum is not None:
        builder = builder.max(maximum)
    return _finished(builder, title, description, queries, width=width)


def stacked(
    title: str, description: str, query: Query, *, unit: str, percent: bool = False
) -> Panel:
    """Areas that add up, to 100 % if asked for."""
    mode = StackingMode.PERCENT if percent else StackingMode.NORMAL
    builder = _graph(unit).fill_opacity(60).stacking(options.StackingConfig().mode(mode))
    return _finished(builder, title, description, [query], width=HALF)


def bars(title: str, description: str, query: Query, *, steps: Mapping[float, str]) -> Panel:
    """One bar per series, a share of 1 that holds now."""
    builder = (
        bargauge.Panel()
        .unit(units.PercentUnit)
        .min(0)
        .max(1)
        .thresholds(_thresholds(steps))
        .display_mode(BarGaugeDisplayMode.BASIC)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(options.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    return _finished(builder, title, description, [query], width=HALF)


def buckets(title: str, description: str, expr: str, *, unit: str) -> Panel:
    """A heatmap of a histogram's own buckets; `expr` is a sum by (le)."""
    builder = (
        heatmap.Panel()
        .unit(unit)
        .calculate(False)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(HeatmapColorMode.SCHEME)
            .scheme("Spectral")
            .steps(64)
            .reverse(True)
        )
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .cell_values(heatmap.CellValues().unit(units.Short))
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .mode(TooltipDisplayMode.SINGLE)
        .show_y_histogram()
        .hide_legend()
    )
    panel = _finished(builder, title, description, [Query(expr, "{{le}}")], width=HALF)
    panel.targets = [_target(Query(expr, "{{le}}"), "A", PromQueryFormat.HEATMAP).build()]
    return panel


def _graph(unit: str) -> timeseries.Panel:
    return (
        timeseries.Panel()
        .unit(unit)
        .min(0)
        .line_width(1)
        .show_points(VisibilityMode.NEVER)
        .scale_distribution(options.ScaleDistributionConfig().type(ScaleDistribution.LINEAR))
        .tooltip(
            options.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
        )
        .legend(
            options.VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
    )


def _finished(
    builder: Builder[Panel],
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    width: int,
    height: int = HEIGHT,
) -> Panel:
    """What all panels have in common; where it stands is up to the board."""
    panel = builder.build()
    panel.title = title
    panel.description = description
    panel.datasource = SOURCE
    panel.targets = [
        _target(query, chr(ord("A") + place)).build() for place, query in enumerate(queries)
    ]
    panel.grid_pos = GridPos(w=width, h=height)
    return panel


def _target(
    query: Query, name: str, layout: PromQueryFormat = PromQueryFormat.TIME_SERIES
) -> Dataquery:
    return (
        Dataquery()
        .expr(query.expr)
        .legend_format(query.legend or "__auto")
        .format(layout)
        .range()
        .ref_id(name)
        .datasource(SOURCE)
    )


def _thresholds(steps: Mapping[float, str]) -> ThresholdsConfig:
    above = [Threshold(value, color) for value, color in steps.items()]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(None, GOOD), *above])


def _state_words() -> list[ValueMapping]:
    words = {
        str(code): ValueMappingResult(text=state, color=STATE_COLORS[state], index=code)
        for state, code in STATE_CODES.items()
    }
    return [ValueMap(options=words)]
