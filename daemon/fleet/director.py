"""Who runs what, decided: a state machine that is told reports and the time. One thread.

Everything that it says goes out as the answer to a report, so it never waits for a shard. What it
must not forget is in its `Memory`; all else it learns again from the next reports.
"""

from __future__ import annotations

import logging
import secrets
from typing import Protocol

from daemon.clock import Clock
from daemon.fleet.costs import Costs
from daemon.fleet.grants import GrantBook
from daemon.fleet.members import Member
from daemon.fleet.movements import Movements
from daemon.fleet.orders import Assignment, Orders, Report
from daemon.fleet.placement import Demand, Place, Placing, balanced, place
from daemon.fleet.planning import demands_of, overloaded, places_of, rooms_of
from daemon.fleet.sections import FleetSetup, assignment
from daemon.fleet.times import Times
from daemon.fleet.tracks import Track
from daemon.fleet.view import Cause, MovementView, NodeState, Placement

TICK_S = 0.2  # between two looks at the time, where reports come closer
REPLAN_S = 5.0  # between two looks at costs, where nothing else changed
START_S = 15.0  # that servers have to become ready before the first cameras are placed
LEAVE_S = 2.0  # for a shard to let a camera go in order

log = logging.getLogger(__name__)


class Memory(Protocol):
    """What outlives the Director; `daemon.fleet.store.Store` in life."""

    @property
    def drained(self) -> frozenset[str]: ...

    @property
    def longest_lease_s(self) -> float:
        """Of those that may be in use."""
        ...

    def next_number(self, above: int) -> int: ...

    def keep_longest_lease(self, lease_s: float) -> None: ...

    def keep_drained(self, nodes: frozenset[str]) -> None: ...


