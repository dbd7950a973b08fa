"""Messages as the publisher makes them, and what the live page is shown."""

from __future__ import annotations

import threading
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from msgspec import UNSET

from daemon.answers.publisher import Publisher
from daemon.books.states import CameraState, CameraStatus, StreamInfo
from daemon.pipeline.threads import Result, Timing
from daemon.seats.counting import Uncounted
from daemon.seats.permit import Permit
from daemon.seats.sight import Sight
from detector.detections import Detections
from sinks.envelope import Envelope
from sinks.messages import (
    CameraBeat,
    Detection,
    DetectionMessage,
    HeartbeatMessage,
    Message,
    StatusMessage,
    Stream,
    encoder,
)
from tests.support.fakes import (
    FakeClock,
    FakeDetector,
    camera_config,
    frame,
    one_box,
    rules_of,
    seat_of,
)
from tests.support.waiting import PATIENCE_S

TIMING = Timing(taken_s=100.002, dispatched_s=100.003, answered_s=100.025)
STREAM = StreamInfo("h264", 1920, 1080, 25.0, "tcp", "software")


class Labels(Uncounted):
    """What metrics would have heard of one camera's answers."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, int]] = []

    def count_detections(self, label: str, n: int) -> None:
        self.counted.append((label, n))


class Desk:
    """A publisher of two cameras; keeps what it puts and counts."""

    def __init__(self) -> None:
        self.clock = FakeClock(100.03)
        self.put: list[Envelope] = []
        self.publisher = Publisher(self.put.append, epoch="9f3c", node="lodge", clock=self.clock)
        self.counts = {name: Labels() for name in ("gate", "yard")}
        self.seats = {name: seat_of(name, counts=counts) for name, counts in self.counts.items()}

    def answer(
        self,
        camera: str,
        found: Detections | None,
        *,
        error: str | None = None,
        by: FakeDetector | None = None,
    ) -> Result:
        """Publish it."""
        shot = frame(self.seats[camera], 100.0)
        result = Result(by or FakeDetector(), shot, found, error, TIMING)
        self.publisher.result(result)
        return result

    def use_rules(self, camera: str, **objects: object) -> None:
        config = camera_config(objects=objects)
        self.seats[camera].retune(config, rules_of(config))

    def sight(self, camera: str) -> Sight | None:
        return self.seats[camera].sight

    def messages(self) -> list[Message]:
        return [envelope.message for envelope in self.put]

    def last(self) -> Message:
        return self.put[-1].message


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_answer_says_what_was_seen_where_and_when(desk: Desk) -> None:
    desk.answer("gate", one_box(0.91))
    (envelope,) = desk.put
    message = envelope.message
    assert isinstance(message, DetectionMessage)
    assert envelope.captured_s == 100.0, "sinks measure the total latency from it"
    assert (message.epoch, message.camera, message.seq, message.status) == ("9f3c", "gate", 1, "ok")
    assert (message.captured_ns, message.time_source, message.pts_s) == (
        100_000_000_000,
        "wallclock",
        100.0,
    )
    assert (message.size, message.model) == ((64, 48), "fake")
    assert message.latency_ms.queue == pytest.approx(3.0)
    assert message.latency_ms.infer == pytest.approx(22.0)
    assert message.error is UNSET
    assert message.detections == (Detection("person", 0, 0.91, (8.0, 6.0, 24.0, 36.0)),)


def test_numbers_are_rounded_and_of_a_kind_that_can_be_encoded(desk: Desk) -> None:
    found = Detections(
        np.array([[812.449, 301.04, 905.66, 588.25]], np.float32),
        np.array([0.912345], np.float32),
        np.array([1], np.int32),
    )
    desk.answer("gate", found)
    message = desk.last()
    assert isinstance(message, DetectionMessage)
    assert message.detections == (Detection("car", 1, 0.9123, (812.4, 301.0, 905.7, 588.2)),)
    for encoding in ("json", "msgpack"):
        assert encoder(encoding)(message)  # type: ignore[arg-type]


def test_seq_rises_by_one_per_message_of_a_camera_errors_included(desk: Desk) -> None:
    for camera, found in (("gate", one_box()), ("yard", None), ("gate", None), ("gate", one_box())):
        desk.answer(camera, found, error=None if found else "oom")
    seqs = [(m.camera, m.seq) for m in desk.messages() if isinstance(m, DetectionMessage)]
    assert seqs == [("gate", 1), ("yard", 1), ("gate", 2), ("gate", 3)]
    assert [seat.numbers.seq for seat in desk.seats.values()] == [3, 1]


def test_seq_goes_on_when_a_camera_is_given_new_rules(desk: Desk) -> None:
    desk.answer("gate", one_box())
    desk.use_rules("gate", labels=["car"])
    desk.answer("gate", one_box())
    message = desk.last()
    assert isinstance(message, DetectionMessage)
    assert (message.seq, message.detections) == (2, ())


def test_no_answer_is_told_apart_from_no_objects(desk: Desk) -> None:
    desk.answer("gate", None, error="oom")
    desk.answer("gate", Detections.none())
    failed, empty = desk.messages()
    assert isinstance(failed, DetectionMessage)
    assert isinstance(empty, DetectionMessage)
    assert (failed.status, failed.error, failed.detections) == ("error", "oom", ())
    assert (empty.status, empty.error, empty.detections) == ("ok", UNSET, ())
    assert b"error" not in msgspec.json.encode(empty)


def test_only_what_the_rules_leave_is_published_shown_and_counted(desk: Desk) -> None:
    desk.use_rules("gate", labels=["car"])
    found = Detections(
        np.array([[0, 0, 8, 8], [8, 8, 16, 16], [0, 8, 8, 16]], np.float32),
        np.array([0.9, 0.8, 0.7], np.float32),
        np.array([0, 1, 1], np.int32),
    )
    desk.answer("gate", found)
    message, sight = desk.last(), desk.sight("gate")
    assert isinstance(message, DetectionMessage)
    assert sight is not None
    assert [d.label for d in message.detections] == ["car", "car"]
    assert sight.detections.class_id.tolist() == [1, 1]
    assert desk.counts["gate"].counted == [("car", 2)]


def test_every_label_is_counted_once_per_message(desk: Desk) -> None:
    found = Detections(
        np.zeros((3, 4), np.float32),
        np.array([0.9, 0.8, 0.7], np.float32),
        np.array([0, 1, 0], np.int32),
    )
    desk.answer("yard", found)
    assert desk.counts["yard"].counted == [("person", 2), ("car", 1)]


def test_name_and_labels_are_those_of_the_model_that_answered(desk: Desk) -> None:
    other = FakeDetector()
    other.name, other.labels = "other", ("bird", "boat")
    for detector in (FakeDetector(), other, FakeDetector()):
        desk.answer("gate", one_box(), by=detector)
    named = [
        (m.model, m.detections[0].label) for m in desk.messages() if isinstance(m, DetectionMessage)
    ]
    assert named == [("fake", "person"), ("other", "bird"), ("fake", "person")]
    sight = desk.sight("gate")
    assert sight is not None
    assert sight.labels == ("person", "car")


def test_rules_are_by_label_whatever_its_number_in_the_model(desk: Desk) -> None:
    desk.use_rules("gate", labels=["car"])
    turned = FakeDetector()
    turned.labels = ("car", "person")
    for detector in (FakeDetector(), turned):
        desk.answer("gate", one_box(class_id=0), by=detector)
    kept = [len(m.detections) for m in desk.messages() if isinstance(m, DetectionMessage)]
    assert kept == [0, 1]


def test_an_answer_that_comes_after_its_camera_left_is_not_published(desk: Desk) -> None:
    desk.seats["gate"].leave()
    desk.answer("gate", one_box())
    assert desk.put == []
    assert desk.sight("gate") is None
    assert desk.counts["gate"].counted == []


def test_a_camera_that_leaves_waits_for_the_answer_that_is_being_published(desk: Desk) -> None:
    leaving = threading.Thread(target=desk.seats["gate"].leave)

    def put(envelope: Envelope) -> None:
        leaving.start()
        leaving.join(0.01)
        assert leaving.is_alive(), "it has left, and a message of it is still to come"
        desk.put.append(envelope)

    desk.publisher = Publisher(put, epoch="9f3c", node="lodge", clock=desk.clock)
    desk.answer("gate", one_box())
    leaving.join(PATIENCE_S)
    desk.answer("gate", one_box())
    assert len(desk.put) == 1


def test_a_camera_that_comes_back_goes_on_counting(desk: Desk) -> None:
    desk.answer("gate", one_box())
    before = desk.seats["gate"]
    before.leave()
    desk.seats["gate"] = seat_of("gate", numbers=before.numbers)
    desk.answer("gate", one_box())
    assert [m.seq for m in desk.messages() if isinstance(m, DetectionMessage)] == [1, 2]


def test_whoever_sends_a_message_first_says_how_old_its_picture_is(desk: Desk) -> None:
    desk.answer("gate", one_box())
    assert desk.put[0].on_sent == desk.counts["gate"].observe_published


def test_a_status_says_when_it_began_and_what_the_stream_is(desk: Desk) -> None:
    desk.clock.advance(2.0)
    wall_ns = desk.clock.wall_ns()
    status = CameraStatus(
        "gate", CameraState.STREAMING, since_s=desk.clock.now_s() - 0.5, stream=STREAM
    )
    desk.publisher.status(status)
    assert desk.put == [
        Envelope(
            StatusMessage(
                epoch="9f3c",
                node="lodge",
                camera="gate",
                state="streaming",
                reason="",
                since_ns=wall_ns - 500_000_000,
                stream=Stream("h264", 1920, 1080, 25.0, "tcp", "software"),
                retry_s=None,
            )
        )
    ]


def test_a_wait_is_told_with_its_reason_and_only_while_it_runs(desk: Desk) -> None:
    status = CameraStatus("gate", CameraState.BACKOFF, "timeout", 100.03, retry_s=4.0)
    desk.publisher.status(status)
    desk.publisher.status(replace(status, state=CameraState.CONNECTING))
    waiting, connecting = desk.messages()
    assert isinstance(waiting, StatusMessage)
    assert isinstance(connecting, StatusMessage)
    assert (waiting.state, waiting.reason, waiting.retry_s) == ("backoff", "timeout", 4.0)
    assert (waiting.stream, connecting.retry_s) == (None, None)


def test_a_heartbeat_tells_ages_and_how_far_each_sequence_has_come(desk: Desk) -> None:
    desk.answer("gate", one_box())
    seats = [desk.seats["gate"], desk.seats["yard"], seat_of("spare"), seat_of("late")]
    for seat, state in zip(seats, ("streaming", "connecting", "disabled", "stalled"), strict=True):
        seat.status.change(CameraState(state))
    seats[0].status.frame_arrived(99.98, 1)
    seats[3].status.frame_arrived(100.04, 1)
    desk.publisher.heartbeat(seats, ready=True)
    assert desk.last() == HeartbeatMessage(
        epoch="9f3c",
        node="lodge",
        ready=True,
        cameras={
            "gate": CameraBeat("streaming", 1, 0.05),
            "yard": CameraBeat("connecting", 0, None),
            "spare": CameraBeat("disabled", 0, None),
            "late": CameraBeat("stalled", 0, 0.0),  # arrived after the clock was read
        },
    )


def test_a_heartbeat_says_when_the_daemon_is_not_ready(desk: Desk) -> None:
    desk.publisher.heartbeat([], ready=False)
    assert desk.last() == HeartbeatMessage(epoch="9f3c", node="lodge", ready=False, cameras={})


def test_the_live_page_is_shown_the_frame_that_was_judged(desk: Desk) -> None:
    result = desk.answer("gate", one_box())
    sight = desk.sight("gate")
    assert sight is not None
    assert sight.picture is result.frame.picture
    assert (sight.source_wh, sight.number) == ((64, 48), 1)
    assert (sight.captured_s, sight.captured_ns, sight.inferred_s) == (
        100.0,
        100_000_000_000,
        100.025,
    )


def test_a_frame_without_an_answer_is_not_shown(desk: Desk) -> None:
    desk.answer("gate", one_box())
    desk.answer("gate", None, error="oom")
    sight = desk.sight("gate")
    assert sight is not None
    assert sight.number == 1
    assert desk.sight("yard") is None


def test_every_message_of_a_camera_bears_the_grant_it_was_made_under(desk: Desk) -> None:
    seat = desk.seats["gate"]
    seat.licence.permit = Permit(17, desk.clock.now_s() + 2.0)
    desk.answer("gate", one_box())
    desk.publisher.status(seat.status.now(), seat.permit)
    grants = [getattr(message, "grant", None) for message in desk.messages()]
    assert grants
    assert set(grants) == {17}


def test_a_single_daemon_says_nothing_of_grants(desk: Desk) -> None:
    desk.answer("gate", one_box())
    assert b"grant" not in encoder("json")(desk.last())


def test_past_its_grant_nothing_is_said_of_a_camera_and_no_number_is_used_up(desk: Desk) -> None:
    seat = desk.seats["gate"]
    seat.licence.permit = Permit(17, desk.clock.now_s() + 2.0)
    desk.answer("gate", one_box())
    before = len(desk.put)
    desk.clock.advance(2.0)
    desk.answer("gate", one_box())
    desk.publisher.status(seat.status.now(), seat.permit)
    desk.publisher.pass_time([seat])
    desk.publisher.heartbeat(desk.seats.values(), ready=True)
    beat = desk.last()
    assert isinstance(beat, HeartbeatMessage)
    assert list(beat.cameras) == ["yard"]
    assert len(desk.put) == before + 1
    assert desk.publisher.greetings([seat]) == []
    assert seat.numbers.seq == 1


def test_what_was_made_under_a_grant_is_not_sent_under_the_next_one(desk: Desk) -> None:
    seat = desk.seats["gate"]
    first = seat.licence.permit = Permit(17, desk.clock.now_s() + 2.0)
    desk.answer("gate", one_box())
    first.end()
    seat.licence.permit = Permit(19, desk.clock.now_s() + 2.0)
    assert not desk.put[0].may_be_sent(desk.clock.now_s())
