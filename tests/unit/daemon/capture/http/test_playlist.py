"""What is known of an HLS playlist before FFmpeg reads it."""

from __future__ import annotations

import pytest

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.http.playlist import best_variant, check


def test_of_several_streams_the_best_is_taken() -> None:
    lines = check(
        b"\xef\xbb\xbf#EXTM3U\r\n#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=9,BANDWIDTH=5\r\nsmall.m3u8\r\n"
        b"#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=90\r\nlarge.m3u8\r\n"
        b"#EXT-X-STREAM-INF:X=1\r\nunknown.m3u8\r\n#EXT-X-STREAM-INF:BANDWIDTH=999\r\n#note\r\n"
    )
    assert best_variant(lines) == "large.m3u8"


def test_a_stream_itself_has_no_variants() -> None:
    assert best_variant(check(b"#EXTM3U\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\na.ts\n")) is None


@pytest.mark.parametrize(
    ("playlist", "kind"),
    [
        (b"", Cause.PROTOCOL),
        (b"#EXT", Cause.PROTOCOL),
        (b"#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES\n", Cause.CODEC),
        (b"#EXTM3U\n" + b"\n" * 30_000, Cause.FLOOD),
    ],
)
def test_what_cannot_be_played(playlist: bytes, kind: Cause) -> None:
    with pytest.raises(CaptureError) as caught:
        check(playlist)
    assert caught.value.kind is kind
