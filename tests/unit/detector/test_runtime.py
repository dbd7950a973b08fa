from __future__ import annotations

import tensorflow as tf

from detector.runtime import configure


def test_configuring_too_late_is_harmless() -> None:
    tf.constant(1)
    configure(threads=1)
    configure()
