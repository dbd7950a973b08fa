"""Where recordings are kept, and how much room is there."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from config.schema import RecordingsConfig

TRIAL_BYTES = 2**20  # a picture or two: a disk with less room is full


def recordings_folder(config: RecordingsConfig, env: Mapping[str, str] = os.environ) -> Path:
    """As configured, or `recordings` where the daemon's own files belong: systemd names that
    folder, elsewhere it is the user's for data. Raises FileNotFoundError where nothing names it.
    """
    if config.folder is not None:
        return config.folder
    if state := env.get("STATE_DIRECTORY", "").partition(":")[0]:
        return Path(state, "recordings")
    data = env.get("XDG_DATA_HOME") or _data_folder()
    return Path(data, "vedette", "recordings")


def _data_folder() -> Path:
    try:
        return Path.home() / ".local/share"
    except RuntimeError:  # a user without an entry in passwd
        reason = "no folder for recordings: set recordings.folder, or HOME"
        raise FileNotFoundError(errno.ENOENT, reason) from None


def prepare(config: RecordingsConfig, folder: Path) -> None:
    """See that `folder` is there and takes a file. It is made only where nobody configured it: a
    typing error, or a disk that is not mounted, makes no folder. Raises OSError.
    """
    if config.folder is None:
        folder.mkdir(parents=True, exist_ok=True)
    trial = folder / ".trial.part"
    try:
        trial.write_bytes(bytes(TRIAL_BYTES))
    finally:
        with suppress(OSError):
            trial.unlink()
