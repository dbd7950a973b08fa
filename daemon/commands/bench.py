"""`vedette bench pipeline|capture`: figures beside a reference taken in the same run."""

from __future__ import annotations

from typing import Any

from daemon.bench import capture, pipeline


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("bench", help="measure the pipeline or the capture")
    benches = parser.add_subparsers(dest="bench", metavar="WHAT", required=True)
    for bench in (pipeline, capture):
        bench.add_parser(benches)
