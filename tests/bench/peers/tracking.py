"""Numbers that stay, beside other trackers on the same boxes: `python -m tests.bench.peers.tracking
--python PEERS/bin/python`, with `trackers==2.6.1` in that environment.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from daemon.bench.ids import Verdict, numbering, verdict
from daemon.bench.tracking import MISSES, RATES, looks_of, means
from daemon.bench.worlds import Look

WORKER = Path(__file__).with_name("tracking_worker.py")


def world(looks: Sequence[Look], fps: float) -> str:
    """For the worker."""
    boxes = [
        {
            "xyxy": look.found.xyxy_px.tolist(),
            "score": look.found.score.tolist(),
            "class_id": look.found.class_id.tolist(),
        }
        for look in looks
    ]
    return json.dumps({"fps": fps, "looks": boxes}) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="interpreter of the peers' environment")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    for fps in RATES:
        for misses in MISSES:
            verdicts: dict[str, list[Verdict]] = defaultdict(list)
            times_ms: dict[str, list[float]] = defaultdict(list)
            for seed in range(args.seeds):
                looks = looks_of(fps, misses, seed, args.seconds)
                started_s = time.process_time()
                verdicts["vedette"].append(verdict(numbering(looks)))
                times_ms["vedette"].append((time.process_time() - started_s) * 1e3 / len(looks))
                answers = subprocess.run(
                    [args.python, str(WORKER)], input=world(looks, fps), capture_output=True,
                    text=True, check=True,
                )  # fmt: skip
                for line in answers.stdout.splitlines():
                    answer = json.loads(line)
                    said = [
                        (look.truth, np.array(numbers, np.int64))
                        for look, numbers in zip(looks, answer["said"], strict=True)
                    ]
                    verdicts[answer["contender"]].append(verdict(said))
                    times_ms[answer["contender"]].append(answer["ms"])
            for name, judged in verdicts.items():
                row = {"fps": fps, "misses": misses, "contender": name, **means(judged)}
                print(
                    json.dumps(row | {"ms": round(float(np.mean(times_ms[name])), 2)}), flush=True
                )


if __name__ == "__main__":
    main()
