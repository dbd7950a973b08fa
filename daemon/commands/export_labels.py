"""`vedette export-labels`: labelled pictures out of recordings, to correct and to learn from."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.hints import did_you_mean
from daemon.arguments import fraction, labels, moment
from daemon.console import complain, say
from daemon.exits import EXIT_FAILED, EXIT_USAGE

if TYPE_CHECKING:  # loaded when the verb runs
    from daemon.offline.keepsakes import Wanted
    from detector.datasets.coco_writer import CocoWriter

_FOLDER_MODE = 0o750


class _UsageError(Exception):
    """The folders cannot be meant."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "export-labels",
        help="make labelled pictures (COCO) of recordings",
        description="Copies the snapshots of recordings into OUT/images and writes what was"
        " detected in them as OUT/instances.json, in COCO's format: for annotation tools, and for"
        " `vedette train` and `vedette evaluate`.",
        epilog="Exits 0; 1 where nothing can be exported, or the disk failed; 2 for usage.",
    )
    parser.add_argument(
        "recordings", type=Path, metavar="RECORDINGS", help="recordings.folder of the configuration"
    )
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="OUT", help="a folder that is not there"
    )
    parser.add_argument(
        "--camera", action="append", metavar="NAME", help="only of this one; again for more"
    )
    parser.add_argument(
        "--label", type=labels, metavar="a,b|FILE", help="only boxes of these; default: all"
    )
    parser.add_argument(
        "--min-score", type=fraction, default=0.0, metavar="S", help="no boxes below; default: 0"
    )
    parser.add_argument(
        "--since", type=moment, metavar="TIME", help="as 2026-11-26 or 2026-11-26T01:30; in UTC"
    )
    parser.add_argument("--until", type=moment, metavar="TIME", help="and before this")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export, and tell what was left out; see the parser's epilog for the exit codes."""
    try:
        return _export(args)
    except _UsageError as error:
        return _fail(str(error), EXIT_USAGE)
    except OSError as error:
        return _fail(f"{error.filename or args.out}: {error.strerror or error}", EXIT_FAILED)


def _export(args: argparse.Namespace) -> int:
    from detector.datasets.coco_writer import INSTANCES, PICTURES, CocoWriter

    cameras = _cameras(args)
    wanted = _wanted(args)
    with _new_folder(args.out) as folder:
        (folder / PICTURES).mkdir(mode=_FOLDER_MODE)
        with CocoWriter(folder) as writer:
            exporter = _Exporter(writer, folder / PICTURES, wanted)
            for camera in cameras:
                exporter.add_all(camera)
            writer.finish()
        _tell("recordings", exporter.recordings)
        _tell("boxes", exporter.boxes)
        if not writer.images:
            return _fail(f"{args.recordings}: there is nothing to export", EXIT_FAILED)
        folder.rename(args.out)
    met = ", ".join(writer.categories)
    say(f"{args.out / INSTANCES}: {writer.images} pictures, {writer.boxes} boxes of {met}")
    return 0


class _Exporter:
    """Takes recordings into a folder, and counts what it leaves out. All raises OSError where a
    folder or the disk fails.
    """

    def __init__(self, writer: CocoWriter, pictures: Path, wanted: Wanted) -> None:
        self.recordings: Counter[str] = Counter()  # left out, by reason
        self.boxes: Counter[str] = Counter()
        self._writer = writer
        self._pictures = pictures
        self._wanted = wanted

    def add_all(self, camera: Path) -> None:
        from daemon.offline.keepsakes import LeftOutError, names_in

        for name in names_in(camera):
            try:
                self._add(camera, name)
            except LeftOutError as error:
                self.recordings[str(error)] += 1

    def _add(self, camera: Path, name: str) -> None:
        from daemon.offline import keepsakes

        if not self._wanted.spans(name):
            raise keepsakes.LeftOutError("of another time")
        taken = keepsakes.time_of(name)
        message = keepsakes.read_message(camera, name)
        boxes = list(keepsakes.boxes_of(message, self._wanted, self._writer.knows, self.boxes))
        if not boxes:
            raise keepsakes.LeftOutError("nothing in it that is wanted")
        target = self._pictures / f"{camera.name}-{name}.jpg"
        keepsakes.copy_picture(camera, name, target, message.size)
        about = {"camera": camera.name, "date_captured": f"{taken:%Y-%m-%d %H:%M:%S}"}
        self._writer.add(target.name, message.size, boxes, about)


def _cameras(args: argparse.Namespace) -> list[Path]:
    """Folders of those that were asked for. Raises _UsageError."""
    from daemon.offline.keepsakes import camera_folders

    try:
        found = camera_folders(args.recordings)
    except OSError as error:
        msg = (
            f"{args.recordings}: {error.strerror}; recordings.folder of the configuration names it"
        )
        raise _UsageError(msg) from None
    if args.out.resolve().is_relative_to(args.recordings.resolve()):
        msg = f"{args.out}: lies inside of the recordings: choose another --out"
        raise _UsageError(msg)
    if not found:
        msg = f"{args.recordings}: has no folder of a camera: give the folder above the pictures"
        raise _UsageError(msg)
    for name in args.camera or ():
        if name not in found:
            msg = f"--camera {name}: has no recordings in {args.recordings}"
            raise _UsageError(msg + did_you_mean(name, found))
    return [path for name, path in found.items() if not args.camera or name in args.camera]


def _wanted(args: argparse.Namespace) -> Wanted:
    from daemon.offline.keepsakes import Wanted
    from daemon.recording.shelf import name_of

    times = {
        name: name_of(at_ns)
        for name, at_ns in (("since", args.since), ("until", args.until))
        if at_ns is not None
    }
    only = None if args.label is None else frozenset(args.label)
    chosen = Wanted(only, args.min_score, **times)
    if chosen.since >= chosen.until:
        raise _UsageError("--until is not after --since")
    return chosen


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A hidden folder beside OUT; it goes unless it was given that name. Raises _UsageError."""
    if out.exists() or out.is_symlink():
        msg = f"{out}: is there already, and nothing is overwritten: choose another --out"
        raise _UsageError(msg)
    if not out.parent.is_dir():
        msg = f"{out}: there is no folder {out.parent}"
        raise _UsageError(msg)
    folder = Path(tempfile.mkdtemp(prefix=".export-labels.", dir=out.parent))
    try:
        folder.chmod(_FOLDER_MODE)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tell(what: str, left_out: Counter[str]) -> None:
    for reason, count in left_out.most_common():
        complain(f"vedette export-labels: {what} left out: {count}, {reason}")


def _fail(message: str, code: int) -> int:
    complain(f"vedette export-labels: {message}")
    return code
