from __future__ import annotations

import logging
import os
import resource
import subprocess
import sys
import time

import pytest

from detector.api import ModelError
from detector.startup import quiet_start, require_address_space

BANNER = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1795344922.014635    8015 port.cc:153] oneDNN custom operations are on.\n"
    b"2026-11-22 10:00:00.123456: I tensorflow/core/util/port.cc:153] oneDNN\n"
    b"To enable the following instructions: AVX2 FMA, rebuild TensorFlow.\n"
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)


def test_native_lines_are_dropped_and_others_come_through(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with quiet_start():
        os.write(2, BANNER + b"camera lost\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "camera lost\nafter\n"


def test_standard_error_is_given_back_after_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with quiet_start():
            os.write(2, b"hint\n")
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fail()
    assert capfd.readouterr().err == "hint\n"


def test_nothing_is_dropped_for_debugging(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), quiet_start():
        os.write(2, BANNER)
    assert capfd.readouterr().err == BANNER.decode()


def test_labels_are_known_without_tensorflow_and_at_once() -> None:
    program = (
        "import sys; from detector.build import labels_of;"
        "print(*labels_of('efficientdet-lite0', 'bundled'));"
        "sys.exit('tensorflow' in sys.modules)"
    )
    started = time.monotonic()
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert time.monotonic() - started < 5  # half a second on an idle machine
    assert answer.returncode == 0
    assert answer.stdout == b"person bicycle car motorcycle bus truck\n"


def test_too_little_address_space_is_told_before_anything_crashes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = {resource.RLIM_INFINITY: False, 2**40: False, 2**31: True}
    for limit, is_refused in limits.items():
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        if is_refused:
            with pytest.raises(ModelError, match=r"2\.1 GB of address space are allowed"):
                require_address_space()
        else:
            require_address_space()
