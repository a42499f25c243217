"""The command line `galcat`: one line for every error, and an exit code that says what happened."""

import os
import sys
from typing import NoReturn

try:
    from galcat.cli.interrupt import Interruption
except KeyboardInterrupt:  # Ctrl-C before anybody watches for it
    os._exit(130)


def main() -> None:
    """Run the command line for this process, until it ends.

    Exit code 0 for done, 1 for failed, 2 for wrong usage, 130 after Ctrl-C, 143 after SIGTERM.
    """
    interruption = Interruption()
    try:
        run()
    except BaseException:
        if interruption.exit_code is not None:  # whatever libraries made of it
            sys.exit(interruption.exit_code)
        raise


def run() -> None:
    """Run the command that `sys.argv` names, and say an error that can be expected in one line.

    Raises:
        SystemExit: Always, with the exit code.
    """
    try:
        from galcat.cli.command_list import app  # noqa: PLC0415 - when Ctrl-C is watched for

        app(prog_name="galcat")  # also as `python -m galcat`, which no shell completes
    except BrokenPipeError:  # who reads our output has seen enough
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        from galcat.errors import EXPECTED, reason  # noqa: PLC0415 - it imports psycopg

        if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
            _refuse_text(error.object)
        if not isinstance(error, EXPECTED):
            raise
        from galcat.cli.console import log, mark_line  # noqa: PLC0415 - when Ctrl-C is watched for

        log.print(mark_line("error:", "red", reason(error)), soft_wrap=True)
        sys.exit(1)


def _refuse_text(text: str) -> NoReturn:
    """End for an argument that is no text: a shell passes any bytes."""
    from galcat.cli.console import log, mark_line  # noqa: PLC0415 - when Ctrl-C is watched for

    shown = text.encode(errors="surrogateescape").decode(errors="replace")
    log.print(mark_line("error:", "red", f"{shown!r} is not UTF-8: give it as UTF-8 text"), soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
