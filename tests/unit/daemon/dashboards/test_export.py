from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from daemon.books.states import CameraState
from daemon.dashboards.export import files, write
from tests.support.dashboards import FILES, FOLDER, dashboard, panels, queries
from tests.support.promql import faults

every_dashboard = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_the_committed_files_are_what_the_code_makes(tmp_path: Path) -> None:
    write(tmp_path)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made.keys() == {path.name for path in FILES}, "make dashboards"
    for path in FILES:
        assert path.read_text() == made[path.name], f"{path.name} is stale: make dashboards"


def test_every_dashboard_has_a_uid_of_its_own() -> None:
    uids = {dashboard(path)["uid"] for path in FILES}
    names = ("fleet", "camera", "accelerator", "output", "traffic", "servers")
    assert uids == {f"vedette-{name}" for name in names}
    assert {f"{uid}.json" for uid in uids} == files().keys()


@every_dashboard
def test_grafanas_own_types_read_back_every_field(path: Path) -> None:
    board = dashboard(path)
    read = Dashboard.from_json(board)
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == board


@every_dashboard
def test_every_panel_lies_on_the_grid_alone(path: Path) -> None:
    placed = dashboard(path)["panels"]
    ids = [panel["id"] for panel in placed]
    assert len(set(ids)) == len(ids)
    for panel in placed:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert min(place["w"], place["h"]) > 0
    for a, b in combinations(placed, 2):
        assert not overlapping(a["gridPos"], b["gridPos"]), f"{a['title']} and {b['title']}"


def overlapping(a: dict[str, int], b: dict[str, int]) -> bool:
    beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    return not (beside or above)


@every_dashboard
def test_every_panel_says_what_it_shows_and_in_which_unit(path: Path) -> None:
    for panel in panels(dashboard(path)):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


@every_dashboard
def test_every_query_goes_to_the_chosen_data_source(path: Path) -> None:
    board = dashboard(path)
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels(board):
        assert panel["datasource"] == chosen
        assert panel["targets"]
        assert all(target["datasource"] == chosen for target in panel["targets"])
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"


@every_dashboard
def test_every_variable_that_is_used_is_defined(path: Path) -> None:
    board = dashboard(path)
    defined = {variable["name"] for variable in board["templating"]["list"]}
    of_grafana = {"__rate_interval", "__range"}
    for name, expr in queries(board).items():
        assert set(re.findall(r"\$(\w+)", expr)) <= defined | of_grafana, name


@every_dashboard
def test_every_series_and_label_of_a_query_exists(path: Path) -> None:
    wrong = {name: faults(expr) for name, expr in queries(dashboard(path)).items()}
    assert not {name: found for name, found in wrong.items() if found}


@every_dashboard
def test_every_legend_names_labels_that_the_query_keeps(path: Path) -> None:
    for panel in panels(dashboard(path)):
        for target in panel["targets"]:
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            kept = re.search(
                r"^(?:histogram_quantile\([\d.]+, )?sum by \(([^)]*)\)", target["expr"]
            )
            if kept:
                assert shown <= set(kept[1].split(", ")), panel["title"]


def test_a_series_or_label_that_does_not_exist_is_noticed() -> None:
    assert faults("rate(vedette_frame_dropped_total[5m])") == [
        "no series vedette_frame_dropped_total"
    ]
    assert faults('vedette_camera_up{kamera="a"}') == ["vedette_camera_up has no label kamera"]
    assert faults("sum by (reasn) (vedette_frames_dropped_total)") == ["nothing has a label reasn"]
    assert faults("vedette_batch_size") == ["no series vedette_batch_size"], "only its buckets"
    assert faults("upp == 0") == ["no series upp"]


def test_every_state_of_a_camera_has_a_word_and_a_colour() -> None:
    shown = [
        mapping["options"]
        for path in FILES
        for panel in panels(dashboard(path))
        for mapping in panel["fieldConfig"]["defaults"].get("mappings", [])
    ]
    assert shown
    for words in shown:
        assert [word["text"] for word in words.values()] == [str(state) for state in CameraState]
        assert len({word["color"] for word in words.values()}) == len(CameraState)


def test_the_fleet_leads_to_the_page_of_a_camera() -> None:
    fleet, camera = (dashboard(FOLDER / f"vedette-{name}.json") for name in ("fleet", "camera"))
    links: list[dict[str, Any]] = [
        link
        for panel in panels(fleet)
        for link in panel["fieldConfig"]["defaults"].get("links", [])
    ]
    assert [link["url"].split("?")[0] for link in links] == [f"/d/{camera['uid']}"]
    given = set(re.findall(r"var-(\w+)=", links[0]["url"]))
    assert given == {v["name"] for v in camera["templating"]["list"]} - {"datasource"}


def test_provisioning_puts_dashboards_where_the_notes_copy_them() -> None:
    provider = yaml.safe_load((FOLDER / "provisioning/dashboards/vedette.yaml").read_text())
    path = provider["providers"][0]["options"]["path"]
    notes = (FOLDER.parents[1] / "docs/monitoring.md").read_text()
    assert f"-t {path} config/grafana/*.json" in notes
