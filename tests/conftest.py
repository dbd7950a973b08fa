"""For all tests."""

import signal

import pytest
from hypothesis import settings


def pytest_configure() -> None:
    # A shell starts what it puts in the background with SIGINT ignored, and every process that a
    # test starts would inherit that: it could not be interrupted.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# How long one example takes says more of the machine than of the code.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


@pytest.fixture(autouse=True)
def no_signal_is_blocked() -> None:
    """A command that was tried in this process has blocked signals for good, and every process that
    a test starts would inherit that: it could not be ended. Those that wait are forgotten.
    """
    while (waiting := signal.sigpending()) and signal.sigtimedwait(waiting, 0):
        pass
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
