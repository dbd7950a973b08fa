"""`python -m tests.mutants --count 10000`: the long form of tests/mutants/test_mutants.py.

Prints a Markdown table of how mutated streams ended; exit code 1 if one killed its process, hung
or raised what is not ours.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import av

from tests.mutants.tally import Tally, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=10_000)
    args = parser.parse_args()
    started_s = time.monotonic()
    tally = run(args.first, args.first + args.count)
    print(f"FFmpeg {av.ffmpeg_version_info}, seeds {args.first}..{args.first + args.count - 1},")
    print(f"{time.monotonic() - started_s:.0f} s, at most {tally.peak_mb} MB\n")
    print(_table(tally))
    for seed, what in (*tally.deaths.items(), *tally.foreign.items()):
        print(f"\nseed {seed}: {what}")
    return 1 if tally.deaths or tally.foreign else 0


def _table(tally: Tally) -> str:
    ends = Counter[str]()
    for (_, ended), count in tally.outcomes.items():
        ends[ended] += count
    ends["process died or hung"] = len(tally.deaths)
    ends["other exception"] = len(tally.foreign)
    rows = [f"| {ended} | {count} |" for ended, count in ends.most_common()]
    return "\n".join(["| ended as | mutants |", "|---|---:|", *rows, f"| all | {tally.total} |"])


if __name__ == "__main__":
    sys.exit(main())
