"""Never two live grants of a camera, whatever is lost, late, frozen or dies: random stories.

Directors and shards are the real ones' cores; the network between them delays and loses reports and
replies, processes freeze for as long as they like, Directors die and begin anew with the store's
numbers alone. After each step it is asked of every shard which cameras its daemon might speak for.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.fleet.grants import GrantBook
from daemon.fleet.leases import Leases
from daemon.fleet.times import Times

CAMERAS = ("gate", "yard", "door")
SHARDS = ("north", "south", "east")
TIMES = Times(2.0)


@dataclass
class Asked:
    """A report on its way, and the reply to it."""

    shard: Shard
    asked_s: float
    held: dict[str, int]
    term: int
    seen: int
    number: int
    arrives_s: float
    returns_s: float
    reply: tuple[int, int, dict[str, int], Times] | None = None


@dataclass
class Shard:
    name: str
    leases: Leases = field(default_factory=lambda: Leases(TIMES))
    term: int = 0
    seen: int = 0
    frozen_until_s: float = 0.0
    next_s: float = 0.0
    waits_for: Asked | None = None
    number: int = 0


class World:
    """Told which dice to throw. Time goes in steps of 50 ms."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now_s = 1000.0
        self.numbers = 0
        self.times = self.longest = TIMES
        self.longest_until_s = 0.0
        self.term = 0
        self.replies = 0
        self.shards = [Shard(name) for name in SHARDS]
        self.under_way: list[Asked] = []
        self.begin_director()
        self.given = 0
        self.uses: dict[str, int] = {}

    def begin_director(self) -> None:
        self.term += 1
        self.replies = 0
        self.newest: dict[str, int] = {}
        self.book = GrantBook(
            self.next_number, self.times, self.now_s, settle_s=self.longest.regrant_s
        )

    def next_number(self, above: int) -> int:
        self.numbers = max(self.numbers, above) + 1
        return self.numbers

    def step(self) -> None:
        self.now_s += 0.05
        if self.dice.random() < 0.002:
            self.begin_director()
        if self.dice.random() < 0.001:
            self.change_leases(Times(self.dice.choice([1.0, 2.0, 8.0])))
        if self.now_s >= self.longest_until_s:
            self.longest = self.times
        self.direct()
        for asked in [a for a in self.under_way if a.arrives_s <= self.now_s]:
            self.answer(asked)
        for shard in self.shards:
            if self.dice.random() < 0.004:
                shard.frozen_until_s = self.now_s + self.dice.uniform(0.5, 12.0)
            if shard.frozen_until_s <= self.now_s:
                self.run(shard)

    def change_leases(self, times: Times) -> None:
        """As the Director does, which remembers the longest that may be in use."""
        self.longest = max(self.longest, times, key=lambda of: of.lease_s)
        self.longest_until_s = max(self.longest_until_s, self.now_s + self.longest.regrant_s)
        self.times = times
        self.book.use(times, self.now_s)

    def direct(self) -> None:
        """Move cameras about, far more often than a real Director does."""
        self.book.lapse(self.now_s)
        for camera in CAMERAS:
            if self.book.holder(camera) is None:
                given = self.book.give(camera, self.dice.choice(SHARDS), self.now_s)
                self.given += given is not None
            elif self.dice.random() < 0.02:
                self.book.revoke(camera)

    def answer(self, asked: Asked) -> None:
        self.under_way.remove(asked)
        if self.dice.random() < 0.1:
            return  # lost on its way there
        if asked.number <= self.newest.get(asked.shard.name, 0):
            return  # overtaken by a newer one
        self.newest[asked.shard.name] = asked.number
        seen = asked.seen if asked.term == self.term else 0
        self.book.report(asked.shard.name, asked.held, seen=seen, now_s=self.now_s)
        self.replies += 1
        grants = self.book.renewed(asked.shard.name, reply=self.replies, now_s=self.now_s)
        if self.dice.random() < 0.9:  # else lost on its way back
            asked.reply = (self.term, self.replies, grants, self.times)

    def run(self, shard: Shard) -> None:
        waits = shard.waits_for
        if waits is not None:
            if waits.reply is not None and waits.returns_s <= self.now_s:
                shard.term, shard.seen, grants, shard.leases.times = waits.reply
                shard.leases.take(grants, waits.asked_s, self.now_s)
                shard.waits_for = None
            elif self.now_s - waits.asked_s > 1.0:
                shard.waits_for = None  # given up; its reply is never looked at
        elif self.now_s >= shard.next_s:
            self.ask(shard)

    def ask(self, shard: Shard) -> None:
        shard.next_s = self.now_s + shard.leases.times.renew_s
        shard.number += 1
        there_s, back_s = (self.dice.choice([0.0, 0.0, 0.1, 0.8, 5.0]) for _ in range(2))
        held = {camera: lease.number for camera, lease in shard.leases.live(self.now_s).items()}
        shard.waits_for = Asked(
            shard,
            self.now_s,
            held,
            shard.term,
            shard.seen,
            shard.number,
            self.now_s + there_s,
            self.now_s + there_s + back_s,
        )
        self.under_way.append(shard.waits_for)

    def speakers(self, camera: str) -> dict[str, int]:
        """Shards whose daemon could send a message of it at this very moment: a frozen one does
        not now, but has the same leases when it goes on.
        """
        return {
            shard.name: live[camera].number
            for shard in self.shards
            if camera in (live := shard.leases.live(self.now_s))
        }


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_no_two_shards_may_ever_speak_for_a_camera(seed: int) -> None:
    world = World(seed)
    highest = dict.fromkeys(CAMERAS, 0)
    for _ in range(1200):
        world.step()
        for camera in CAMERAS:
            speakers = world.speakers(camera)
            assert len(speakers) <= 1, (camera, speakers, world.now_s)
            for number in speakers.values():
                assert number >= highest[camera], "an older grant came back"
                highest[camera] = number


def test_the_stories_are_eventful_enough_to_mean_something() -> None:
    world = World(1)
    spoken = 0
    for _ in range(4000):
        world.step()
        spoken += any(world.speakers(camera) for camera in CAMERAS)
    assert world.given > 50, "cameras change their shard"
    assert world.term > 2, "Directors die"
    assert spoken > 1000, "and much of the time somebody speaks"


def test_without_the_margin_two_would_speak() -> None:
    """The same stories find the fault where a Director does not wait: so they can fail."""

    class Hasty(Times):
        @property
        def regrant_s(self) -> float:
            return 1.0

    for seed in range(40):
        world = World(seed)
        world.book.times = Hasty(2.0)
        for _ in range(600):
            world.book.times = Hasty(2.0)
            world.step()
            if any(len(world.speakers(camera)) > 1 for camera in CAMERAS):
                return
    raise AssertionError("no story showed it")
