"""Reads Containerfile: its stages, and their instructions in order."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stage:
    """From one FROM to the next."""

    base: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.instructions if name == instruction]

    def one(self, instruction: str) -> str:
        (rest,) = self.all(instruction)
        return rest

    def words(self, instruction: str) -> list[str]:
        """Of one in the form of a JSON list."""
        rest = self.one(instruction)
        return list(json.loads(rest[rest.index("[") :]))

    def environment(self) -> dict[str, str]:
        pairs = (word.partition("=") for rest in self.all("ENV") for word in shlex.split(rest))
        return {name: value for name, _, value in pairs}

    def copies(self) -> list[tuple[str, list[str], str]]:
        """Stage that it is from, or '', sources, target."""
        found = []
        for rest in self.all("COPY"):
            *sources, target = rest.split()
            stage = ""
            if sources[0].startswith("--from="):
                stage = sources.pop(0).removeprefix("--from=")
            found.append((stage, sources, target))
        return found


def read(path: Path = ROOT / "Containerfile") -> list[Stage]:
    """The stages; the last one is the image."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base, name))
        elif instruction:
            stages[-1].instructions.append((instruction, rest.strip()))
    return stages
