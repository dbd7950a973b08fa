"""A picture with four different corners, stored turned and mirrored in every way that is told.

Seen the right way it is `SEEN`: red, green, blue and white corners, read row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from detector.buckets import buckets_up_to
from detector.detections import Detections
from detector.letterbox import InputSpec, Letterbox

Rgb = npt.NDArray[np.uint8]

SEEN_WH = (320, 192)
CORNERS = "RGBW"
RED_XYXY = (0, 0, 80, 48)  # the red corner of the picture as it is seen
_COLOURS = {"R": (255, 0, 0), "G": (0, 255, 0), "B": (0, 0, 255), "W": (255, 255, 255)}
_EXIF_HEAD = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01"

# EXIF's numbers, and what they ask to be done to the stored picture, in NumPy's words. Of the
# display matrix: a, b, c, d. Of the SEI: flips, then counter-clockwise turns.
SEEN: dict[int, Callable[[Rgb], Rgb]] = {
    1: lambda p: p,
    2: np.fliplr,
    3: lambda p: np.rot90(p, 2),
    4: np.flipud,
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
    8: np.rot90,
}
MATRICES = {
    1: (1, 0, 0, 1), 2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1),
    5: (0, 1, 1, 0), 6: (0, 1, -1, 0), 7: (0, -1, -1, 0), 8: (0, -1, 1, 0),
}  # fmt: skip
SEI = {  # horizontal flip, vertical flip, degrees counter-clockwise after it
    2: (1, 0, 0), 3: (0, 0, 180), 4: (0, 1, 0), 5: (1, 0, 90),
    6: (0, 0, 270), 7: (0, 1, 90), 8: (0, 0, 90),
}  # fmt: skip


def marked(wh: tuple[int, int] = SEEN_WH) -> Rgb:
    """uint8 RGB [H, W, 3] as it is meant to be seen."""
    width, height = wh
    rgb = np.full((height, width, 3), 60, np.uint8)
    down, right = height // 4, width // 4
    rgb[:down, :right], rgb[:down, -right:] = _COLOURS["R"], _COLOURS["G"]
    rgb[-down:, :right], rgb[-down:, -right:] = _COLOURS["B"], _COLOURS["W"]
    return rgb


def corners(rgb: Rgb) -> str:
    """Which colour is in which corner, row by row; ? where it is none."""
    height, width = rgb.shape[:2]
    found = ""
    for y in (height // 8, height - 1 - height // 8):
        for x in (width // 8, width - 1 - width // 8):
            bright = tuple(255 * int(value > 150) for value in rgb[y, x])
            found += next((name for name, rgb_ in _COLOURS.items() if rgb_ == bright), "?")
    return found


def stored(number: int, seen: Rgb) -> Rgb:
    """The picture that EXIF's `number` turns into `seen`."""
    inverse = {6: 8, 8: 6}.get(number, number)  # the others undo themselves
    return np.ascontiguousarray(SEEN[inverse](seen))


def by_matrix(path: Path, number: int, *, frames: int = 12) -> Path:
    """Told by the container, as phones do."""
    a, b, c, d = (65536 * value for value in MATRICES[number])
    matrix = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32)
    return _encode(path, stored(number, marked()), frames, matrix=matrix.tolist())


def by_sei(path: Path, number: int, *, codec: str = "libx264", each: bool = False) -> Path:
    """Told by the first keyframe, or by each, as cameras do; an elementary stream."""
    whole = path.with_name(f"whole-{path.name}")
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    _encode(whole, stored(number, marked()), 12, codec=codec, options=options)
    out, told, inside = b"", False, False
    for unit in _units(whole.read_bytes()):
        begins = _is_keyframe(unit, codec) and not inside  # a picture may come in several slices
        inside = _is_keyframe(unit, codec)
        if number in SEI and begins and (each or not told):
            out += b"\0\0\0\1" + _orientation_message(codec, *SEI[number])
            told = True
        out += b"\0\0\0\1" + unit
    path.write_bytes(out)
    return path


def by_exif(path: Path, number: int, *, frames: int = 12) -> Path:
    """A JPEG, or a stream of them (.mjpeg)."""
    jpeg = cv2.imencode(".jpg", stored(number, marked())[..., ::-1])[1].tobytes()
    exif = _EXIF_HEAD + number.to_bytes(2, "big") + bytes(6)
    one = jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]
    path.write_bytes(one * (frames if path.suffix == ".mjpeg" else 1))
    return path


