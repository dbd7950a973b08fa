"""TensorFlow as this process uses it: its threads and its GPU memory."""

from __future__ import annotations

import logging

import tensorflow as tf

from detector.graph.lanes import FEW_CORES, available_cores

log = logging.getLogger(__name__)


def configure(threads: int | None = None) -> None:
    """Take GPU memory as needed, and `threads` for the work inside an operation: all cores by
    default; or one, where there are few and `lanes` share them out. Call before TensorFlow computes
    anything; later calls change nothing.
    """
    # It gathers sums, and what AddN becomes where memory is short keeps them under one name for the
    # whole process: of two runs at the same time, as `lanes` have them, one fails now and then.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    # Two, for the two branches that a network has: class net and box net.
    across = 1 if threads == 1 else 2
    if threads is None and available_cores() <= FEW_CORES and not has_gpu():
        threads = 1
    try:
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, enable=True)
        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(across)
    except RuntimeError as error:
        log.debug("tensorflow already initialised detail=%s", error)


def lane_count() -> int:
    """How many parts of a batch to run side by side, with the threads that were configured."""
    within = tf.config.threading.get_intra_op_parallelism_threads()
    across = tf.config.threading.get_inter_op_parallelism_threads()
    return available_cores() if (within, across) == (1, 2) else 1


def has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))
