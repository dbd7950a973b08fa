"""The signals that the daemon takes when it looks, instead of being interrupted by them.

They are blocked in the main thread before any other thread is started, and every thread inherits
that: none of them has its default effect, and no handler ever runs in the middle of something.
Main thread only, except `ask_reload` and `wake`.
"""

from __future__ import annotations

import os
import signal

STOP = frozenset({signal.SIGTERM, signal.SIGINT})
RELOAD = signal.SIGHUP
WAKE = signal.SIGUSR1  # from ourselves: another thread has left something to do
TAKEN = STOP | {RELOAD, WAKE}


def block() -> None:
    """From now on they wait until they are taken."""
    signal.pthread_sigmask(signal.SIG_BLOCK, TAKEN)


def take(timeout_s: float) -> signal.Signals | None:
    """The next one that came or comes; None after `timeout_s`."""
    taken = signal.sigtimedwait(TAKEN, timeout_s)
    if taken is None or taken.si_signo not in TAKEN:
        # CPython hands out an unset siginfo where SIGCONT interrupts a wait whose time is over.
        return None
    return signal.Signals(taken.si_signo)


def let_stop_through() -> None:
    """One more signal to stop ends the process at once; a reload is not heard any more."""
    for number in STOP:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP)


def ask_reload() -> None:
    """As if somebody had sent SIGHUP; any thread."""
    os.kill(os.getpid(), RELOAD)


def wake() -> None:
    """The main thread looks at once at what others have asked for; any thread."""
    os.kill(os.getpid(), WAKE)
