"""Questions of shards to their Director, over real sockets of this machine."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import zmq

from daemon.fleet import line as lines
from daemon.fleet.line import Address, Line, LineEnd

HOST = "127.0.0.1"
Connect = Callable[[Address], LineEnd]


@contextmanager
def serving(answer: Callable[[bytes], bytes] = bytes.upper) -> Iterator[Line]:
    line, over = Line(HOST, answer), threading.Event()

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


def test_each_question_gets_its_own_answer(connect: Connect) -> None:
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


def test_without_the_key_nothing_is_answered(connect: Connect) -> None:
    guess, _ = zmq.curve_keypair()
    with serving() as line:
        stranger = connect(replace(line.address, key=guess))
        with pytest.raises(TimeoutError):
            stranger.ask(b"anything", 0.1)
        assert connect(line.address).ask(b"friend", 2.0) == b"FRIEND"


def test_nothing_is_read_on_the_way(connect: Connect) -> None:
    with serving() as line, socket.create_server((HOST, 0)) as tap:
        end = connect(replace(line.address, port=tap.getsockname()[1]))
        heard: list[bytes] = []
        passer = threading.Thread(target=pass_on, args=[tap, line.address.port, heard])
        passer.start()
        assert end.ask(b"whereabouts" * 9, 2.0) == b"WHEREABOUTS" * 9
        end.close()
        passer.join(5.0)
    said = b"".join(heard)
    assert len(said) > 99
    assert b"whereabouts" not in said.lower()


def pass_on(tap: socket.socket, port: int, heard: list[bytes]) -> None:
    """What the first guest and the other end say to each other, until the guest hangs up."""
    guest, _ = tap.accept()
    with guest, socket.create_connection((HOST, port), 2.0) as host:
        while True:
            for source in select.select([guest, host], [], [], 5.0)[0]:
                data = source.recv(65_536)
                if not data:
                    return
                heard.append(data)
                (host if source is guest else guest).sendall(data)


@pytest.mark.parametrize("sent", [b"\xff\xff\xff\xffrest", b"GET / HTTP/1.1\r\n\r\n"])
def test_whoever_speaks_otherwise_costs_the_others_nothing(sent: bytes, connect: Connect) -> None:
    with serving() as line, socket.create_connection((HOST, line.address.port), 2.0) as other:
        other.sendall(sent)
        assert connect(line.address).ask(b"friend", 2.0) == b"FRIEND"


def test_a_question_that_cannot_be_answered_costs_nobody_else_anything(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(question: bytes) -> bytes:
        if question == b"bad":
            raise ValueError("no report")
        return question

    with serving(answer) as line:
        good, bad = connect(line.address), connect(line.address)
        assert good.ask(b"one", 2.0) == b"one"
        with pytest.raises(TimeoutError):
            bad.ask(b"bad", 0.1)
        assert good.ask(b"two", 2.0) == b"two"
    assert "a question was none reason=no report" in caplog.text


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


def test_a_director_that_is_gone_is_away_until_it_is_there_again(connect: Connect) -> None:
    with serving() as line:
        end = connect(line.address)
        end.ask(b"one", 2.0)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            end.ask(b"two", 0.05)
    with serving() as line:
        assert connect(line.address).ask(b"three", 2.0) == b"THREE"


def test_a_flood_of_questions_ends_no_turn_later(connect: Connect) -> None:
    line = Line(HOST, bytes.upper)
    flood, over = threading.Event(), threading.Event()

    def ask() -> None:
        asking = connect(line.address)
        while not over.is_set():
            asking.ask(b"again", 5.0)
            flood.set()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    while not flood.is_set():
        line.serve(0.01)
    began_s = time.monotonic()
    line.serve(0.05)
    assert time.monotonic() - began_s < 2.0
    over.set()
    while any(thread.is_alive() for thread in threads):
        line.serve(0.01)
    line.close()


def test_ports_that_are_taken_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as line:
        port = line.address.port
        monkeypatch.setattr(lines, "PORTS", range(port, port + 1))
        with pytest.raises(OSError, match="no port of"):
            Line(HOST, bytes.upper)


def test_the_key_is_in_no_output() -> None:
    with serving() as line:
        assert line.address.key.decode() not in repr(line.address)
