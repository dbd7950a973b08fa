"""Types of command line arguments; argparse makes a message about usage of their errors."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from daemon.moments import wall_ns

_MAX_LABEL_FILE_BYTES = 1024**2


def input_size(text: str) -> int:
    """Side of a network's input in pixels, as `model.input_size` in the configuration."""
    side = _between(64, 2048, text)
    if side % 32:
        msg = f"{text} is not a multiple of 32"
        raise argparse.ArgumentTypeError(msg)
    return side


def batch_size(text: str) -> int:
    return _between(1, 64, text)


def batch_sizes(text: str) -> list[int]:
    """As in 1,4,8."""
    return [batch_size(word) for word in text.split(",")]


def fraction(text: str) -> float:
    """From 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        msg = f"{text} is not from 0 to 1"
        raise argparse.ArgumentTypeError(msg)
    return value


def detection_count(text: str) -> int:
    """As `model.max_detections` in the configuration."""
    return _between(1, 1000, text)


def picture_count(text: str) -> int:
    return _between(1, 400, text)


def seconds(most: float) -> Callable[[str], float]:
    """More than 0 and at most `most`."""

    def parse(text: str) -> float:
        value = float(text)
        if not 0 < value <= most:
            msg = f"must be more than 0 and at most {most:g}"
            raise argparse.ArgumentTypeError(msg)
        return value

    parse.__name__ = "seconds"  # argparse names it where the text is no number
    return parse


def group(text: str) -> tuple[str, tuple[str, ...]]:
    """A name and the labels that it stands for, as in vehicle=car,bus,truck."""
    name, _, members = text.partition("=")
    of = tuple(member.strip() for member in members.split(",") if member.strip())
    if not name.strip() or not of:
        msg = f"{text} is not like vehicle=car,bus,truck"
        raise argparse.ArgumentTypeError(msg)
    return name.strip(), of


def labels(text: str) -> tuple[str, ...]:
    """From a file with one label per line, or from a list with commas."""
    path = Path(text)
    lines = _text(path).splitlines() if _is_file(path) else text.split(",")
    return tuple(line.strip() for line in lines if line.strip())


def moment(text: str) -> int:
    """A time in ISO 8601, UTC where it names no zone, in ns."""
    try:
        return wall_ns(text)
    except (ValueError, OverflowError):
        msg = f"{text} is not a time as in 2026-11-26 or 2026-11-26T01:30:00Z"
        raise argparse.ArgumentTypeError(msg) from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a list that is too long, or too odd, for the name of a file
        return False


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_LABEL_FILE_BYTES).decode()
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise argparse.ArgumentTypeError(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{path} is not text in UTF-8: byte {error.start}"
        raise argparse.ArgumentTypeError(msg) from None


def _between(least: int, most: int, text: str) -> int:
    number = _whole(text)
    if not least <= number <= most:
        msg = f"{text} is not from {least} to {most}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        msg = f"{text} is not a whole number"
        raise argparse.ArgumentTypeError(msg) from None
