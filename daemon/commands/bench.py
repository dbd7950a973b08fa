"""`vedette bench pipeline|capture|detector`: figures beside a reference taken in the same run."""

from __future__ import annotations

from typing import Any

from daemon.bench import capture, detector, pipeline


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("bench", help="measure pipeline, capture or detector")
    benches = parser.add_subparsers(dest="bench", metavar="WHAT", required=True)
    for bench in (pipeline, capture, detector):
        bench.add_parser(benches)
