"""The dashboards as an operator gets them: the JSON files of config/grafana."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "config" / "grafana"
FILES = sorted(FOLDER.glob("*.json"))


def dashboard(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """All but the headlines of rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board: dict[str, Any]) -> dict[str, str]:
    """Every query by a name that tells where it is."""
    return {
        f"{board['title']}: {panel['title']} {target['refId']} (panel {panel['id']})": target[
            "expr"
        ]
        for panel in panels(board)
        for target in panel["targets"]
    }
