"""Sinks are replaced one by one: nothing is lost, sent twice or forgotten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from config.schema import JsonlConfig, SinksConfig, ZeromqConfig
from daemon.metrics import Metrics
from daemon.outputs import Outputs
from sinks.crowd import Attendance
from sinks.envelope import Envelope
from sinks.messages import DetectionMessage, Kind
from sinks.sink import SinkError
from tests.support.fakes import FakeClock
from tests.support.messages import FakeSink, detection, status
from tests.support.waiting import until

FILE = JsonlConfig(path=Path("detections.jsonl"))


def sinks(
    port: int | None = 5556, *, jsonl: JsonlConfig | None = None, **fields: Any
) -> SinksConfig:
    zeromq = None if port is None else ZeromqConfig(bind=f"tcp://127.0.0.1:{port}", **fields)
    return SinksConfig(zeromq=zeromq, jsonl=jsonl)


class PlacedSink(FakeSink):
    """Holds its place from `open` to `close`; `taken` are the places that cannot be had."""

    attendance = Attendance("zeromq", 0, 256, {})

    def __init__(self, config: ZeromqConfig | JsonlConfig, taken: set[object]) -> None:
        super().__init__()
        self.config = config
        self.name = "zeromq" if isinstance(config, ZeromqConfig) else "jsonl"
        self._place = config.bind if isinstance(config, ZeromqConfig) else config.path
        self._taken = taken

    def open(self) -> None:
        if self._place in self._taken:
            raise SinkError(f"{self._place}: in use")  # noqa: EM102 - as the sinks say it
        self._taken.add(self._place)
        super().open()

    def close(self) -> None:
        if "open" in self.calls and "close" not in self.calls:
            self._taken.discard(self._place)
        super().close()

    @property
    def is_open(self) -> bool:
        return "open" in self.calls and "close" not in self.calls


class House:
    """Running outputs; `made` are all sinks there ever were."""

    def __init__(self, config: SinksConfig, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: set[object] = set()
        self.made: list[PlacedSink] = []
        for kind in ("ZeromqSink", "JsonlSink"):
            monkeypatch.setattr(f"daemon.outputs.{kind}", self._make)
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        metrics = Metrics(self.registry)
        self.counts = metrics.camera("gate")
        self.outputs = Outputs(config, self.clock, metrics)
        self.outputs.open()
        self._seq = 0

    def _make(self, config: ZeromqConfig | JsonlConfig, _clock: object, **_: object) -> PlacedSink:
        self.made.append(PlacedSink(config, self.taken))
        return self.made[-1]

    def put(self, count: int = 1) -> None:
        for _ in range(count):
            self._seq += 1
            message = replace(detection(seq=self._seq), on_sent=self.counts.observe_published)
            self.outputs.put(message)

    def published(self) -> dict[str, int]:
        return {r.name: r.counts.published[Kind.DETECTION] for r in self.outputs.reports()}

    def open_places(self) -> list[object]:
        return [sink._place for sink in self.made if sink.is_open]


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    house = House(sinks(jsonl=FILE), monkeypatch)
    yield house
    assert house.outputs.stop(1.0)
    assert house.taken == set(), "something was left open"


def seqs(*sinks: PlacedSink) -> list[int]:
    messages = [envelope.message for sink in sinks for envelope in sink.written]
    return [m.seq for m in messages if isinstance(m, DetectionMessage)]


def test_what_is_the_same_is_not_touched(house: House) -> None:
    house.outputs.use(sinks(jsonl=FILE))
    assert len(house.made) == 2
    house.outputs.use(sinks(5557, jsonl=FILE))
    assert [sink.name for sink in house.made] == ["zeromq", "jsonl", "zeromq"]
    assert house.made[1].is_open


def test_elsewhere_the_new_sink_is_open_before_the_old_one_closes(house: House) -> None:
    old = house.made[0]
    at_close: list[list[object]] = []
    close = old.close
    old.close = lambda: (at_close.append(house.open_places()), close())[1]  # type: ignore[method-assign]
    house.outputs.use(sinks(5557, jsonl=FILE))
    assert "tcp://127.0.0.1:5557" in at_close[0]
    assert "tcp://127.0.0.1:5556" not in house.open_places()


@pytest.mark.parametrize("new", [sinks(5557), sinks(high_water_mark=7)])
def test_every_message_goes_to_exactly_one_of_the_two(
    house: House, new: SinksConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()

    def keep_putting() -> None:
        while not done.is_set():
            house.put()
            done.wait(0.0002)

    feeder = threading.Thread(target=keep_putting)
    feeder.start()
    until(lambda: house.published()["zeromq"] > 5)
    house.outputs.use(new)
    fresh = house.made[-1]
    until(lambda: len(fresh.written) > 5)
    done.set()
    feeder.join()
    assert house.outputs.stop(1.0)
    assert seqs(house.made[0], fresh) == list(range(1, house._seq + 1))


def test_in_the_same_place_the_old_sink_makes_room(house: House) -> None:
    house.outputs.use(sinks(encoding="msgpack", jsonl=FILE))
    assert not house.made[0].is_open
    assert house.made[2].is_open
    house.put()
    until(lambda: len(house.made[2].written) == 1)


def test_two_addresses_with_one_port_are_one_place(house: House) -> None:
    everywhere = SinksConfig(
        zeromq=ZeromqConfig(bind="tcp://*:5556", allow_plaintext=True), jsonl=FILE
    )
    house.taken.add("tcp://*:5556")  # cannot be had: shows in which order it was tried
    with pytest.raises(SinkError):
        house.outputs.use(everywhere)
    assert not house.made[0].is_open
    house.taken.discard("tcp://*:5556")
    house.outputs.use(sinks(jsonl=FILE))
    assert "tcp://127.0.0.1:5556" in house.open_places()


def test_a_sink_that_cannot_be_opened_elsewhere_disturbs_none(house: House) -> None:
    house.taken.add("tcp://127.0.0.1:5557")
    other = JsonlConfig(path=Path("other.jsonl"))
    with pytest.raises(SinkError, match="5557"):
        house.outputs.use(sinks(5557, jsonl=other))
    house.outputs.use(sinks(jsonl=FILE))
    house.taken.discard("tcp://127.0.0.1:5557")
    assert [sink for sink in house.made if sink.is_open] == house.made[:2]


def test_a_sink_that_cannot_be_opened_in_its_place_comes_back_as_it_was(house: House) -> None:
    fail = SinkError("detections.jsonl: No space left on device")

    class Full(PlacedSink):
        def open(self) -> None:
            raise fail

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("daemon.outputs.JsonlSink", lambda config, _: Full(config, house.taken))
        with pytest.raises(SinkError, match="No space left"):
            house.outputs.use(sinks(jsonl=FILE.model_copy(update={"keep": 1})))
    assert [report.name for report in house.outputs.reports()] == ["zeromq"]
    house.outputs.use(sinks(jsonl=FILE))
    assert [report.name for report in house.outputs.reports()] == ["zeromq", "jsonl"]
    house.put()
    until(lambda: len(house.made[-1].written) == 1)


def test_counters_go_on_where_a_sink_is_replaced(house: House) -> None:
    house.put(3)
    until(lambda: house.published() == {"zeromq": 3, "jsonl": 3})
    for port in (5557, 5558):
        house.outputs.use(sinks(port, jsonl=FILE))
        house.put()
    until(lambda: house.published() == {"zeromq": 5, "jsonl": 5})


def test_counters_never_go_back_while_the_old_sink_still_sends(house: House) -> None:
    go = threading.Event()
    house.made[0].hook = lambda envelope: (
        None if envelope.message.seq < 4 else go.wait(5) and None  # type: ignore[union-attr]
    )
    house.put(3)
    until(lambda: house.published()["zeromq"] == 3)
    house.put(2)
    replacing = threading.Thread(target=house.outputs.use, args=[sinks(5557, jsonl=FILE)])
    replacing.start()
    until(lambda: len(house.made) == 3 and house.made[2].is_open)
    for _ in range(20):
        assert house.published()["zeromq"] >= 3
    go.set()
    replacing.join()
    assert house.published()["zeromq"] == 5


def test_a_sink_that_goes_sends_what_it_has_and_is_reported_no_more(house: House) -> None:
    house.put(20)
    house.outputs.use(sinks(jsonl=None))
    assert len(house.made[1].written) == 20
    assert [report.name for report in house.outputs.reports()] == ["zeromq"]
    assert [queue.name for queue in house.outputs.queues()] == ["sink:zeromq"]


def test_a_sink_that_comes_stands_in_its_order_and_measures_latency(house: House) -> None:
    house.outputs.use(sinks(None, jsonl=FILE))
    house.outputs.use(sinks(jsonl=FILE))
    assert [report.name for report in house.outputs.reports()] == ["zeromq", "jsonl"]
    house.put()
    until(lambda: house.published() == {"zeromq": 1, "jsonl": 1})
    count = "vedette_end_to_end_latency_seconds_count"
    until(lambda: house.registry.get_sample_value(count, {"camera": "gate"}) == 1)


def test_a_fresh_sink_is_greeted_and_the_others_are_not(house: House) -> None:
    greeting: list[Envelope] = [status("gate"), status("yard")]
    house.outputs.use(sinks(5557, jsonl=FILE), greeting=greeting)
    house.put()
    until(lambda: len(house.made[2].written) == 3)
    assert house.made[2].written[:2] == greeting
    until(lambda: len(house.made[1].written) == 1)
