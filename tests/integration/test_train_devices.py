"""Several devices learn together what one learns alone. In a process of its own: TensorFlow's
devices are settled once.
"""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from detector.training.learner import Learner
from detector.training.rates import Rates
from tests.support.toy_network import Naming, Toy, batch, start

rates = Rates(steps=10, warmup_steps=0, peak=0.01, average=0.5)
both = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
weights, losses = [], []
for strategy in (None, both):
    learner = Learner(Toy(), start(), Naming(), rates, norm="frozen", strategy=strategy)
    source = tf.data.Dataset.from_tensors(batch()).repeat(3)
    losses.append([learner.step(each)["total"] for each in learner.distributed(source)])
    weights.append(learner.averaged())
assert both.num_replicas_in_sync == 2
np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
for name, alone in weights[0].items():
    np.testing.assert_allclose(weights[1][name], alone, atol=2e-3, err_msg=name)
followed = Learner(Toy(), start(), Naming(), rates, strategy=both)
for each in followed.distributed(source):
    followed.step(each)
name = "head/bn/moving_mean"
assert not np.array_equal(followed.averaged()[name], start()[name])
"""


def test_two_devices_learn_what_one_does() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
