"""The same network in several runtimes, taking turns: `python -m tests.bench.peers --help`."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.peers.networks import write_networks
from tests.bench.peers.worker import CONTENDERS

OWN = ("vedette", "plain")  # run in the project's own environment
WORKER = Path(__file__).with_name("worker.py")
ROOT = Path(__file__).parents[3]


class Worker:
    """A contender's process; `turn` gives the milliseconds of one answer."""

    def __init__(self, name: str, python: str, setting: list[str], *, threads: int) -> None:
        self.name = name
        self.times_ms: list[float] = []
        self.cpu_ms: list[float] = []
        command = [sys.executable if name.startswith(OWN) else python, str(WORKER), name, *setting]
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "THREADS": str(threads)}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)} | environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.ready = any(
            line.strip() == "ready" for line in iter(self._process.stdout.readline, "")
        )

    def turn(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        time_ms, cpu_ms = map(float, self._process.stdout.readline().split())
        self.times_ms.append(time_ms)
        self.cpu_ms.append(cpu_ms)

    def stop(self) -> str:
        """The last line of what it complained of."""
        _, complaints = self._process.communicate(timeout=60)
        return (complaints.strip().splitlines() or [""])[-1]


def race(model: str, batch: int, side: int, folder: Path, args: argparse.Namespace) -> None:
    """One batch size: everybody warm, then in turns; prints a row each."""
    workers = []
    for name in args.only or CONTENDERS:
        setting = [model, str(folder), str(batch), str(side)]
        worker = Worker(name, args.python, setting, threads=args.threads)
        if worker.ready:
            workers.append(worker)
        else:
            print(f"{model} batch {batch}: {name}: {worker.stop()}")
    for number in range(args.rounds + 1):
        for worker in workers:
            worker.turn()
            if number == 0:
                worker.times_ms.clear()
                worker.cpu_ms.clear()
    first = workers[0].times_ms
    for worker in workers:
        worker.stop()
        ratio = statistics.median(b / a for a, b in zip(first, worker.times_ms, strict=True))
        row = {
            "model": model,
            "batch": batch,
            "contender": worker.name,
            "ms_per_image": round(statistics.median(worker.times_ms) / batch, 2),
            "cpu_ms_per_image": round(statistics.median(worker.cpu_ms) / batch, 2),
            "p99_ms": round(statistics.quantiles(worker.times_ms, n=100)[-1], 2),
            "fastest_ms_per_image": round(min(worker.times_ms) / batch, 2),
            f"times_of_{workers[0].name.replace(' ', '_')}": round(ratio, 2),
        }
        print(json.dumps(row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="interpreter of the peers' environment")
    parser.add_argument("--model", default="efficientdet-d0")
    parser.add_argument("--side", type=int, help="of the input; default: the model's own")
    parser.add_argument("--batch", type=int, nargs="+", default=[4])
    parser.add_argument("--threads", type=int, default=2, help="that each may use; default: 2")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        side = write_networks(args.model, folder, args.batch, args.side)
        for batch in args.batch:
            race(args.model, batch, side, folder, args)


if __name__ == "__main__":
    main()
