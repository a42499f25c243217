"""The systemd units are as systemd wants them, and call commands that there are."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from galcat.cli.command_list import app

UNITS = Path(__file__).parents[1] / "deploy" / "systemd"
PROGRAM = "/opt/galcat/.venv/bin/galcat"


def verify(folder: Path) -> tuple[int, str]:
    units = [str(path) for path in sorted(folder.iterdir())]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for unit in UNITS.iterdir():
        program = shutil.which("true")
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, str(program)))
    assert verify(tmp_path) == (0, "")
    (tmp_path / "galcat-serve.service").write_text("[Service]\nExecStart=/no/such/program\nMemoryMaxx=1\n")
    code, said = verify(tmp_path)
    assert code != 0
    assert "MemoryMaxx" in said


def test_every_command_of_the_units_is_one_of_galcats() -> None:
    lines = [line for unit in UNITS.glob("*.service") for line in unit.read_text().splitlines()]
    commands = [
        shlex.split(line.partition("=")[2]) for line in lines if line.startswith(("ExecStart", "ExecStop"))
    ]
    assert sorted(words[1] for words in commands) == ["backup", "down", "jobs", "serve", "status", "up"]
    for program, command, *words in commands:
        assert program == PROGRAM
        told = CliRunner().invoke(app, [command, "--help"])
        assert told.exit_code == 0
        assert [word for word in words if word.startswith("--") and word not in told.output] == []
