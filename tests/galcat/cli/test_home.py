"""Which catalogue a command asks, and that asking never makes one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.client import Catalogue
from catalog.errors import ServerError
from tests.galcat.cli.command_line import Galcat

PROGRAM = Path(sys.executable).with_name("galcat")


@pytest.mark.parametrize(
    "words",
    [
        ["sql", "SELECT 1"],
        ["similar", "17"],
        ["check"],
        ["tasks"],
        ["anomalies"],
        ["release", "list"],
        ["serve"],
        ["psql"],
        ["finetune", "ring"],
        ["migrate"],
        ["init", "--plan"],
    ],
)
def test_a_command_that_asks_makes_no_catalogue_and_says_where_it_looked(
    galcat: Galcat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.delenv("GALCAT_DATABASE_URL")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    said = galcat("--home", tmp_path / "none", *words)
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        f"error: no catalogue in {tmp_path}/none: name another folder by galcat --home, GALCAT_HOME "
        f"or home in {tmp_path}/galcat/config.toml, or make one by galcat demo or galcat ingest\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["ingest", "gone", "--survey", "legacy_dr10"], "gone: no such folder"),
        (["ingest", ".", "--survey", "gone"], "no survey 'gone'; known: "),
        (["ingest", ".", "--survey", "legacy_dr10"], ".: no tile of survey legacy_dr10; "),
    ],
)
def test_a_slip_makes_no_catalogue_that_would_stay_empty(
    galcat: Galcat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], line: str
) -> None:
    monkeypatch.delenv("GALCAT_DATABASE_URL")
    monkeypatch.chdir(tmp_path)
    said = galcat("--home", tmp_path / "none", *words)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"error: {line}")
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_python_client_makes_no_catalogue_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALCAT_HOME", str(tmp_path / "none"))
    with pytest.raises(ServerError, match=f"no catalogue in {tmp_path}/none: name another"):
        Catalogue()
    assert list(tmp_path.iterdir()) == []


def test_psql_is_that_of_the_embedded_postgres(database: str) -> None:
    done = subprocess.run(
        [PROGRAM, "psql", "-At", "-c", r"\d galcat.galaxy", "-c", "SELECT 6 * 7"],
        env={**os.environ, "GALCAT_DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[-1] == "42"
    assert any(line.startswith("object_id|bigint") for line in lines)
