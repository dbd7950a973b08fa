"""How a command ends: the exit codes, as documented; 69 and 78 are those of sysexits.h."""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAILED = 1  # at run time
EXIT_USAGE = 2  # the command line; argparse's own
EXIT_NO_MODEL = 69  # EX_UNAVAILABLE
EXIT_BAD_CONFIG = 78  # EX_CONFIG
