"""`vedette weights import` as a user sees it: what it says, what it leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon import cli


class Import:
    """The command, and what became of it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.out = folder / "out" / "weights.safetensors"
        self.out.parent.mkdir()
        self._capsys = capsys

    def succeeds(self, source: Path, *options: str) -> str:
        code = cli.main(["weights", "import", str(source), "-o", str(self.out), *options])
        said = self._capsys.readouterr()
        assert (code, said.err) == (0, "")
        assert [item.name for item in self.out.parent.iterdir()] == [self.out.name]
        return said.out

    def fails(self, source: Path, *options: str, code: int = 69) -> list[str]:
        """Lines on standard error, the first without the name of the source."""
        actual = cli.main(["weights", "import", str(source), "-o", str(self.out), *options])
        said = self._capsys.readouterr()
        assert (actual, said.out) == (code, "")
        assert list(self.out.parent.iterdir()) == []
        lines = said.err.splitlines()
        lines[0] = lines[0].removeprefix("vedette weights: ").removeprefix(f"{source}: ")
        return lines
