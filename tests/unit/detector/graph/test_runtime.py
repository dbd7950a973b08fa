from __future__ import annotations

import subprocess
import sys

import pytest
import tensorflow as tf

from detector.graph.lanes import FEW_CORES, available_cores
from detector.graph.runtime import configure

ALL_OF_FEW = available_cores() if available_cores() <= FEW_CORES else 1


def test_configuring_too_late_is_harmless() -> None:
    tf.constant(1)
    configure(threads=1)
    configure()


@pytest.mark.parametrize(("threads", "lanes"), [(None, ALL_OF_FEW), (1, 1), (2, 1)])
def test_few_cores_are_shared_out_unless_threads_are_asked_for(
    threads: int | None, lanes: int
) -> None:
    program = (
        "from detector.build import start_tensorflow\n"
        f"start_tensorflow({threads})\n"
        "from detector.graph.runtime import lane_count\n"
        "print(lane_count())\n"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(printed.stdout) == lanes


def test_sums_are_left_as_they_are_written() -> None:
    """Gathered into one they cannot be computed twice at a time, where memory is short."""
    program = (
        "from detector.build import start_tensorflow\n"
        "start_tensorflow()\n"
        "import tensorflow as tf\n"
        "print(tf.config.optimizer.get_experimental_options()['arithmetic_optimization'])\n"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert printed.stdout.decode().strip() == "False"