class Director:
    """`report` for each report of a shard, `tick` a few times a second; the rest when asked for."""

    def __init__(self, setup: FleetSetup, memory: Memory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self.term = secrets.token_hex(4)
        self.since_ns = clock.wall_ns()
        self.costs = Costs()
        self.movements = Movements()
        self.members: dict[str, Member] = {}
        self.tracks: dict[str, Track] = {}
        self._started_s = clock.now_s()
        self.times = Times(setup.lease_s)
        before = Times(max(setup.lease_s, memory.longest_lease_s))
        self.book = GrantBook(
            memory.next_number, self.times, self._started_s, settle_s=before.regrant_s
        )
        self._longest_until_s = self._started_s + before.regrant_s  # leases of before may last
        self._replies = 0
        self._adopted = False  # something ran already when this Director began
        self._begun = False  # cameras have been placed; before, all stay where they are
        self._planned_s = self._ticked_s = -REPLAN_S
        self._dirty = True
        self._unsettled = 0  # cameras that are not where they should be
        self._changes = 0  # of who shall run what
        self._advanced: object = None  # the changes that `_advance` has seen
        self.configure(setup)

    def configure(self, setup: FleetSetup) -> None:
        """The file says this now."""
        wall_ns, now_s = self._clock.wall_ns(), self._clock.now_s()
        longest = Times(max(setup.lease_s, self._memory.longest_lease_s, self.times.lease_s))
        self._memory.keep_longest_lease(longest.lease_s)
        self._longest_until_s = max(self._longest_until_s, now_s + longest.regrant_s)
        self.setup = setup
        self.times = Times(setup.lease_s)
        self.book.use(self.times, now_s)
        self.members = {
            shard.name: self.members.get(shard.name) or Member(shard, wall_ns)
            for shard in setup.shards
        }
        for shard in setup.shards:
            self.members[shard.name].setup = shard
        gone = self.tracks.keys() - {camera.name for camera in setup.cameras}
        for name in gone:
            self._moved(self.tracks[name], None, Cause.REMOVED)
            self.book.revoke(name)
        self.tracks = {
            camera.name: self.tracks.get(camera.name) or Track(camera, wall_ns)
            for camera in setup.cameras
        }
        for camera in setup.cameras:
            self.tracks[camera.name].setup = camera
        self._changes += 1
        self.costs.forget_all_but(self.tracks)
        self._apply_drains()
        self._dirty = True

    def report(self, report: Report) -> Orders:
        """A shard says how it is; what it shall do."""
        now_s = self._clock.now_s()
        member = self.members.get(report.shard)
        if member is None or member.is_late(report):
            return Orders(self.term, 0, self.times.lease_s, {})
        if member.reported_s is None and report.held:
            self._adopted = True
        if report.island_s:
            log.info("shard was alone shard=%s for_s=%.1f", report.shard, report.island_s)
        self._dirty |= member.note(report, now_s)
        if member.state is NodeState.LOST:
            member.change(NodeState.UP, self._clock.wall_ns())
            self._apply_drains()
            self._dirty = True
        seen = report.seen if report.term == self.term else 0
        for camera in self.book.report(report.shard, report.held, seen=seen, now_s=now_s):
            self._let_go(camera, report.shard, now_s)
        if not self._begun:
            self._adopt(report.shard)
        self.costs.note(report.shard, report.cameras, report.at_s)
        self._close_gaps(member, now_s)
        if self._dirty or self._unsettled or now_s - self._ticked_s >= TICK_S:
            self.tick()
        return self._orders(member, report, now_s)

    def tick(self) -> None:
        """Look at the time: who is lost, what has lapsed, what can go on."""
        now_s = self._ticked_s = self._clock.now_s()
        for member in self.members.values():
            self._look_after(member, now_s)
        if self._memory.longest_lease_s > self.times.lease_s and now_s >= self._longest_until_s:
            self._memory.keep_longest_lease(self.times.lease_s)
        lapsed = self.book.lapse(now_s)
        for camera in lapsed:
            self._let_go(camera, None, now_s)
        if self._dirty or now_s - self._planned_s >= REPLAN_S:
            self._dirty = False
            self._planned_s = now_s
            self._plan(now_s)
        self._advance(now_s)

    def drain(self, node: str, *, undo: bool = False) -> bool:
        """Let a server's cameras go elsewhere, and none come; False for no server of the fleet."""
        if node not in {member.setup.node for member in self.members.values()}:
            return False
        drained = self._memory.drained
        self._memory.keep_drained(drained - {node} if undo else drained | {node})
        self._apply_drains()
        self._dirty = True
        return True

    def rebalance(self) -> int:
        """Even out the loads; how many cameras move."""
        demands, rooms = self._demands(), rooms_of(self.members.values())
        current = places_of(self.tracks)
        wanted = balanced(demands, rooms, current) if rooms else current
        moving = [camera for camera in wanted if wanted[camera] != current[camera]]
        for camera in moving:
            self._aim(self.tracks[camera], Place(wanted[camera]), Cause.REBALANCE)
        return len(moving)

    def outlook_of(self) -> tuple[list[Demand], list[tuple[str, float, float]], dict[str, str]]:
        """What `vedette fleet plan` counts with: demands, rooms as (node, cores, pictures a
        second), places.
        """
        rooms = [
            (r.node, r.decode_cores, r.pictures_per_s) for r in rooms_of(self.members.values())
        ]
        return self._demands(), rooms, places_of(self.tracks)

    def _adopt(self, shard: str) -> None:
        """What it runs already stays there."""
        for camera in self.book.of(shard):
            if camera in self.tracks:
                self.tracks[camera].target = self.tracks[camera].source = shard
                self._changes += 1

    def _look_after(self, member: Member, now_s: float) -> None:
        silent = member.reported_s is None or now_s - member.reported_s >= self.times.regrant_s
        if silent and member.state is not NodeState.LOST and member.reported_s is not None:
            member.change(NodeState.LOST, self._clock.wall_ns(), "does not report")
            member.ready = False
            log.warning("shard lost shard=%s", member.setup.name)
            self._dirty = True
        if member.state is NodeState.DRAINING and not self._has_cameras(member.setup.name):
            member.change(NodeState.DRAINED, self._clock.wall_ns())

    def _has_cameras(self, shard: str) -> bool:
        aimed = any(track.target == shard for track in self.tracks.values())
        return aimed or bool(self.book.of(shard))

    def _apply_drains(self) -> None:
        drained = self._memory.drained
        for member in self.members.values():
            wanted = member.setup.node in drained
            if wanted and member.state is NodeState.UP:
                member.change(NodeState.DRAINING, self._clock.wall_ns())
            elif not wanted and member.state in (NodeState.DRAINING, NodeState.DRAINED):
                member.change(NodeState.UP, self._clock.wall_ns())

    def _plan(self, now_s: float) -> None:
        if not self._begun and self._waiting(now_s):
            return
        self._begun = True
        demands, current = self._demands(), places_of(self.tracks)
        loose = overloaded(demands, self.members, current, now_s)
        keeping = [member for member in self.members.values() if member.keeps(now_s)]
        placing = place(
            demands,
            [member.room() for member in keeping],
            current,
            loose=loose,
            closed=[member.setup.name for member in keeping if not member.ready],
        )
        self._follow(placing, loose, now_s)

    def _waiting(self, now_s: float) -> bool:
        """Right after a start the first server to be ready would get all cameras."""
        if self._adopted or now_s - self._started_s >= START_S:
            return not self.book.settled(now_s)
        return not all(m.ready or m.state is NodeState.DRAINED for m in self.members.values())

    def _follow(self, placing: Placing, loose: frozenset[str], now_s: float) -> None:
        """Take a placing over."""
        wall_ns = self._clock.wall_ns()
        for name, track in self.tracks.items():
            if not track.setup.enabled:
                track.become(Placement.DISABLED, wall_ns)
                self._aim(track, None, Cause.REMOVED)
            elif name in placing.parked:
                track.become(Placement.PARKED, wall_ns, placing.parked[name])
                self._aim(track, None, Cause.CAPACITY)
            elif name in placing.places:
                here = placing.places[name]
                cause = Cause.OVERLOAD if name in loose else self._why(track)
                self._changes += track.take_share(here.share, now_s)
                self._aim(track, here, cause)

    def _why(self, track: Track) -> Cause:
        if track.target is None:
            return Cause.CAPACITY if track.placement is Placement.PARKED else track.cause
        member = self.members.get(track.target)
        if member is None or member.state is NodeState.LOST:
            return Cause.LOST
        draining = member.state in (NodeState.DRAINING, NodeState.DRAINED)
        return Cause.DRAIN if draining else track.cause

    def _aim(self, track: Track, wanted: Place | None, cause: Cause) -> None:
        target = wanted.node if wanted else None
        if track.target != target:
            track.target, track.cause, track.leaving_s = target, cause, None
            self._changes += 1

    def _advance(self, now_s: float) -> None:
        """Take every camera that is not where it should be a step further."""
        if not self._begun or (not self._unsettled and self._advanced == self._as_of()):
            return
        wall_ns = self._clock.wall_ns()
        self._unsettled = 0
        for name, track in self.tracks.items():
            held = self.book.holder(name)
            if held is not None and held.shard == track.target and not held.revoked:
                reduced = track.share < 1.0
                kind = Placement.REDUCED if reduced else Placement.RUNNING
                track.become(kind, wall_ns, "room is short" if reduced else "")
                continue
            self._unsettled += held is not None or track.target is not None
            if held is not None:
                self._part(name, track, held.shard, now_s)
            elif track.target is not None:
                self._give(name, track, now_s)
        self._advanced = self._as_of()

    def _part(self, name: str, track: Track, shard: str, now_s: float) -> None:
        """The camera shall leave its shard: in order if the next one is ready for it."""
        member, target = self.members.get(shard), self.members.get(track.target or "")
        if member is None or not member.serving or (target is not None and not target.usable):
            return  # it lapses by itself, or waits for the target
        if target is not None and not target.has_taken_up(name):
            return
        if track.leaving_s is None:
            track.leaving_s = now_s
            self._changes += 1
        elif now_s - track.leaving_s >= LEAVE_S:
            self.book.revoke(name)

    def _give(self, name: str, track: Track, now_s: float) -> None:
        target = self.members.get(track.target or "")
        if target is None or not target.usable:
            return
        number = self.book.give(name, target.setup.name, now_s)
        if number is None:
            return
        if track.source == target.setup.name and track.cause is not Cause.CAPACITY:
            return  # back where it was: nothing moved
        self._moved(track, number, track.cause)

    def _moved(self, track: Track, number: int | None, cause: Cause) -> None:
        target = None if cause is Cause.REMOVED else track.target
        self.movements.add(
            MovementView(
                self._clock.wall_ns(), track.setup.name, track.source, target, number, cause
            )
        )

    def _let_go(self, camera: str, shard: str | None, now_s: float) -> None:
        """Nobody speaks for it from now on, or since a lease ago."""
        track = self.tracks.get(camera)
        if track is None:
            self.book.forget([camera])
            return
        track.silent_s = now_s if shard else now_s - self.times.regrant_s
        track.source = shard or track.source
        track.leaving_s = None
        wall_ns = self._clock.wall_ns()
        if track.placement in (Placement.RUNNING, Placement.REDUCED):
            track.become(Placement.MOVING, wall_ns, "waits for its next server")
        if track.target is None and track.placement is Placement.PARKED:
            self._moved(track, None, Cause.CAPACITY)
        self._dirty = True

    def _close_gaps(self, member: Member, now_s: float) -> None:
        """A camera that went there is answered again."""
        for camera in self.book.of(member.setup.name):
            track, facts = self.tracks.get(camera), member.facts.get(camera)
            if track is None or facts is None or facts.state not in ("streaming", "tampered"):
                continue
            track.source = member.setup.name
            if track.silent_s is None or not facts.pictures:
                continue
            self.movements.answered(camera, now_s - track.silent_s)
            track.silent_s = None

    def _orders(self, member: Member, report: Report, now_s: float) -> Orders:
        self._replies += 1
        shard = member.setup.name
        grants = self.book.renewed(shard, reply=self._replies, now_s=now_s)
        given = self._assignment(member)
        leaving = tuple(c for c in grants if c in member.leaving)
        return Orders(
            self.term,
            self._replies,
            self.times.lease_s,
            grants,
            leaving,
            given if given.revision != report.revision else None,
            hurry=bool(leaving) or bool(member.aimed.keys() - grants.keys()),
        )

    def _is_leaving(self, camera: str, shard: str) -> bool:
        track = self.tracks.get(camera)
        return track is None or (track.target != shard and track.leaving_s is not None)

    def _as_of(self) -> object:
        """Unequal to what it was once anything changed in who has what, or shall have it."""
        return self._changes, self.book.changes

    def _assignment(self, member: Member) -> Assignment:
        """The cameras that it has and those that it shall have; looked up only where anything has
        changed, and made anew only where that was for this one.
        """
        if member.assignment is not None and member.as_of == self._as_of():
            return member.assignment
        shard, has = member.setup.name, self.book.of(member.setup.name)
        member.as_of = self._as_of()
        member.leaving = frozenset(camera for camera in has if self._is_leaving(camera, shard))
        member.aimed = {c: track.share for c, track in self.tracks.items() if track.target == shard}
        shares = member.aimed | {c: self.tracks[c].share for c in has if c in self.tracks}
        made_of = (self.setup, member.setup, shares)
        if member.assignment is None or member.made_of != made_of:
            member.assignment = assignment(self.setup, member.setup, shares)
            member.made_of = made_of
        return member.assignment

    def _demands(self) -> list[Demand]:
        tracks = self.tracks.values()
        return demands_of(tracks, self.members, self.costs, self.setup.least_fps)
