"""The command line in this process: its exit code and what it prints, against a given database."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from galcat.cli.main import run


@dataclass(frozen=True)
class CommandResult:
    """What one call of galcat did."""

    code: int
    out: str
    err: str


class Galcat:
    """Calls `galcat ...` as the shell would."""

    def __init__(
        self, url: str, home: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self._capsys = capsys
        self._patch = patch
        patch.setenv("GALCAT_DATABASE_URL", url)
        patch.setenv("GALCAT_HOME", str(home))

    def use(self, url: str) -> None:
        """Ask another database from now on, or the same as another login."""
        self._patch.setenv("GALCAT_DATABASE_URL", url)

    def __call__(self, *words: object) -> CommandResult:
        self._patch.setattr(sys, "argv", ["galcat", *map(str, words)])
        self._capsys.readouterr()
        code = 0
        try:
            run()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = self._capsys.readouterr()
        return CommandResult(code, captured.out, captured.err)
