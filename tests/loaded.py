"""`make test-loaded`: the tests that wait, beside processes that keep every core busy.

    python -m tests.loaded [BUSY] [PYTEST ARGUMENT ...]

BUSY is how many such processes, 4 by default; without further arguments all files run that wait by
`tests/waiting.py` themselves or by a helper.
"""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

TESTS = Path(__file__).resolve().parent
HELPERS = (
    "tests.waiting",
    "tests.galcat.processes",
    "tests.galcat.held_tiles",
    "tests.catalog.tap.tap_server",
)


def main(arguments: list[str]) -> int:
    """Run pytest beside busy processes; returns its exit code."""
    n = int(arguments.pop(0)) if arguments and arguments[0].isdecimal() else 4
    with ExitStack() as stack:
        for _ in range(n):
            busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(busy.wait)
            stack.callback(busy.kill)
        command = [sys.executable, "-m", "pytest", *(arguments or waiting_files())]
        return subprocess.run(command, cwd=TESTS.parent, check=False).returncode


def waiting_files() -> list[str]:
    """Test files that import a helper that waits."""
    return [
        str(file)
        for file in sorted(TESTS.rglob("test_*.py"))
        if any(f"from {helper} import" in file.read_text() for helper in HELPERS)
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
