"""The dashboards as the files that Grafana reads."""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from daemon.dashboards import accelerator, camera, fleet, output, servers, traffic

FOLDER = Path(__file__).parents[2] / "config" / "grafana"


def files() -> dict[str, str]:
    """JSON by file name."""
    built = [part.dashboard() for part in (fleet, camera, accelerator, output, traffic, servers)]
    return {f"{dashboard.uid}.json": _json(dashboard) for dashboard in built}


def write(folder: Path) -> None:
    """Put them all into `folder`."""
    for name, text in files().items():
        (folder / name).write_text(text)


def _json(dashboard: Dashboard) -> str:
    text = json.dumps(dashboard, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False)
    return text + "\n"
