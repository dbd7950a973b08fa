"""Which of a camera's streams the detector should look at, and why. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from daemon.discovery.camera import Stream

SIDE = 512  # pixels: the input of the bundled detector, into which the longer side is scaled
_RANK = {"H264": 0, "H265": 1, "HEVC": 1, "MPEG4": 2, "JPEG": 3}
_UNKNOWN = 4
_USUAL_FPS = 5.0


def choose(streams: Sequence[Stream]) -> tuple[Stream, str] | None:
    """The smallest whose longer side fills the detector's input; None where none has a URL."""
    usable = [stream for stream in streams if stream.url]
    if not usable:
        return None
    if len(usable) == 1:
        return usable[0], "it is the only one"
    enough = [stream for stream in usable if max(stream.width, stream.height) >= SIDE]
    if enough:
        best = min(enough, key=lambda s: (s.pixels, _RANK.get(s.codec, _UNKNOWN)))
        return best, "; ".join([_why(best, usable), *_notes(best)])
    if not any(stream.pixels for stream in usable):
        return usable[-1], "sizes are not told; cameras list their smaller streams last"
    best = max(usable, key=lambda s: s.pixels)
    why = f"it is the largest, and smaller than the detector's {SIDE}×{SIDE}"
    return best, "; ".join([why, *_notes(best)])


def _why(best: Stream, usable: Sequence[Stream]) -> str:
    largest = max(usable, key=lambda s: s.pixels)
    if largest.pixels == best.pixels:
        return "there is no smaller one"
    factor = largest.pixels / best.pixels
    why = f"{largest.name} has {factor:.1f} times the pixels to decode, and the detector sees"
    return f"{why} {SIDE}×{SIDE} of either"


def _notes(best: Stream) -> list[str]:
    notes = []
    if best.codec in ("H265", "HEVC"):
        notes.append("set it to H.264 where the processor is the limit")
    if best.codec == "JPEG":
        notes.append("set it to H.264: JPEG takes many times the network")
    if best.fps is not None and 0 < best.fps < _USUAL_FPS:
        notes.append(f"it brings {best.fps:g} fps; {_USUAL_FPS:g} follow objects better")
    return notes