def squeezed(path: Path, wh: tuple[int, int], sample: Fraction | None, *, turned: int = 1) -> Path:
    """Stored at this size, with samples of this aspect where it is told."""
    picture = cv2.resize(stored(turned, marked()), wh, interpolation=cv2.INTER_AREA)
    a, b, c, d = (65536 * value for value in MATRICES[turned])
    matrix = [a, b, 0, c, d, 0, 0, 0, 1 << 30]
    return _encode(path, np.asarray(picture, np.uint8), 12, sample=sample, matrix=matrix)


def with_cover(path: Path, film: Path | None) -> Path:
    """The film, or a second of silence, with a cover that comes before its tracks."""
    whole = path.with_name(f"uncovered-{path.name}")
    with av.open(str(whole), "w") as container:
        if film is None:
            _add_silence(container)
        else:
            with av.open(str(film)) as opened:
                stream = container.add_stream_from_template(opened.streams.video[0])
                for packet in opened.demux(video=0):
                    if packet.size:
                        packet.stream = stream
                        container.mux(packet)
    data = whole.read_bytes()
    at = data.index(b"moov") - 4  # behind the pictures: no offset changes with its length
    moov = data[at : at + int.from_bytes(data[at : at + 4], "big")]
    head = 8 + int.from_bytes(moov[8:12], "big")  # with mvhd, which stays the first
    cover = cv2.imencode(".png", np.full((600, 600, 3), 200, np.uint8))[1].tobytes()
    tags = _box(b"ilst", _box(b"covr", _box(b"data", b"\0\0\0\x0e\0\0\0\0" + cover)))
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    udta = _box(b"udta", _box(b"meta", bytes(4) + handler + tags))
    path.write_bytes(data[:at] + _box(b"moov", moov[8:head] + udta + moov[head:]))
    return path


def _box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def _add_silence(container: av.container.OutputContainer) -> None:
    stream = container.add_stream("aac", rate=8000, layout="mono")
    silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
    silence.sample_rate = 8000
    container.mux(stream.encode(silence))
    container.mux(stream.encode(None))


def _encode(
    path: Path,
    rgb: Rgb,
    frames: int,
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    sample: Fraction | None = None,
    matrix: Sequence[int] | None = None,
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options or {"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = rgb.shape[1], rgb.shape[0], "yuv420p"
        stream.gop_size = 4
        if sample is not None:
            stream.sample_aspect_ratio = stream.codec_context.sample_aspect_ratio = sample
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _units(stream: bytes) -> Iterator[bytes]:
    """NAL units of an elementary stream."""
    for part in stream.split(b"\0\0\1")[1:]:
        yield part.rstrip(b"\0")


def _is_keyframe(unit: bytes, codec: str) -> bool:
    return unit[0] & 0x1F == 5 if codec == "libx264" else unit[0] >> 1 & 0x3F in (19, 20)


def _orientation_message(codec: str, hflip: int, vflip: int, degrees: int) -> bytes:
    """The display orientation SEI of H.264 (D.2.26) and H.265 (D.2.17)."""
    turn = degrees * 65536 // 360
    bits = f"0{hflip}{vflip}{turn:016b}"
    # How long it holds: until the next one. H.264 has a period (1) and an extension flag, H.265 a
    # persistence flag.
    bits += "0100" if codec == "libx264" else "1"
    bits += "1"
    payload = int(bits.ljust(24, "0"), 2).to_bytes(3, "big")
    head = b"\x06" if codec == "libx264" else b"\x4e\x01"
    return head + bytes([47, len(payload)]) + payload + b"\x80"


class RedFinder:
    """A detector that finds the red corner; its boxes say whether pictures and boxes agree."""

    name = "red"
    precision = "float32"
    labels = ("red",)
    thresholds = (0.4,)
    weights_sha256 = "0" * 64
    trace_count = 0
    input_spec = InputSpec(128, 128)

    def __init__(self, max_batch: int = 4) -> None:
        self.buckets = buckets_up_to(max_batch)

    def warm_up(self, progress: Callable[[int], None] | None = None) -> None:
        for bucket in self.buckets:
            if progress:
                progress(bucket)

    def detect(self, pixels: Rgb, letterboxes: Sequence[Letterbox]) -> list[Detections]:
        return [_red(rgb, box) for rgb, box in zip(pixels, letterboxes, strict=False)]


def _red(rgb: Rgb, letterbox: Letterbox) -> Detections:
    ys, xs = np.nonzero((rgb[..., 0] > 150) & (rgb[..., 1:].max(axis=2) < 110))
    box = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], np.float32)
    return Detections(
        letterbox.to_source(box), np.array([0.9], np.float32), np.array([0], np.int32)
    )
