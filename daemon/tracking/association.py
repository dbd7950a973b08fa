"""The objects and the boxes of one picture find each other, pass by pass. Pure.

Two passes of buffered IoU for boxes that are strong, a third one in which known objects may take
weak boxes (as ByteTrack does: Zhang et al., ECCV 2022), and a last one for objects that are not
confirmed yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import compress

from daemon.tracking.crowd import crowded, is_crowd
from daemon.tracking.matching import Pair, best_pairs, likelihood, overlap, touching
from daemon.tracking.sighting import Sighting
from daemon.tracking.tracks import Track
from daemon.tracking.tuning import Tuning


def associated(
    tracks: Collection[Track],
    sightings: Sequence[Sighting],
    families: Sequence[int],
    tuning: Tuning,
) -> list[Pair]:
    """Objects, as they are expected, with their boxes. `families` has a number for each label."""
    if is_crowd(tracks, sightings):
        return crowded(tracks, sightings, families, tuning)
    (small, large), (strict, lax) = tuning.buffers, tuning.least
    known: list[Pair] = []
    weak: list[Pair] = []
    new: list[Pair] = []
    for pair in touching(tracks, sightings, buffer=large):
        track, sighting = pair
        if families[track.label] != families[sighting.class_id]:
            continue
        if sighting.strong:
            (known if track.number else new).append(pair)
        elif track.number and track.gap_s <= tuning.weak_within_s:
            weak.append(pair)
    found: list[Pair] = []
    taken: set[Track | Sighting] = set()
    for pairs, buffer, least in (
        (known, small, strict),
        (known, large, lax),
        (weak, small, tuning.weak_least),
        (new, large, tuning.new_least),
    ):
        free = [pair for pair in pairs if not (pair[0] in taken or pair[1] in taken)]
        if free:
            pairs_of_pass = _matched(free, buffer, least, tuning)
            found += pairs_of_pass
            taken.update(*pairs_of_pass)
    return found


def _matched(pairs: Sequence[Pair], buffer: float, least: float, tuning: Tuning) -> list[Pair]:
    """One pass: those that overlap so much and belong together."""
    nearness = [overlap(track, sighting, buffer=buffer) for track, sighting in pairs]
    fit = [pair for pair, near in zip(pairs, nearness, strict=True) if near >= least]
    ends: list[Track | Sighting] = [end for pair in fit for end in pair]
    if len(set(ends)) == len(ends):  # nobody has a choice
        return fit
    times = Counter(ends)
    choices = [pair for pair in fit if times[pair[0]] > 1 or times[pair[1]] > 1]
    near_of = dict(zip(pairs, nearness, strict=True))
    likeness = [
        (near_of[pair] + likelihood(*pair, tuning)) * _worth(pair, tuning) for pair in choices
    ]
    lost = set(choices).difference(compress(choices, best_pairs(choices, likeness)))
    return [pair for pair in fit if pair not in lost]


def _worth(pair: Pair, tuning: Tuning) -> float:
    """Of an overlap."""
    track, sighting = pair
    return 1.0 if track.label == sighting.class_id else tuning.other_label
