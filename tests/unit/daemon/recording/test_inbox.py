"""The recorder's queue is bounded, and pictures make room before events do."""

from __future__ import annotations

from config.camera import RecordConfig
from daemon.recording.inbox import Inbox, Moment
from daemon.recording.tray import Tray
from sinks.messages import DetectionMessage
from tests.support.fakes import frame, one_box, sight_of
from tests.support.messages import detection

TRAY = Tray("gate", RecordConfig())


def moment(seq: int, *, is_event: bool = False) -> Moment:
    sight = sight_of(frame("gate", 1.0), one_box())
    message = detection("gate", seq).message
    assert isinstance(message, DetectionMessage)
    return Moment(TRAY, sight, message, is_event)


def taken(inbox: Inbox) -> list[int]:
    return [inbox.get(0.0).message.seq for _ in range(len(inbox))]  # type: ignore[union-attr]


def test_moments_come_out_in_their_order() -> None:
    inbox = Inbox(4)
    for seq in (1, 2, 3):
        assert inbox.put(moment(seq)) is None
    assert taken(inbox) == [1, 2, 3]
    assert inbox.get(0.0) is None


def test_the_oldest_picture_makes_room_and_events_stay() -> None:
    inbox = Inbox(3)
    dropped = [inbox.put(moment(seq, is_event=seq in (1, 4, 5, 6))) for seq in range(1, 7)]
    assert [one and one.message.seq for one in dropped] == [None, None, None, 2, 3, 1]
    assert taken(inbox) == [4, 5, 6]


def test_what_is_thrown_away_is_told() -> None:
    inbox = Inbox()
    inbox.put(moment(1))
    inbox.put(moment(2))
    assert [one.message.seq for one in inbox.clear()] == [1, 2]
    assert len(inbox) == 0
