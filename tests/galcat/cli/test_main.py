"""The command line as a whole: one-line errors with exit codes, help, version, completion."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from catalog.database.connection import connect
from galcat.cli.command_list import COMMANDS
from tests.catalog.galaxies import fill
from tests.databases import fresh_database
from tests.galcat.cli.command_line import Galcat

PROGRAM = Path(sys.executable).with_name("galcat")


@pytest.fixture(scope="module")
def database(postgres_url: str, schema_template: str) -> Iterator[str]:
    """One catalogue of 20 galaxies for all tests, which change nothing."""
    with fresh_database(postgres_url, schema_template) as url:
        with connect(url, autocommit=True) as connection:
            fill(connection, 20)
        yield url


@pytest.fixture
def filled(galcat: Galcat) -> Galcat:
    return galcat


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["sql", "SELEC 1"], 1, 'error: syntax error at or near "SELEC" at character 1'),
        (["sql", "SELECT 1", "--format", "xls"], 1, "error: no format 'xls': choose table, csv"),
        (
            ["sql", "DROP TABLE galcat.source"],
            1,
            "error: cannot execute DROP TABLE in a read-only transaction",
        ),
        (["similar", "17"], 1, "error: no galaxy has object_id 17"),
        (["similar", "10.5", "-89.9"], 1, 'error: no galaxy within 3" of (10.5, -89.9)'),
        (["similar", "10.5", "-91"], 1, "error: cone: declination -91 is not between -90 and 90 degrees"),
        (["similar", "nosuch.jpg"], 1, "error: nosuch.jpg: no such file"),
        (
            ["similar", "1", "2", "3"],
            1,
            "error: 1 2 3 is no object_id and no position: give RA DEC in degrees",
        ),
        (["similar"], 2, "name a galaxy or an image, or give --list FILE"),
        (["similar", "17", "--list", "x.csv"], 2, "or give --list FILE"),
        (["similar", "--list", "nosuch.csv"], 1, "error: nosuch.csv: no such file"),
        (
            ["similar", "g1", "--where", "x <"],
            1,
            'error: syntax error at or near ")" (with the condition: x <)',
        ),
        (["similar", "g1", "--wher", "x"], 1, "error: there is no option --wher"),
        (["ingest", "/nosuch", "--survey", "legacy_dr10"], 1, "error: /nosuch: no such folder"),
        (["ingest", ".", "--survey", "sdss"], 1, "error: no survey 'sdss'; known: decals_fits, "),
        (
            ["ingest", ".", "--survey", "decals_fits", "--weights", "nosuch"],
            1,
            "error: no weights file nosuch",
        ),
        (["sql", "SELECT 1", "-o", "/nosuch/a.csv"], 1, "error: /nosuch/a.csv: there is no folder /nosuch; "),
        (
            ["sql", "SELEC 1", "-o", "a.xls"],
            1,
            "error: a.xls: its ending names no format; end it in one of csv",
        ),
        (["sql", "SELEC 1", "-o", "/"], 1, "error: /: its ending names no format"),
        (["sql", "SELEC 1", "-f", "csv", "-o", "/"], 1, "error: /: it is a folder; name a file"),
        (["similar", "17", "--format", "xls"], 1, "error: no format 'xls': choose table, csv"),
        (["match", "nosuch.csv", "-o", "a"], 1, "error: a: its ending names no format"),
        (["tasks", "likely", "nosuch", "-o", "a"], 1, "error: a: its ending names no format"),
        (["tasks", "labels", "nosuch", "-o", "a"], 1, "error: a: its ending names no format"),
        (["tasks", "retired", "nosuch", "-o", "a"], 1, "error: a: its ending names no format"),
        (["anomalies", "best", "nosuch", "-o", "a"], 1, "error: a: its ending names no format"),
        (["match", "/"], 1, "error: /: it is a folder: name a file"),
        (["embed", "gone", "-o", "v.parquet"], 1, "error: gone: no such file or folder"),
        (["train", "/"], 1, "error: training configuration / cannot be read: "),
        (["sql", "begin"], 1, "error: BEGIN answers nothing: ask by SELECT, TABLE, VALUES"),
        (["sql", "listen x"], 1, "error: LISTEN answers nothing: ask by SELECT, TABLE, VALUES"),
        (["nonsense"], 2, "No such command 'nonsense'"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    filled: Galcat, words: list[str], code: int, error: str
) -> None:
    said = filled(*words)
    assert said.code == code
    assert error in said.err
    assert "Traceback" not in said.err
    assert code == 2 or said.err.count("\n") == 1


def test_a_format_may_be_written_in_capitals(filled: Galcat) -> None:
    assert filled("sql", "SELECT 1 AS x", "--format", "CSV").out.split() == ["x", "1"]


def test_help_names_every_command(galcat: Galcat) -> None:
    said = galcat("--help")
    assert said.code == 0
    for command in (
        "up",
        "down",
        "url",
        "sql",
        "ingest",
        "demo",
        "similar",
        "match",
        "check",
        "jobs",
        "train",
    ):
        assert f" {command} " in said.out
        assert galcat(command, "--help").code == 0


def test_the_list_of_commands_has_headings_and_fits_80_columns(
    galcat: Galcat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = galcat("--help").out.splitlines()
    titles = [line.strip("╭─╮ ") for line in lines if line.startswith("╭─")]
    assert titles == ["Options", *dict.fromkeys(entry.panel for entry in COMMANDS.values())]
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)


@pytest.mark.parametrize(
    "words", [[], ["sql"], ["similar"], ["tasks"], ["tasks", "next"], ["evaluate", "tasks"]]
)
def test_h_stands_for_help(galcat: Galcat, words: list[str]) -> None:
    short, whole = galcat(*words, "-h"), galcat(*words, "--help")
    assert (short.code, short.out) == (0, whole.out)
    assert " Usage: galcat " in whole.out


def test_version_is_that_of_the_package(galcat: Galcat) -> None:
    said = galcat("--version")
    assert (said.code, said.out) == (0, f"galcat {metadata.version('galcat')}\n")


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("galcat ta", {"tag", "tasks"}),
        (
            "galcat tasks ",
            {"add", "adopt", "agreement", "drop", "labels", "likely", "next", "retired", "say", "withdraw"},
        ),
        ("galcat sql --fo", {"--format"}),
        ("galcat release back", {"backfill"}),
        ("galcat nonsense ", set()),
        ("galcat nonsense s", set()),
        ("galcat tasks nonsense ", set()),
        (
            "galcat tasks --wide ",
            {"add", "adopt", "agreement", "drop", "labels", "likely", "next", "retired", "say", "withdraw"},
        ),
    ],
)
def test_the_shell_completes_commands_and_options(words: str, completed: set[str]) -> None:
    environment = {
        **os.environ,
        "_GALCAT_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = subprocess.run([PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == completed


def test_completion_can_be_shown_for_every_shell() -> None:
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run(
            [PROGRAM, "--show-completion", shell],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "_GALCAT_COMPLETE=complete_" in done.stdout
    as_module = [sys.executable, "-m", "galcat", "--show-completion", shell]
    shown = subprocess.run(as_module, env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout == done.stdout


def test_the_command_line_is_a_module_too_and_its_former_name_warns() -> None:
    done = [
        subprocess.run(
            [sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=True
        )
        for module in ("galcat", "galcat.cli.main", "dagster_jobs.cli")
    ]
    assert len({run.stdout for run in done}) == 1
    assert [run.stderr for run in done] == [
        "",
        "",
        "warning: python -m dagster_jobs.cli will go: call python -m galcat\n",
    ]


@pytest.mark.parametrize("words", [["sql", b"select \xff"], ["similar", b"a\xff"]])
def test_an_argument_that_is_no_text_is_one_line(filled: Galcat, words: list[str | bytes]) -> None:
    said = filled(*[os.fsdecode(word) for word in words])
    assert said.code == 1
    assert said.err.startswith("error: ")
    assert said.err.rstrip().endswith("is not UTF-8: give it as UTF-8 text")
    assert "Traceback" not in said.err
