"""Only packets that no wanted picture needs are left undecoded."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from daemon.capture.skipping import Skipper

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
    assert skipper.needless(data, early=True) is needless
    assert skipper.needless(data, early=False) is False


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x00\x01", b"\xff" * 64, b"\x00" * 64])
@pytest.mark.parametrize("extradata", [None, AVCC])
def test_garbage_is_left_to_the_decoder(data: bytes, extradata: bytes | None) -> None:
    assert not h264(extradata).needless(data, early=True)


def test_nothing_is_skipped_before_the_first_picture_or_of_an_interlaced_stream() -> None:
    skipper = Skipper("h264", extradata=None, intra_only=False, tick_s=0.2)
    assert not skipper.needless(annex_b([UNREFERENCED]), early=True)
    skipper.picture_came(interlaced=True)
    assert not skipper.needless(annex_b([UNREFERENCED]), early=True)


def test_a_stream_of_whole_pictures_skips_whatever_is_early() -> None:
    skipper = Skipper("mjpeg", extradata=None, intra_only=True, tick_s=0.2)
    skipper.picture_came(interlaced=False)
    assert skipper.needless(b"\xff\xd8", early=True)
    assert not skipper.needless(b"\xff\xd8", early=False)


def test_an_unknown_codec_is_decoded_whole() -> None:
    skipper = Skipper("vp9", extradata=None, intra_only=False, tick_s=10)
    skipper.picture_came(interlaced=False)
    for second in range(10):
        skipper.keyframe_came(b"\x82\x49\x83\x42", float(second))
    assert not skipper.needless(b"\x86\x00", early=True)


def with_keyframes(skipper: Skipper, data: bytes, times_s: Sequence[float | None]) -> bool:
    for time_s in times_s:
        skipper.keyframe_came(data, time_s)
    return skipper.keyframes_only


def test_keyframes_alone_do_where_they_come_as_often_as_pictures_are_wanted() -> None:
    skipper = h264(tick_s=1.0)
    assert not with_keyframes(skipper, annex_b([SPS, PPS, IDR]), [0, 1, 2])
    assert with_keyframes(skipper, annex_b([SPS, PPS, IDR]), [3])
    assert skipper.needless(annex_b([REFERENCE]), early=False)
    assert skipper.needless(annex_b([IDR]), early=True)
    assert not skipper.needless(annex_b([IDR]), early=False)


@pytest.mark.parametrize(
    "times_s", [[0, 2, 4, 6], [0, 1, 2, 4], [0, 1, None, 3, 4], [4, 3, 2, 1], [0, 0, 0, 0]]
)
def test_rare_or_doubtful_keyframes_mean_that_all_is_decoded(times_s: list[float | None]) -> None:
    assert not with_keyframes(h264(tick_s=1.0), annex_b([IDR]), times_s)


def test_decoding_resumes_with_the_keyframe_that_came_late() -> None:
    skipper = h264(tick_s=1.0)
    assert with_keyframes(skipper, annex_b([IDR]), [0, 1, 2, 3])
    skipper.keyframe_came(annex_b([IDR]), 9.0)
    assert not skipper.keyframes_only
    assert not skipper.needless(annex_b([REFERENCE]), early=True)


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
    assert not skipper.needless(annex_b([HEVC_TRAIL]), early=True) or fresh
