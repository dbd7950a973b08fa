"""The daemon of a fleet's tests: `vedette run` as a shard starts it, with a detector that costs
nothing: python -m tests.support.fleet_daemon CONFIG --grants DESCRIPTOR
"""

from __future__ import annotations

import argparse
from pathlib import Path

from daemon import signals

signals.block()  # before NumPy starts threads of its own, which would take them

from daemon.bench.simulated import SimulatedDetector  # noqa: E402
from daemon.commands.run import start  # noqa: E402
from detector.spec import DetectorSpec  # noqa: E402


def build(wanted: DetectorSpec) -> SimulatedDetector:
    return SimulatedDetector(batch_ms=1.0, image_ms=0.2, max_batch=wanted.max_batch, input_size=64)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--grants", type=int)
    arguments = parser.parse_args()
    return start(arguments.config, grants=arguments.grants, build=build)


if __name__ == "__main__":
    raise SystemExit(main())
