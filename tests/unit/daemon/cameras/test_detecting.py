"""Detection of a camera is paused and resumed by whoever asks, from any thread."""

from __future__ import annotations

import logging

import pytest

from daemon.cameras.detecting import SwitchError
from tests.support.fakes import camera_config
from tests.support.switching import Switchboard


@pytest.fixture
def board() -> Switchboard:
    return Switchboard(gate=camera_config(), off=camera_config(enabled=False))


def test_a_camera_is_paused_at_once_and_the_main_thread_is_woken(
    board: Switchboard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert board.switch.is_on("gate")
    board.switch.turn("gate", on=False, by="http")
    assert not board.switch.is_on("gate")
    assert board.woken == 1
    assert "detection paused camera=gate by=http" in caplog.text
    board.switch.turn("gate", on=True, by="mqtt")
    assert board.switch.is_on("gate")
    assert board.woken == 2
    assert "detection resumed camera=gate by=mqtt" in caplog.text


def test_to_ask_for_what_is_so_already_does_nothing(board: Switchboard) -> None:
    board.switch.turn("gate", on=True, by="http")
    board.switch.turn("gate", on=False, by="http")
    board.switch.turn("gate", on=False, by="http")
    assert board.woken == 1


def test_a_camera_that_the_file_turned_off_stays_so(board: Switchboard) -> None:
    with pytest.raises(SwitchError, match="enabled: false"):
        board.switch.turn("off", on=True, by="http")
    assert not board.switch.is_on("off")
    assert board.woken == 0


def test_a_camera_that_is_not_there_is_named_so(board: Switchboard) -> None:
    with pytest.raises(SwitchError, match="no camera of this name"):
        board.switch.turn("nobody", on=False, by="mqtt")
    assert not board.switch.is_on("nobody")
