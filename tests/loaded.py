"""`make test-loaded`: the tests that wait for an event, beside processes that keep every core busy.

    python -m tests.loaded [BUSY] [PYTEST ARGUMENT ...]

BUSY is how many such processes, 4 by default. Of the tests that the arguments name, or of all, those run that
wait themselves, by `tests/waiting.py` or a helper that calls it. A fixture that waits, such as for a service
to answer, chooses none: hundreds use it. With `--passed FILE tests` an interrupted run goes on.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import CodeType, FunctionType

import pytest

ROOT = Path(__file__).resolve().parents[1]
_OURS = "tests."
_WAITING = "tests.waiting"


def main(arguments: list[str]) -> int:
    """Run pytest beside busy processes; returns its exit code."""
    n = int(arguments.pop(0)) if arguments and arguments[0].isdecimal() else 4
    with ExitStack() as stack:
        for _ in range(n):
            busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(busy.wait)
            stack.callback(busy.kill)
        chosen = ["-p", "tests.loaded", "-m", "not long and not browser", *(arguments or ["tests"])]
        command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", *chosen]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, as a plugin of pytest, the tests that wait for nothing."""
    kept = [item for item in items if isinstance(item, pytest.Function) and waits(item.function)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def waits(function: Callable[..., object], seen: frozenset[object] = frozenset()) -> bool:
    """Whether a function calls one of `tests/waiting.py`, itself or by other functions of the tests."""
    function = getattr(function, "__wrapped__", function)  # what a decorator was put on
    if not isinstance(function, FunctionType) or function in seen:
        return False
    for name in _names(function.__code__):
        used = function.__globals__.get(name)
        if getattr(used, "__module__", "") == _WAITING:
            return True
        is_ours = str(getattr(used, "__module__", "")).startswith(_OURS)
        if is_ours and callable(used) and waits(used, seen | {function}):
            return True
    return False


def _names(code: CodeType) -> Iterator[str]:
    """The global names of a function, and of the functions within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # pytest has heard of it too, and says what it has done
        sys.exit(130)
