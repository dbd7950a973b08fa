"""Only packets that no wanted picture needs are left undecoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.capture.pacer import Pacer
from daemon.capture.skipping import Skipper, Verdict

SPS, PPS, SEI, AUD, RECOVERY = 0x67, 0x68, 0x06, 0x09, 0x06
IDR, REFERENCE, UNREFERENCED = 0x65, 0x41, 0x01
AVCC = bytes([1, 0x64, 0, 0x1F, 0xFF, 0xE1])  # length fields of four bytes
HEVC_IDR, HEVC_CRA, HEVC_TRAIL, HEVC_VPS = 19 << 1, 21 << 1, 1 << 1, 32 << 1


def annex_b(headers: Sequence[int], start: bytes = b"\x00\x00\x00\x01") -> bytes:
    return b"".join(start + bytes([header]) + b"\x88\x84\x21\xa0" for header in headers)


def avcc(headers: Sequence[int]) -> bytes:
    return b"".join(
        b"\x00\x00\x00\x05" + bytes([header]) + b"\x88\x84\x21\xa0" for header in headers
    )


def h264(extradata: bytes | None = None, tick_s: float = 0.2) -> Skipper:
    skipper = Skipper("h264", extradata=extradata, intra_only=False, tick_s=tick_s)
    skipper.picture_came(interlaced=False)
    return skipper


def verdict(
    skipper: Skipper,
    data: bytes,
    *,
    at_s: float = 0.0,
    now_s: float | None = None,
    key: bool = False,
    early: bool = True,
) -> Verdict:
    return skipper.judge(
        data, dts_s=at_s, now_s=at_s if now_s is None else now_s, is_key=key, early=early
    )


@pytest.mark.parametrize("packing", ["annex_b", "short_codes", "avcc"])
@pytest.mark.parametrize(
    ("headers", "needless"),
    [
        ([UNREFERENCED], True),
        ([AUD, SEI, UNREFERENCED, UNREFERENCED], True),
        ([REFERENCE], False),
        ([0x21], False),  # nal_ref_idc 1
        ([AUD, REFERENCE], False),
        ([IDR], False),
        ([SPS, PPS, IDR], False),
        ([SPS, PPS, UNREFERENCED], False),  # the parameter sets are needed later
        ([0x02], False),  # a data partition
        ([SEI], False),
        ([], False),
    ],
)
def test_an_early_h264_picture_is_needless_only_without_references(
    packing: str, headers: list[int], needless: bool
) -> None:
    data = {
        "annex_b": annex_b(headers),
        "short_codes": annex_b(headers, b"\x00\x00\x01"),
        "avcc": avcc(headers),
    }[packing]
    skipper = h264(AVCC if packing == "avcc" else None)
    assert verdict(skipper, data) is (Verdict.SKIP if needless else Verdict.DECODE)
    assert verdict(skipper, data, early=False) is Verdict.DECODE


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x00\x01", b"\xff" * 64, b"\x00" * 64])
@pytest.mark.parametrize("extradata", [None, AVCC])
def test_garbage_is_left_to_the_decoder(data: bytes, extradata: bytes | None) -> None:
    assert verdict(h264(extradata), data) is Verdict.DECODE


def test_nothing_is_skipped_before_the_first_picture_or_of_an_interlaced_stream() -> None:
    skipper = Skipper("h264", extradata=None, intra_only=False, tick_s=0.2)
    assert verdict(skipper, annex_b([UNREFERENCED])) is Verdict.DECODE
    skipper.picture_came(interlaced=True)
    assert verdict(skipper, annex_b([UNREFERENCED])) is Verdict.DECODE


def test_a_stream_of_whole_pictures_skips_whatever_is_early() -> None:
    skipper = Skipper("mjpeg", extradata=None, intra_only=True, tick_s=0.2)
    skipper.picture_came(interlaced=False)
    assert verdict(skipper, b"\xff\xd8") is Verdict.SKIP
    assert verdict(skipper, b"\xff\xd8", early=False) is Verdict.DECODE


def test_an_unknown_codec_is_decoded_whole() -> None:
    skipper = Skipper("vp9", extradata=None, intra_only=False, tick_s=10)
    skipper.picture_came(interlaced=False)
    for second in range(10):
        verdict(skipper, b"\x82\x49\x83\x42", at_s=float(second), key=True)
    assert verdict(skipper, b"\x86\x00") is Verdict.DECODE


KEYFRAME = annex_b([SPS, PPS, IDR])


def with_keyframes(
    skipper: Skipper, data: bytes, times_s: Sequence[float | None], *, early: bool = False
) -> bool:
    """Whether the last of them is decoded alone."""
    for time_s in times_s:
        found = skipper.judge(data, dts_s=time_s, now_s=time_s or 0.0, is_key=True, early=early)
    return found in (Verdict.ALONE, Verdict.BEGIN)


def test_keyframes_alone_do_where_they_come_as_often_as_pictures_are_wanted() -> None:
    skipper = h264(tick_s=1.0)
    assert not with_keyframes(skipper, KEYFRAME, [0, 1, 2])
    assert with_keyframes(skipper, KEYFRAME, [3])
    assert verdict(skipper, annex_b([REFERENCE]), at_s=3.5, early=False) is Verdict.HOLD
    assert verdict(skipper, KEYFRAME, at_s=3.9, key=True) is Verdict.BEGIN
    assert verdict(skipper, KEYFRAME, at_s=4.5, key=True, early=False) is Verdict.ALONE


@pytest.mark.parametrize(
    "times_s", [[0, 2, 4, 6], [0, 1, 2, 4], [0, 1, None, 3, 4], [4, 3, 2, 1], [0, 0, 0, 0]]
)
def test_rare_or_doubtful_keyframes_mean_that_all_is_decoded(times_s: list[float | None]) -> None:
    assert not with_keyframes(h264(tick_s=1.0), KEYFRAME, times_s)


def test_a_picture_wanted_after_its_time_is_decoded_from_the_keyframe_on() -> None:
    skipper = h264(tick_s=1.0)
    assert with_keyframes(skipper, KEYFRAME, [0, 1, 2, 3])
    assert verdict(skipper, annex_b([REFERENCE]), at_s=4.0, early=False) is Verdict.HOLD
    assert verdict(skipper, annex_b([REFERENCE]), at_s=4.04, early=True) is Verdict.HOLD
    assert verdict(skipper, annex_b([REFERENCE]), at_s=4.08, early=False) is Verdict.RESUME
    assert verdict(skipper, annex_b([REFERENCE]), at_s=4.12, early=True) is Verdict.DECODE
    assert not with_keyframes(skipper, KEYFRAME, [5, 6])
    assert with_keyframes(skipper, KEYFRAME, [7, 8])


def test_a_keyframe_that_came_late_begins_anew() -> None:
    skipper = h264(tick_s=1.0)
    assert with_keyframes(skipper, KEYFRAME, [0, 1, 2, 3])
    assert verdict(skipper, KEYFRAME, at_s=9.0, key=True) is Verdict.DECODE
    assert verdict(skipper, annex_b([REFERENCE]), at_s=9.04) is Verdict.DECODE


def test_timestamps_that_stand_still_do_not_prolong_a_rhythm() -> None:
    skipper = h264(tick_s=1.0)
    assert with_keyframes(skipper, KEYFRAME, [0, 1, 2, 3])
    reference = annex_b([REFERENCE])
    assert verdict(skipper, reference, at_s=3.0, now_s=5.0, early=False) is Verdict.HOLD
    assert verdict(skipper, reference, at_s=3.0, now_s=5.1, early=False) is Verdict.RESUME


def test_what_is_held_is_bounded() -> None:
    skipper = h264(tick_s=100.0)
    assert with_keyframes(skipper, KEYFRAME, [0, 1, 2, 3])
    large = annex_b([REFERENCE]) + b"\x11" * 1_000_000
    found = [verdict(skipper, large, at_s=3.1) for _ in range(8)]
    assert found == [Verdict.HOLD] * 7 + [Verdict.RESUME]


def test_a_stream_that_turns_interlaced_is_decoded_from_its_keyframe_on() -> None:
    skipper = h264(tick_s=1.0)
    assert with_keyframes(skipper, KEYFRAME, [0, 1, 2, 3])
    skipper.picture_came(interlaced=True)
    assert verdict(skipper, annex_b([REFERENCE]), at_s=3.1) is Verdict.RESUME


def test_a_recovery_point_is_no_keyframe() -> None:
    times_s = [0.0, 0.5, 1.0, 1.5, 2.0]
    assert not with_keyframes(h264(tick_s=1.0), annex_b([RECOVERY, REFERENCE]), times_s)


@pytest.mark.parametrize(
    ("header", "fresh"), [(HEVC_IDR, True), (HEVC_CRA, True), (HEVC_TRAIL, False)]
)
def test_hevc_starts_afresh_at_random_access_pictures(header: int, fresh: bool) -> None:
    skipper = Skipper("hevc", extradata=None, intra_only=False, tick_s=1.0)
    skipper.picture_came(interlaced=False)
    assert with_keyframes(skipper, annex_b([HEVC_VPS, header]), [0, 1, 2, 3]) is fresh


@dataclass(frozen=True)
class Coded:
    """One packet of a made-up stream, in decoding order."""

    dts_s: float
    pts_s: float
    data: bytes
    key: bool = False


@st.composite
def streams(draw: st.DrawFn) -> list[Coded]:
    """A minute or two: keyframes 0.2 to 60 s apart, changing; B-frames; a rate that changes."""
    coded: list[Coded] = []
    time_s, b_frames = 0.0, draw(st.integers(0, 2))
    while time_s < 40.0:
        frame_s = 1 / draw(st.sampled_from([2, 5, 10, 12.5, 25]))
        group_s = draw(st.one_of(st.floats(0.2, 2.0), st.floats(0.2, 60.0)))
        jitter = draw(st.sampled_from([0.0, 0.3]))
        for _ in range(draw(st.integers(1, 8))):
            count = max(1, round(group_s / frame_s))
            for number in range(count):
                place = number % (b_frames + 1)
                kind = IDR if number == 0 else UNREFERENCED if place else REFERENCE
                # A reference is shown after the B-frames that come behind it.
                ahead = b_frames if place == 0 and number + b_frames < count else -1
                shown = time_s + frame_s * (ahead if place == 0 and ahead > 0 else -bool(place))
                wobble = frame_s * jitter * (0.5 if number % 2 else 0.0)
                coded.append(Coded(time_s + wobble, shown + wobble, annex_b([kind]), kind == IDR))
                time_s += frame_s
            if time_s > 80.0:
                return coded
    return coded


@settings(max_examples=60, deadline=None)
@given(stream=streams(), fps=st.sampled_from([0.2, 0.5, 1.0, 2.0, 5.0]))
def test_whatever_keyframes_do_answers_come_at_the_wanted_rate(
    stream: list[Coded], fps: float
) -> None:
    """No gap above two ticks and two frames, and nothing decoded without what it refers to."""
    pacer = Pacer(fps, live=True)
    skipper = h264(tick_s=1 / fps)
    whole, held = True, 0  # whether the decoder has all since the keyframe; packets kept since
    kept_s: list[float] = []
    for packet in stream:
        pacer.saw(packet.dts_s)
        found = skipper.judge(
            packet.data,
            dts_s=packet.dts_s,
            now_s=packet.dts_s,
            is_key=packet.key,
            early=pacer.early(packet.pts_s, packet.dts_s),
        )
        if found is Verdict.RESUME:
            assert held, "resumed without the keyframe"
            whole, held = True, 0
        if found in (Verdict.BEGIN, Verdict.ALONE):
            whole, held = False, 1
        if found is Verdict.HOLD:
            held += 1
        if found is Verdict.DECODE and packet.key:
            whole = True
        if found in (Verdict.DECODE, Verdict.RESUME):
            assert whole, "decoded without its references"
        if found in (Verdict.DECODE, Verdict.RESUME, Verdict.ALONE) and pacer.take(
            packet.pts_s, packet.dts_s
        ):
            kept_s.append(packet.dts_s)
    arrivals = [packet.dts_s for packet in stream]
    longest_frame_s = max(later - earlier for earlier, later in pairwise(arrivals))
    gaps_s = [b - a for a, b in pairwise([arrivals[0], *kept_s, arrivals[-1]])]
    assert max(gaps_s) <= 2 / fps + 4 * longest_frame_s
