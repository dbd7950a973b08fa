"""TensorFlow as this process uses it: its threads and its GPU memory."""

from __future__ import annotations

import logging

import tensorflow as tf

log = logging.getLogger(__name__)


def configure(threads: int | None = None) -> None:
    """Take GPU memory as needed, and `threads` for the work inside an operation (all cores by
    default). Call before TensorFlow computes anything; later calls change nothing.
    """
    try:
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, enable=True)
        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        # Two, for the two branches that a network has: class net and box net.
        tf.config.threading.set_inter_op_parallelism_threads(1 if threads == 1 else 2)
    except RuntimeError as error:
        log.debug("tensorflow already initialised detail=%s", error)


def has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))
