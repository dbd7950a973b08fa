"""The HTTP listener is replaced where that is needed, and back again."""

from __future__ import annotations

import pytest

from config.schema import HttpConfig
from daemon.errors import ListenError
from daemon.http.door import HttpDoor
from daemon.http.events import EventFeed
from tests.support.fakes import FakeClock

HERE = HttpConfig(listen="127.0.0.1:9464")


class FakeServer:
    """A server that holds its address from `bind` to `stop`."""

    def __init__(self, http: HttpConfig, held: set[str], calls: list[str]) -> None:
        self._http = http
        self._held = held
        self._calls = calls
        self.running = False

    def read_token(self) -> None:
        self._calls.append("read token")

    def bind(self) -> None:
        self._calls.append(f"bind {self._http.listen}")
        if self._http.listen in self._held:
            raise ListenError(self._http.listen)
        self._held.add(self._http.listen)

    def start(self) -> None:
        self._calls.append(f"start {self._http.listen}")
        self.running = True

    def stop(self) -> bool:
        if self.running:
            self._calls.append(f"stop {self._http.listen}")
            self._held.discard(self._http.listen)
        self.running = False
        return True


class Plot:
    """A site whose servers are fakes; `held` are the addresses that are taken."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.calls: list[str] = []
        self.made: list[HttpConfig] = []
        self.site = HttpDoor(HERE, self._make, FakeClock())
        self.site.bind()
        self.site.start()
        self.calls.clear()

    def _make(self, http: HttpConfig, events: EventFeed) -> FakeServer:
        self.made.append(http)
        return FakeServer(http, self.held, self.calls)


@pytest.fixture
def plot() -> Plot:
    return Plot()


def at(port: int, **fields: object) -> HttpConfig:
    return HttpConfig(listen=f"127.0.0.1:{port}", **fields)


def test_the_same_configuration_reads_the_token_again_and_touches_nothing(plot: Plot) -> None:
    plot.site.use(at(9464))
    assert plot.calls == ["read token"]


def test_on_another_port_the_new_one_answers_before_the_old_one_ends(plot: Plot) -> None:
    plot.site.use(at(9465))
    assert plot.calls == ["bind 127.0.0.1:9465", "start 127.0.0.1:9465", "stop 127.0.0.1:9464"]
    assert plot.site.running


def test_on_the_same_port_the_old_one_makes_room(plot: Plot) -> None:
    plot.site.use(at(9464, live=False))
    assert plot.calls == ["stop 127.0.0.1:9464", "bind 127.0.0.1:9464", "start 127.0.0.1:9464"]
    plot.calls.clear()
    plot.site.use(at(9464, live=False))
    assert plot.calls == ["read token"]


def test_a_port_in_use_leaves_the_old_one_as_it_was(plot: Plot) -> None:
    plot.held.add("127.0.0.1:9465")
    with pytest.raises(ListenError):
        plot.site.use(at(9465))
    plot.site.use(HERE)
    assert plot.calls == ["bind 127.0.0.1:9465", "read token"]
    assert plot.site.running


def test_a_listener_that_made_room_in_vain_comes_back(plot: Plot) -> None:
    elsewhere = HttpConfig(listen="127.0.0.2:9464")
    plot.held.add("127.0.0.2:9464")
    with pytest.raises(ListenError):
        plot.site.use(elsewhere)
    assert not plot.site.running
    plot.site.use(HERE)
    assert plot.calls[-2:] == ["bind 127.0.0.1:9464", "start 127.0.0.1:9464"]
    assert plot.site.running


def test_stop_may_be_called_again(plot: Plot) -> None:
    assert plot.site.stop()
    assert plot.site.stop()
    assert not plot.site.running
