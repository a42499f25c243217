"""The former place of the command line: it still works there, and says how it is called now."""

import sys

from galcat.cli.main import main as run_galcat


def main() -> None:
    """Say that `python -m galcat` is the name now, and run the command line."""
    sys.stderr.write("warning: python -m dagster_jobs.cli will go: call python -m galcat\n")
    run_galcat()


if __name__ == "__main__":
    main()
