"""Damage to bytes, by the dice: the same seed damages the same bytes in the same way."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.mutants.recordings import Recording

Damage = Callable[[bytearray, Random], None]

_HEADER = 512
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(recording: Recording, seed: int) -> bytes:
    """The recording with one to four damages."""
    dice = Random(seed)
    if recording.nals and dice.random() < 0.5:
        data = bytearray(recording.joined(_shuffled(list(recording.nals), dice)))
        if dice.random() < 0.5:
            return bytes(data)
    else:
        data = bytearray(recording.content)
    return damaged(data, dice)


def damaged(data: bytearray, dice: Random) -> bytes:
    """One to four damages of any kind."""
    for _ in range(dice.randint(1, 4)):
        if data:
            dice.choice(_DAMAGES)(data, dice)
    return bytes(data)


def _shuffled(nals: list[bytes], dice: Random) -> list[bytes]:
    for _ in range(dice.randint(1, 6)):
        if not nals:
            break
        here, there = dice.randrange(len(nals)), dice.randrange(len(nals))
        match dice.randrange(5):
            case 0:
                nals[here], nals[there] = nals[there], nals[here]
            case 1:
                nals.insert(here, nals[there])
            case 2:
                del nals[here]
            case 3:
                nals[here] = nals[here][: dice.randrange(len(nals[here]) + 1)]
            case _:
                nals[here] = bytes([dice.randrange(256)]) + nals[here][1:]  # another type
    return nals


def _flip_bits(data: bytearray, dice: Random) -> None:
    for _ in range(dice.choice((1, 4, 16, 128))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _flip_header_bits(data: bytearray, dice: Random) -> None:
    for _ in range(dice.choice((1, 4, 16))):
        data[dice.randrange(min(_HEADER, len(data)))] ^= 1 << dice.randrange(8)


def _truncate(data: bytearray, dice: Random) -> None:
    del data[dice.randrange(len(data)) :]


def _cut_out(data: bytearray, dice: Random) -> None:
    begin, end = _span(data, dice)
    del data[begin:end]


def _repeat(data: bytearray, dice: Random) -> None:
    begin, end = _span(data, dice)
    data[end:end] = data[begin:end] * dice.choice((1, 1, 16))


def _noise(data: bytearray, dice: Random) -> None:
    begin, end = _span(data, dice)
    data[begin:end] = dice.randbytes(end - begin)


def _extreme_number(data: bytearray, dice: Random) -> None:
    """Sizes, counts and offsets are 8 to 32 bits long, in either order."""
    size = dice.choice((1, 2, 4))
    at = dice.randrange(len(data))
    number = dice.choice(_EXTREMES) & (1 << 8 * size) - 1
    data[at : at + size] = number.to_bytes(size, dice.choice(("big", "little")))


def _span(data: bytearray, dice: Random) -> tuple[int, int]:
    begin = dice.randrange(len(data))
    return begin, min(len(data), begin + dice.choice((1, 4, 64, 1024)))


_DAMAGES: tuple[Damage, ...] = (
    _flip_bits,
    _flip_header_bits,
    _truncate,
    _cut_out,
    _repeat,
    _noise,
    _extreme_number,
    _extreme_number,
)
