"""Until the first keyframe, what comes is neither silence nor damage; and that has a bound."""

from __future__ import annotations

from typing import cast

import pytest
from av.packet import Packet
from av.video.stream import VideoStream

from daemon.capture.errors import CaptureError
from daemon.capture.onset import Onset


def packet(*, key: bool) -> Packet[VideoStream]:
    made = cast("Packet[VideoStream]", Packet(b"x"))
    made.is_keyframe = key
    return made


def test_pictures_before_the_first_keyframe_are_waited_with() -> None:
    onset = Onset(100.0, 60.0, live=True)
    assert onset.waits(packet(key=False), 159.0)
    assert not onset.waits(packet(key=True), 159.5)
    assert not onset.waits(packet(key=False), 500.0)


def test_a_wait_without_end_is_ended() -> None:
    onset = Onset(100.0, 60.0, live=True)
    with pytest.raises(CaptureError, match="no_keyframe: pictures for 60 s, no keyframe"):
        onset.waits(packet(key=False), 160.1)


def test_a_picture_ends_the_wait_whatever_the_packets_say() -> None:
    onset = Onset(100.0, 60.0, live=True)
    onset.picture_came()
    assert not onset.waits(packet(key=False), 200.0)


def test_a_file_is_damaged_where_a_camera_would_be_waited_for() -> None:
    assert not Onset(100.0, 60.0, live=False).waits(packet(key=False), 100.0)
