"""`vedette bench WHAT`: figures beside a reference taken in the same run."""

from __future__ import annotations

from typing import Any

from daemon.bench import capture, detector, gate, pipeline, tiles, tracking


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "bench", help="measure pipeline, capture, detector, tracking, tiles or gates"
    )
    benches = parser.add_subparsers(dest="bench", metavar="WHAT", required=True)
    for bench in (pipeline, capture, detector, tracking, tiles, gate):
        bench.add_parser(benches)
