"""`pytest --passed FILE`: what passed is written down, and not run again, so that a long run can go on."""

import re
from pathlib import Path

import pytest

_GROUP = re.compile(r"@\w+$")  # of xdist, behind a test's name


class PassedTests:
    """A plugin of pytest.

    Args:
        file: Names of tests, one a line; it need not be there yet.
        writes: False in a worker of pytest-xdist: its controller writes.
    """

    def __init__(self, file: Path, *, writes: bool) -> None:
        self._file = file
        self._writes = writes
        self._troubled: set[str] = set()

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what passed before."""
        before = set(self._file.read_text().splitlines()) if self._file.is_file() else set()
        known = [item for item in items if _name(item.nodeid) in before]
        config.hook.pytest_deselected(items=known)
        items[:] = [item for item in items if _name(item.nodeid) not in before]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a test down when it has been torn down and nothing of it failed or was skipped."""
        name = _name(report.nodeid)
        if not report.passed:
            self._troubled.add(name)
        if self._writes and report.when == "teardown" and name not in self._troubled:
            with self._file.open("a") as file:
                file.write(f"{name}\n")


def _name(nodeid: str) -> str:
    return _GROUP.sub("", nodeid)
