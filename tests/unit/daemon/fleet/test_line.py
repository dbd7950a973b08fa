"""Questions of shards to their Director, over real sockets of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from daemon.fleet import line as lines
from daemon.fleet.line import Address, Line, LineBrokenError, LineEnd

HOST = "127.0.0.1"
Connect = Callable[[Address], LineEnd]


@contextmanager
def serving(answer: Callable[[bytes], bytes] = bytes.upper, most: int = 10) -> Iterator[Line]:
    line, over = Line(HOST, answer, most=most), threading.Event()

    def run() -> None:
        while not over.is_set():
            line.serve(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield line
    finally:
        over.set()
        thread.join()
        line.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    ends: list[LineEnd] = []

    def make(address: Address) -> LineEnd:
        ends.append(LineEnd(address))
        return ends[-1]

    yield make
    for end in ends:
        end.close()


def test_each_question_gets_its_answer_on_one_connection(connect: Connect) -> None:
    with serving() as line:
        north, south = connect(line.address), connect(line.address)
        for n in range(20):
            assert north.ask(b"north%d" % n, 2.0) == b"NORTH%d" % n
            assert south.ask(b"south%d" % n, 2.0) == b"SOUTH%d" % n
        north.close()
        assert north.ask(b"again", 2.0) == b"AGAIN"


def test_long_answers_come_whole(connect: Connect) -> None:
    with serving(lambda question: question * 1_000_000) as line:
        assert connect(line.address).ask(b"abc", 5.0) == b"abc" * 1_000_000


def test_without_the_secret_nothing_is_answered(connect: Connect) -> None:
    with serving() as line:
        stranger = connect(replace(line.address, secret=b"guess"))
        with pytest.raises(LineBrokenError):
            stranger.ask(b"anything", 2.0)
        assert connect(line.address).ask(b"friend", 2.0) == b"FRIEND"


@pytest.mark.parametrize("sent", [b"\xff\xff\xff\xffrest", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_no_frame_is_hung_up_on(sent: bytes) -> None:
    with serving() as line, socket.create_connection((HOST, line.address.port), 2.0) as other:
        other.sendall(sent)
        assert other.recv(10) == b""


def test_a_question_that_cannot_be_answered_costs_its_own_connection_alone(
    connect: Connect,
) -> None:
    def answer(question: bytes) -> bytes:
        if question == b"bad":
            raise ValueError("no report")
        return question

    with serving(answer) as line:
        good, bad = connect(line.address), connect(line.address)
        assert good.ask(b"one", 2.0) == b"one"
        with pytest.raises(LineBrokenError):
            bad.ask(b"bad", 2.0)
        assert good.ask(b"two", 2.0) == b"two"


def test_a_late_answer_is_never_taken_for_that_of_the_next_question(connect: Connect) -> None:
    go_on = threading.Event()

    def answer(question: bytes) -> bytes:
        if question == b"slow":
            go_on.wait(5.0)
        return question

    with serving(answer) as line:
        end = connect(line.address)
        with pytest.raises(TimeoutError):
            end.ask(b"slow", 0.05)
        go_on.set()
        assert end.ask(b"next", 2.0) == b"next"


def test_a_director_that_is_gone_is_noticed_at_once(connect: Connect) -> None:
    with serving() as line:
        end = connect(line.address)
        end.ask(b"one", 2.0)
    for _ in range(2):  # hung up on, then refused
        with pytest.raises(LineBrokenError):
            end.ask(b"two", 2.0)


def test_of_too_many_the_one_that_was_silent_for_longest_is_hung_up_on(connect: Connect) -> None:
    with serving(most=2) as line:
        first, second, third = (connect(line.address) for _ in range(3))
        first.ask(b"a", 2.0)
        second.ask(b"b", 2.0)
        first.ask(b"c", 2.0)
        third.ask(b"d", 2.0)
        assert first.ask(b"e", 2.0) == b"E"
        with pytest.raises(LineBrokenError):
            second.ask(b"f", 2.0)


def test_ports_that_are_taken_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as line:
        port = line.address.port
        monkeypatch.setattr(lines, "PORTS", range(port, port + 1))
        with pytest.raises(OSError, match="no port of"):
            Line(HOST, bytes.upper)


def test_the_secret_is_in_no_output() -> None:
    with serving() as line:
        assert str(line.address.secret) not in repr(line.address)
