"""One thing that was looked at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`warn` is worth a look, `fail` keeps something from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. Holds neither URLs nor secrets."""

    verdict: Verdict
    what: str
    detail: str
    todo: str = ""

    def line(self, width: int) -> str:
        """For a terminal; `width` is that of the column `what`."""
        text = f"{self.verdict:<4}  {self.what:<{width}}  {self.detail}"
        return f"{text}  → {self.todo}" if self.todo else text


def ok(what: str, detail: str) -> Finding:
    return Finding(Verdict.OK, what, detail)


def warn(what: str, detail: str, todo: str) -> Finding:
    return Finding(Verdict.WARN, what, detail, todo)


def fail(what: str, detail: str, todo: str) -> Finding:
    return Finding(Verdict.FAIL, what, detail, todo)
