"""The `vedette` command, from its words to its exit code.

Exit codes: 0 clean, 1 run time, 2 usage, 69 no model, 78 bad configuration.
"""

from __future__ import annotations

import signal
import sys

from daemon import console
from daemon.console import complain
from daemon.exits import EXIT_FAILED
from daemon.surroundings import surroundings, unanswering
from daemon.verbs import COMMANDS, parser_for


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `vedette` command; returns the exit code. Nothing of Python reaches a user
    but the traceback of a fault of ours.
    """
    argv = sys.argv[1:] if argv is None else argv
    console.prepare()
    try:
        code = _run(argv)
        console.flush()
    except BrokenPipeError:  # the reader of our output went away, as in `vedette schema | head`
        console.abandon()
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except console.OutputError as error:
        console.abandon()
        complain(f"vedette: standard output: {error}")
        return EXIT_FAILED
    except (OSError, MemoryError, ImportError, RuntimeError, UnicodeEncodeError) as error:
        words = surroundings(error)
        if words is None:
            raise
        complain(f"vedette: {words}")
        return EXIT_FAILED
    return code


def _run(argv: list[str]) -> int:
    # Only the verb that is asked for is imported: `check` and `tail` answer without TensorFlow.
    verb = next((word for word in argv if word in COMMANDS), None)
    args = parser_for({verb} if verb else ()).parse_args(argv)
    silent = unanswering(vars(args).values())
    if silent is not None:
        complain(f"vedette: {silent}: the file system does not answer; `findmnt --target` names it")
        return EXIT_FAILED
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
