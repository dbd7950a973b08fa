"""Promises of the batcher, kept over thousands of random arrival patterns."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.books.accounting import Page
from daemon.books.states import CameraState
from daemon.pipeline.policy import BatchPolicy, Decision
from daemon.pipeline.slot import SlotBoard, Waiting
from daemon.seats.seat import Seat
from tests.support.fakes import camera_config, frame, rules_of, seat_of

MAX_DELAY_S = 0.010
MAX_AGE_S = 0.500


class Desk:
    """A policy and the seats that joined it; all of them stream unless `live` says who does."""

    def __init__(
        self,
        cameras: Iterable[str],
        *,
        max_batch: int = 4,
        live: set[str] | None = None,
        priorities: Mapping[str, int] | None = None,
    ) -> None:
        self.policy = BatchPolicy(max_batch=max_batch, max_delay_s=MAX_DELAY_S)
        self.seats: dict[str, Seat] = {}
        for name in cameras:
            config = camera_config(priority=(priorities or {}).get(name, 1))
            seat = self.seats[name] = seat_of(name, config)
            if live is None or name in live:
                seat.status.change(CameraState.STREAMING)
            self.policy.join(seat)

    def waiting(self, at_s: float, names: str) -> list[Waiting]:
        return [Waiting(self.seats[name], at_s) for name in names]

    def decide(self, waiting: list[Waiting], now_s: float, *, free_s: float) -> Decision:
        return self.policy.decide(waiting, now_s, free_s=free_s)

    def named(self, waiting: list[Waiting], now_s: float) -> list[str]:
        """Whose frames go now."""
        return [seat.name for seat in self.decide(waiting, now_s, free_s=now_s).batch]

    def with_rhythm(self, camera: str, *, period_s: float, last_s: float) -> None:
        seat = self.seats[camera]
        self.policy.arrived(Waiting(seat, last_s - n * period_s) for n in range(5, -1, -1))


def test_an_idle_accelerator_takes_a_lone_frame_at_once() -> None:
    desk = Desk("ab")
    decision = desk.decide(desk.waiting(10.0, "a"), 10.0, free_s=10.0)
    assert decision == Decision(batch=(desk.seats["a"],), trigger="idle")


def test_a_frame_waits_for_another_camera_that_is_due_before_the_deadline() -> None:
    desk = Desk("ab")
    desk.with_rhythm("b", period_s=0.1, last_s=9.905)
    decision = desk.decide(desk.waiting(10.0, "a"), 10.0, free_s=10.0)
    assert decision == Decision(wake_s=10.0 + MAX_DELAY_S, wake_on_arrival=True)


def test_the_wait_ends_at_the_deadline() -> None:
    desk = Desk("ab")
    desk.with_rhythm("b", period_s=0.1, last_s=9.905)
    decision = desk.decide(desk.waiting(10.0, "a"), 10.0 + MAX_DELAY_S, free_s=0.0)
    assert decision == Decision(batch=(desk.seats["a"],), trigger="deadline")


def test_a_camera_that_is_not_streaming_is_not_waited_for() -> None:
    desk = Desk("ab", live={"a"})
    desk.with_rhythm("b", period_s=0.1, last_s=9.905)
    assert desk.named(desk.waiting(10.0, "a"), 10.0) == ["a"]


def test_a_camera_that_is_late_is_not_waited_for() -> None:
    desk = Desk("ab")
    desk.with_rhythm("b", period_s=0.1, last_s=9.8)
    assert desk.named(desk.waiting(10.0, "a"), 10.0) == ["a"]


def test_a_camera_that_left_is_not_waited_for() -> None:
    desk = Desk("ab")
    desk.with_rhythm("b", period_s=0.1, last_s=9.905)
    desk.policy.leave(desk.seats["b"])
    assert desk.named(desk.waiting(10.0, "a"), 10.0) == ["a"]


def test_a_busy_accelerator_is_left_alone_until_it_is_free() -> None:
    desk = Desk("ab", max_batch=2)
    decision = desk.decide(desk.waiting(10.0, "ab"), 10.0, free_s=10.02)
    assert decision == Decision(wake_s=10.02, wake_on_arrival=False)


def test_a_full_batch_goes_at_once() -> None:
    desk = Desk("abc", max_batch=2)
    waiting = desk.waiting(10.0, "a") + desk.waiting(9.9, "b")
    batch = (desk.seats["b"], desk.seats["a"])
    assert desk.decide(waiting, 10.0, free_s=10.0) == Decision(batch, "full")


def test_the_camera_served_longest_ago_goes_first() -> None:
    desk = Desk("abc", max_batch=1)
    waiting = desk.waiting(10.0, "abc")
    desk.policy.served([desk.seats["a"]], 10.0)
    desk.policy.served([desk.seats["c"]], 10.1)
    order = []
    for turn in range(6):
        batch = desk.decide(waiting, 10.2, free_s=10.0).batch
        desk.policy.served(batch, 10.2 + turn)
        order += [seat.name for seat in batch]
    assert order == ["b", "a", "c", "b", "a", "c"]


def test_a_camera_that_joins_again_has_no_credit_and_no_debt() -> None:
    desk = Desk("ab", max_batch=1)
    for turn in range(5):
        desk.policy.served([desk.seats["a"]], 10.0 + turn)
        desk.policy.served([desk.seats["b"]], 10.0 + turn)
    desk.policy.join(desk.seats["a"])
    assert desk.named(desk.waiting(20.0, "ba"), 20.0) == ["a"]
    desk.policy.served([desk.seats["a"]], 20.0)
    assert desk.named(desk.waiting(20.0, "ab"), 20.0) == ["b"]


@dataclass
class Simulation:
    """The real slots and policy, an accelerator with a fixed run time, and no threads."""

    periods_s: dict[str, float]
    offsets_s: dict[str, float]
    jitter: list[float]
    run_s: float
    max_batch: int
    priorities: dict[str, int] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)

    def run(self, until_s: float) -> None:
        self.slots = SlotBoard()
        desk = Desk(
            self.periods_s,
            max_batch=self.max_batch,
            live=set(self.periods_s) - self.dead,
            priorities=self.priorities,
        )
        self.policy, self.seats = desk.policy, desk.seats
        self.ages_s: dict[str, list[float]] = {name: [] for name in self.periods_s}
        self.dispatches: list[tuple[float, int]] = []
        self.idle_with_work_s = 0.0
        slots = {name: self.slots.open(seat) for name, seat in self.seats.items()}
        events = [(offset, name) for name, offset in self.offsets_s.items()]
        heapq.heapify(events)
        jitter = itertools.cycle(self.jitter)
        now_s = free_s = 0.0
        running: list[Seat] = []
        wake_s: float | None = None
        while now_s < until_s:
            if running and now_s >= free_s:
                for seat in running:
                    seat.ledger.inferred()
                running = []
            while events and events[0][0] <= now_s:
                _, name = heapq.heappop(events)
                if name not in self.dead:
                    slots[name].put(frame(self.seats[name], now_s))
                    next_s = now_s + self.periods_s[name] * next(jitter)
                    heapq.heappush(events, (next_s, name))
            wake_s = None
            if not running:
                running, wake_s = self._step(now_s)
                free_s = now_s + self.run_s
            candidates = [events[0][0]] if events else []
            candidates += [free_s] if running else []
            candidates += [wake_s] if wake_s is not None else []
            if not candidates:
                break
            ahead_s = max(min(candidates), now_s + 1e-9)
            if not running and len(self.slots):
                self.idle_with_work_s = max(self.idle_with_work_s, ahead_s - now_s)
            now_s = ahead_s
        self.in_flight = len(self.slots) + len(running)

    def _step(self, now_s: float) -> tuple[list[Seat], float | None]:
        waiting, arrivals = self.slots.view(oldest_s=now_s - MAX_AGE_S)
        self.policy.arrived(arrivals)
        decision = self.policy.decide(waiting, now_s, free_s=now_s)
        frames = self.slots.take(decision.batch)
        for f in frames:
            self.ages_s[f.camera].append(now_s - f.captured_s)
        if frames:
            self.policy.served([f.seat for f in frames], now_s)
            self.dispatches.append((now_s, len(frames)))
        return [f.seat for f in frames], decision.wake_s

    def pages(self) -> list[Page]:
        return [seat.ledger.page() for seat in self.seats.values()]


@st.composite
def simulations(draw: st.DrawFn) -> Simulation:
    names = [f"c{n}" for n in range(draw(st.integers(1, 8)))]
    fps = {name: draw(st.sampled_from([1, 5, 10, 25, 30, 60])) for name in names}
    return Simulation(
        periods_s={name: 1 / fps[name] for name in names},
        offsets_s={name: draw(st.floats(0, 1)) for name in names},
        jitter=draw(st.lists(st.floats(0.7, 1.3), min_size=3, max_size=12)),
        run_s=draw(st.sampled_from([0.002, 0.02, 0.1, 0.4])),
        max_batch=draw(st.sampled_from([1, 2, 4, 8])),
        dead=set(draw(st.lists(st.sampled_from(names), max_size=len(names) - 1, unique=True))),
    )


@given(simulations())
@settings(max_examples=500, deadline=None)
def test_promises_hold_for_any_pattern_of_arrivals(sim: Simulation) -> None:
    sim.run(until_s=3.0)
    live = set(sim.periods_s) - sim.dead

    assert all(page.balanced for page in sim.pages())
    assert sum(page.in_flight for page in sim.pages()) == sim.in_flight

    assert all(age <= MAX_AGE_S for ages in sim.ages_s.values() for age in ages)

    assert sim.idle_with_work_s <= MAX_DELAY_S + 1e-6, "an idle accelerator waited for too long"

    rounds = -(-len(live) // sim.max_batch)
    if rounds * sim.run_s * 2 < MAX_AGE_S:
        starved = [name for name in live if not sim.ages_s[name]]
        assert not starved, "a camera was never served"


@pytest.mark.parametrize("fast_fps", [30, 60])
def test_a_fast_camera_does_not_starve_a_slow_one(fast_fps: int) -> None:
    fast = {f"fast{n}": 1 / fast_fps for n in range(7)}
    sim = Simulation(
        periods_s=fast | {"slow": 1.0},
        offsets_s=dict.fromkeys([*fast, "slow"], 0.0),
        jitter=[1.0],
        run_s=0.05,
        max_batch=2,
    )
    sim.run(until_s=20.0)
    slow = sim.seats["slow"].ledger.page()
    assert slow.inferred >= 19, "every frame of the slow camera gets its turn"


def test_under_overload_equal_cameras_get_equal_shares() -> None:
    names = [f"c{n}" for n in range(32)]
    sim = Simulation(
        periods_s=dict.fromkeys(names, 1 / 30),
        offsets_s={name: n / 1000 for n, name in enumerate(names)},
        jitter=[1.0, 0.9, 1.1],
        run_s=8 / 300,
        max_batch=8,
    )
    sim.run(until_s=20.0)
    served = [page.inferred for page in sim.pages()]
    assert min(served) >= 0.97 * max(served)
    assert sum(served) >= 0.99 * 300 * 20


def test_under_overload_shares_follow_the_priorities() -> None:
    names = ["a", "b", "c", "d"]
    sim = Simulation(
        periods_s=dict.fromkeys(names, 1 / 60),
        offsets_s=dict.fromkeys(names, 0.0),
        jitter=[1.0],
        run_s=0.05,
        max_batch=1,
        priorities={"a": 3},
    )
    sim.run(until_s=60.0)
    served = {name: sim.seats[name].ledger.page().inferred for name in names}
    assert served["a"] == pytest.approx(3 * served["b"], rel=0.05)
    assert served["c"] == pytest.approx(served["d"], rel=0.05)


def test_limits_hold_from_the_next_decision_on() -> None:
    desk = Desk("abc")
    waiting = desk.waiting(100.0, "abc")
    desk.policy.limit(max_batch=2, max_delay_s=0.01)
    decision = desk.decide(waiting, 100.0, free_s=100.0)
    assert ([seat.name for seat in decision.batch], decision.trigger) == (["a", "b"], "full")
    desk.policy.limit(max_batch=8, max_delay_s=0.0)
    decision = desk.decide(waiting, 100.0, free_s=100.0)
    assert ([seat.name for seat in decision.batch], decision.trigger) == (
        ["a", "b", "c"],
        "deadline",
    )


def test_another_priority_holds_from_the_next_turn_on() -> None:
    desk = Desk("ab", max_batch=1)
    config = camera_config(priority=3)
    desk.seats["b"].retune(config, rules_of(config))
    served = []
    for turn in range(40):
        now_s = 100.0 + turn
        (seat,) = desk.decide(desk.waiting(now_s, "ab"), now_s + 1, free_s=now_s).batch
        desk.policy.served([seat], now_s)
        served.append(seat.name)
    assert served.count("b") == 30


def test_a_batch_holds_so_many_rows_and_who_does_not_fit_is_next() -> None:
    desk = Desk("abc", max_batch=8)
    waiting = [
        Waiting(desk.seats[name], 10.0, rows) for name, rows in (("a", 5), ("b", 5), ("c", 3))
    ]
    decision = desk.decide(waiting, 10.0, free_s=10.0)
    assert decision == Decision(batch=(desk.seats["a"], desk.seats["c"]), trigger="full")
    desk.policy.served(decision.batch, 10.0, rows=[5, 3])
    assert desk.named(waiting, 10.1) == ["b", "c"]


def test_a_frame_of_more_rows_than_a_batch_has_goes_alone() -> None:
    desk = Desk("ab", max_batch=4)
    waiting = [Waiting(desk.seats["a"], 10.0, 7), Waiting(desk.seats["b"], 10.1)]
    assert desk.named(waiting, 10.2) == ["a"]


@pytest.mark.parametrize(("priority", "share"), [(1, 1), (3, 3)])
def test_under_overload_rows_are_shared_by_priority_not_frames(priority: int, share: int) -> None:
    desk = Desk("ab", max_batch=4, priorities={"a": priority})
    rows = {"a": 4, "b": 1}
    served = {"a": 0, "b": 0}
    for turn in range(4000):
        now_s = 10.0 + turn / 100
        waiting = [Waiting(desk.seats[name], now_s, rows[name]) for name in "ab"]
        batch = desk.decide(waiting, now_s + MAX_DELAY_S, free_s=now_s).batch
        desk.policy.served(batch, now_s, rows=[rows[seat.name] for seat in batch])
        for seat in batch:
            served[seat.name] += rows[seat.name]
    assert served["a"] == pytest.approx(share * served["b"], rel=0.05)
