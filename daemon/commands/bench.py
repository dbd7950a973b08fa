"""`vedette bench WHAT`: figures beside a reference taken in the same run."""

from __future__ import annotations

from typing import Any

from daemon.bench import capture, detector, pipeline, tracking


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("bench", help="measure pipeline, capture, detector or tracking")
    benches = parser.add_subparsers(dest="bench", metavar="WHAT", required=True)
    for bench in (pipeline, capture, detector, tracking):
        bench.add_parser(benches)
