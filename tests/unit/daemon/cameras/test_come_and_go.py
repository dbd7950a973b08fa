"""Cameras come, go and come back while all of them deliver: the laws hold for any order of it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import given, settings
from hypothesis import strategies as st

from config.camera import CameraConfig
from daemon.answers.publisher import Publisher
from daemon.cameras.crew import Crew
from daemon.clock import SystemClock
from daemon.pipeline.policy import BatchPolicy
from daemon.pipeline.slot import Slot, SlotBoard
from daemon.pipeline.threads import Pipeline, PipelineSetup
from daemon.seats.roster import Roster
from daemon.seats.rules import CameraRules
from daemon.seats.seat import Numbers, Seat
from detector.letterbox import InputSpec
from sinks.envelope import Envelope
from sinks.messages import DetectionMessage
from tests.support.fakes import SPEC, FakeDetector, frame, seat_of
from tests.support.pipeline_rig import Notes
from tests.support.waiting import PATIENCE_S, until

NAMES = ("gate", "yard", "door")
FRAME_S = 0.0005
Present = dict[str, str]  # name: transport, as another one restarts a camera


class Filming:
    """A camera's thread that delivers as fast as it is taken, and some more."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._film)
        self.offered = 0

    def start(self) -> None:
        self._thread.start()

    def use_input(self, spec: InputSpec) -> None:
        raise AssertionError("the input did not change")

    def request_stop(self) -> None:
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _film(self) -> None:
        clock = SystemClock()
        while not self._stopping.wait(FRAME_S):
            self._slot.put(frame(self._slot.seat, clock.now_s()))
            self.offered += 1


class Station:
    """Roster, slots, pipeline and publisher, all real; `seats` are all that there ever were."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.slots = SlotBoard()
        policy = BatchPolicy(max_batch=2, max_delay_s=0.001)
        self.seats: list[Seat] = []
        self.threads: dict[Seat, list[Filming]] = defaultdict(list)
        self.said: list[DetectionMessage] = []
        self.roster = Roster(self._seat)
        self.crew = Crew(
            self.roster,
            self.slots,
            policy,
            input_spec=SPEC,
            open_worker=self._open,
            clock=self.clock,
        )
        self.pipeline = Pipeline(
            PipelineSetup(FakeDetector(2), max_delay_s=0.001, max_age_s=0.5),
            self.slots,
            policy,
            publish=Publisher(self._say, epoch="9f3c", node="lodge", clock=self.clock).result,
            observer=Notes(),
            clock=self.clock,
        )

    def use(self, present: Present) -> None:
        cameras = {
            name: CameraConfig(url="rtsp://h/", transport=transport)
            for name, transport in present.items()
        }
        self.crew.use(cameras, score_threshold=0.4)

    def _say(self, envelope: Envelope) -> None:
        assert isinstance(envelope.message, DetectionMessage)
        self.said.append(envelope.message)

    def _seat(
        self, name: str, config: CameraConfig, *, rules: CameraRules, numbers: Numbers
    ) -> Seat:
        seat = seat_of(name, config, clock=self.clock, numbers=numbers)
        self.seats.append(seat)
        return seat

    def _open(self, seat: Seat, slot: Slot, _input_spec: InputSpec) -> Filming:
        self.threads[seat].append(Filming(slot))
        return self.threads[seat][-1]


@contextmanager
def station() -> Iterator[Station]:
    """It is stopped at the end, in the order of the daemon."""
    here = Station()
    here.pipeline.start()
    try:
        yield here
    finally:
        stopped = here.crew.stop(PATIENCE_S), here.pipeline.stop(PATIENCE_S)
    assert stopped == (True, True)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from(("tcp", "udp"))),
        min_size=2,
        max_size=8,
    )
)
@settings(max_examples=15, deadline=None)
def test_laws_hold_while_cameras_come_and_go_under_load(days: list[Present]) -> None:
    with station() as here:
        for present in days:
            here.use(present)
            begun = len(here.said)
            until(lambda begun=begun, present=present: heard(here, begun) >= present.keys())
            assert heard(here, begun) == present.keys(), "a camera that left was heard"
    for seat in here.seats:
        page = seat.ledger.page()
        assert page.balanced
        assert page.in_flight == 0
        assert page.captured == sum(thread.offered for thread in here.threads[seat])
    for name in NAMES:
        numbers = [message.seq for message in here.said if message.camera == name]
        assert numbers == list(range(1, len(numbers) + 1)), "seq has a gap, or a number twice"
    answered = sum(seat.ledger.page().inferred for seat in here.seats)
    stayed = [seat for seat in here.seats if seat is here.roster.get(seat.name)]
    assert len(here.said) <= answered
    if len(stayed) == len(here.seats):
        assert len(here.said) == answered, "nobody left, and an answer was not published"


def heard(here: Station, begun: int) -> set[str]:
    return {message.camera for message in here.said[begun:]}
