"""A configuration file that is edited, and a daemon that reloads it as it is told, at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from config.loader import load
from daemon.books.reports import ConfigReport, ReloadReport, ReloadResult
from daemon.reload.editor import Editor
from daemon.reload.history import config_hash

FILE = """\
version: 1
cameras:
  gate:   # the one at the road
    url: synthetic://gate
    zones:
      drive: {area: [[0.1, 0.5], [0.9, 0.5], [0.9, 1.0]], labels: [person]}   # cars too?
"""


class EditedFile:
    """`result` is what becomes of the next reload."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text(FILE)
        path.chmod(0o640)
        self.result = ReloadResult.APPLIED
        self.seen = ""  # of the file, when it was reloaded
        self.report = ConfigReport(
            config_hash(load(path).config), 1, 1, dict.fromkeys(ReloadResult, 0)
        )
        self.editor = Editor(path, report=lambda: self.report, reload=self.reload)

    def reload(self) -> None:
        self.seen = self.path.read_text()
        reloads = {**self.report.reloads, self.result: self.report.reloads[self.result] + 1}
        last = ReloadReport(2, self.result, ("labels: unknown",))
        self.report = replace(self.report, reloads=reloads, last_reload=last)
        if self.result.is_success:
            self.report = replace(self.report, hash=config_hash(load(self.path).config))

    def write(self, zones: dict[str, Any], lines: dict[str, Any]) -> ReloadReport:
        places = {"zones": zones, "lines": lines}
        return self.editor.write("gate", places, based_on=self.report.hash)
