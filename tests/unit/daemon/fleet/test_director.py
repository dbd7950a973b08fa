"""The Director decides; shards here do what they are told at once unless a test says otherwise."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator
from dataclasses import replace

import pytest

from daemon.fleet.director import Director
from daemon.fleet.picture import picture
from daemon.fleet.sections import FleetSetup
from daemon.fleet.tracks import Track
from daemon.fleet.view import Cause, NodeState, Placement
from tests.support.fakes import FakeClock
from tests.support.fleet import FakeShard, Memory, fleet


class Stage:
    """A Director, its shards, and rounds of half a second."""

    def __init__(self, cameras: int = 6, nodes: tuple[str, ...] = ("north", "south")) -> None:
        self.clock = FakeClock(1000.0)
        self.memory = Memory()
        self.setup = fleet(cameras, nodes)
        self.director = Director(self.setup, self.memory, self.clock)
        self.shards = {name: FakeShard(name, self.clock) for name in nodes}
        self.silent: set[str] = set()

    def rounds(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.5)):
            for name, shard in self.shards.items():
                if name not in self.silent:
                    shard.obey(self.director.report(shard.report()))
            self.clock.advance(0.5)
            self.director.tick()

    def holders(self) -> dict[str, str]:
        return {c: s.name for s in self.shards.values() for c in s.live()}

    def placements(self) -> set[Placement]:
        return {track.placement for track in self.director.tracks.values()}


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    stage.rounds(5)
    yield stage
    names = [camera for shard in stage.shards.values() for camera in shard.live()]
    assert len(names) == len(set(names)), "no camera is held twice"


def test_cameras_are_spread_once_every_server_is_ready(stage: Stage) -> None:
    counts = [len(shard.held) for shard in stage.shards.values()]
    assert counts == [3, 3]
    assert stage.placements() == {Placement.RUNNING}
    assert stage.director.movements.counts == {Cause.START: 6}


def test_the_first_server_to_be_ready_does_not_get_them_all() -> None:
    stage = Stage()
    stage.shards["south"].ready = False
    stage.rounds(10)
    assert stage.holders() == {}
    stage.shards["south"].ready = True
    stage.rounds(2)
    assert [len(shard.held) for shard in stage.shards.values()] == [3, 3]


def test_but_a_server_that_never_comes_is_not_waited_for() -> None:
    stage = Stage()
    stage.silent = {"south"}
    stage.rounds(20)
    assert set(stage.holders().values()) == {"north"}
    assert len(stage.holders()) == 6


def test_cameras_of_a_lost_server_are_granted_elsewhere_within_seconds(stage: Stage) -> None:
    before = stage.holders()
    stage.silent = {"south"}
    stage.rounds(1.0)
    assert stage.holders() == before, "its leases may be in use until then"
    stage.rounds(3.0)
    held = stage.shards["north"].held
    assert len(held) == 6
    assert stage.director.members["south"].state is NodeState.LOST
    assert stage.director.movements.counts[Cause.LOST] == 3
    view = picture(stage.director, stage.clock)
    assert [alarm.kind for alarm in view.alarms] == ["node_lost"]
    gaps = [m.gap_s for m in view.movements if m.cause is Cause.LOST]
    assert all(gap is not None and gap <= 5.0 for gap in gaps)


def test_every_move_gives_a_higher_number(stage: Stage) -> None:
    before = {c: n for shard in stage.shards.values() for c, n in shard.held.items()}
    stage.silent = {"south"}
    stage.shards["south"].held = {}
    stage.rounds(4)
    after = stage.shards["north"].held
    moved = [c for c in after if after[c] != before[c]]
    assert len(moved) == 3
    assert all(after[c] > before[c] for c in moved)


def test_a_server_that_comes_back_gets_no_camera_back_by_itself(stage: Stage) -> None:
    stage.silent = {"south"}
    stage.rounds(5)
    stage.silent = set()
    stage.rounds(5)
    assert set(stage.holders().values()) == {"north"}
    assert stage.director.members["south"].state is NodeState.UP


def test_a_drained_server_lets_its_cameras_go_one_by_one_in_order(stage: Stage) -> None:
    assert stage.director.drain("south")
    stage.rounds(3)
    assert set(stage.holders().values()) == {"north"}
    assert stage.director.members["south"].state is NodeState.DRAINED
    assert stage.memory.drained == {"south"}
    gaps = [m.gap_s for m in stage.director.movements if m.cause is Cause.DRAIN]
    assert len(gaps) == 3
    assert all(gap is not None and gap <= 1.5 for gap in gaps), "in rounds of half a second"


def test_the_next_server_has_the_camera_ready_before_the_drained_one_lets_go(stage: Stage) -> None:
    stage.director.drain("south")
    south, north = stage.shards["south"], stage.shards["north"]
    leaving = set(south.held)
    orders = stage.director.report(south.report())
    assert orders.leaving == (), "north does not know of them yet"
    north.obey(stage.director.report(north.report()))
    assert leaving <= set(north.cameras)
    stage.director.report(north.report())
    orders = stage.director.report(south.report())
    assert set(orders.leaving) == leaving
    assert set(orders.grants) >= leaving, "and may say what they have to say"
    assert orders.hurry


def test_a_drain_can_be_taken_back_and_a_name_that_is_none_is_told(stage: Stage) -> None:
    assert not stage.director.drain("west")
    stage.director.drain("south")
    stage.rounds(2)
    stage.director.drain("south", undo=True)
    assert stage.director.members["south"].state is NodeState.UP


def test_a_new_director_adopts_what_runs_and_moves_nothing(stage: Stage) -> None:
    before = {c: n for shard in stage.shards.values() for c, n in shard.held.items()}
    stage.director = Director(stage.setup, stage.memory, stage.clock)
    stage.rounds(6)
    after = {c: n for shard in stage.shards.values() for c, n in shard.held.items()}
    assert after == before
    assert not list(stage.director.movements)


def test_a_director_that_dies_in_the_middle_of_a_move_leaves_no_camera_behind(
    stage: Stage,
) -> None:
    stage.director.drain("south")
    for _ in range(3):
        stage.rounds(0.5)
        stage.director = Director(stage.setup, stage.memory, stage.clock)
    stage.rounds(8)
    assert len(stage.holders()) == 6
    assert set(stage.holders().values()) == {"north"}


def test_a_camera_for_which_a_server_lacks_the_login_goes_to_another(stage: Stage) -> None:
    victim = next(iter(stage.shards["south"].held))
    stage.shards["south"].lacks = {victim: "credential file is not there"}
    stage.rounds(1)
    stage.shards["south"].lacks = {}
    stage.rounds(4)
    assert stage.holders()[victim] == "north"
    view = picture(stage.director, stage.clock)
    assert [alarm.kind for alarm in view.alarms] == ["credential_missing"]


def test_a_daemon_that_starts_again_soon_keeps_its_cameras(stage: Stage) -> None:
    before = stage.holders()
    stage.shards["south"].ready = False
    stage.rounds(6)
    stage.shards["south"].ready = True
    stage.rounds(2)
    assert stage.holders() == before


def test_a_daemon_that_does_not_start_loses_them(stage: Stage) -> None:
    stage.shards["south"].ready = False
    stage.rounds(20)
    assert set(stage.holders().values()) == {"north"}


def test_a_camera_taken_out_of_the_file_ends_and_a_new_one_begins(stage: Stage) -> None:
    stage.setup = fleet(7, ("north", "south"))
    cameras = stage.setup.cameras[1:]
    stage.director.configure(FleetSetup({"version": 1}, stage.setup.shards, cameras, 2.0, 1.0))
    stage.rounds(3)
    assert stage.holders().keys() == {f"cam{n}" for n in range(1, 7)}


def test_where_room_is_short_some_are_parked_and_come_back_with_room(stage: Stage) -> None:
    for shard in stage.shards.values():
        shard.cores = 0.3  # room for two guessed cameras each
    stage.director = Director(stage.setup, Memory(), stage.clock)
    for shard in stage.shards.values():
        shard.held = {}
    stage.rounds(4)
    view = picture(stage.director, stage.clock)
    parked = [c for c in view.cameras if c.placement is Placement.PARKED]
    assert len(parked) == 2
    assert all("cores for decoding" in c.reason and c.fps == 0 for c in parked)
    for shard in stage.shards.values():
        shard.cores = 10.0
    stage.rounds(8)
    assert stage.placements() == {Placement.RUNNING}


def test_lasting_overload_moves_cameras_and_a_short_one_does_not(stage: Stage) -> None:
    north = stage.shards["north"]
    north.cores = 2.0
    for _ in range(40):
        for camera in north.held:
            north.decode_s[camera] = north.decode_s.get(camera, 0.0) + 0.4  # 0.8 cores each
        stage.rounds(0.5)
    assert len(north.held) == 3, "not sustained yet"
    for _ in range(60):
        for camera in north.held:
            north.decode_s[camera] = north.decode_s.get(camera, 0.0) + 0.4
        stage.rounds(0.5)
    assert len(north.held) < 3
    assert stage.director.movements.counts[Cause.OVERLOAD] >= 1


def test_rebalancing_evens_out_after_a_loss(stage: Stage) -> None:
    stage.silent = {"south"}
    stage.rounds(5)
    stage.silent = set()
    stage.rounds(3)
    assert stage.director.rebalance() == 3
    stage.rounds(3)
    assert [len(shard.held) for shard in stage.shards.values()] == [3, 3]
    assert stage.director.movements.counts[Cause.REBALANCE] == 3


def test_after_leases_were_shortened_a_new_director_waits_for_the_long_ones(
    stage: Stage,
) -> None:
    stage.director.configure(replace(stage.setup, lease_s=8.0))
    stage.rounds(1)
    stage.director.configure(stage.setup)
    assert stage.memory.longest_lease_s == 8.0
    again = Director(stage.setup, stage.memory, stage.clock)
    assert not again.book.settled(stage.clock.now_s() + 9.0)
    assert again.book.settled(stage.clock.now_s() + 10.0)
    stage.rounds(11)
    assert stage.memory.longest_lease_s == 2.0, "and then they are forgotten"


def test_a_step_of_the_wall_clock_changes_nothing(stage: Stage) -> None:
    before = {c: n for shard in stage.shards.values() for c, n in shard.held.items()}
    for step_s in (86_400.0, -86_400.0):
        stage.clock.wall_ahead_s = step_s
        stage.rounds(5)
    assert {c: n for shard in stage.shards.values() for c, n in shard.held.items()} == before


def test_a_shard_that_is_none_of_the_fleet_gets_nothing(stage: Stage) -> None:
    stranger = FakeShard("west", stage.clock)
    assert stage.director.report(stranger.report()).grants == {}


def test_a_report_that_was_overtaken_changes_nothing(stage: Stage) -> None:
    south = stage.shards["south"]
    old = south.report()
    south.obey(stage.director.report(south.report()))
    assert stage.director.report(old).grants == {}
    assert len(south.held) == 3


class Walked(dict[str, Track]):
    """Counts how often all of them are looked at."""

    walks = 0

    def items(self) -> ItemsView[str, Track]:
        self.walks += 1
        return super().items()


def test_reports_without_news_do_not_make_the_director_look_at_every_camera(
    stage: Stage,
) -> None:
    tracks = stage.director.tracks = Walked(stage.director.tracks)
    for _ in range(5):
        for shard in stage.shards.values():
            shard.obey(stage.director.report(shard.report()))
        stage.clock.advance(0.5)
    assert tracks.walks <= 2, "costs are looked at now and then"
    stage.director.drain("south")
    stage.rounds(2)
    assert tracks.walks > 2
    assert set(stage.holders().values()) == {"north"}
