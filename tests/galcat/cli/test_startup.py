"""What a command imports before it answers, and that the list of commands tells what they are."""

import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer

from catalog.database.connection import connect
from galcat.cli import commands
from galcat.cli.command_list import COMMANDS, load_command
from tests.catalog.galaxies import fill

HEAVY = {
    "astropy",
    "dagster",
    "galsim",
    "matplotlib",
    "numpy",
    "pandas",
    "PIL",
    "pyarrow",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "sqlglot",
    "starlette",
    "timm",
    "torch",
    "uvicorn",
}
SHOW = (
    "import sys; import galcat.cli.main as line\n"
    "try: line.main()\n"
    "finally: print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
)

HELP_OF_ALL = """
import json, sys
from galcat.cli.main import run
asked, heavy = map(json.loads, sys.argv[1:])
for words in asked:
    sys.argv = ["galcat", *words, "--help"]
    try:
        run()
    except SystemExit as stop:
        code = stop.code
    found = {name for name in sys.modules if name in heavy or name.startswith("catalog.tap")}
    print(f"{' '.join(words)}: {code} {sorted(found)}", file=sys.stderr)
"""


def list_imported(words: list[str], code: int = 0) -> set[str]:
    """The packages at its end of a process that runs galcat with these words, and ends with that code."""
    done = subprocess.run([sys.executable, "-c", SHOW, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout != "") == (code, True), done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_and_version_import_nothing_but_the_command_line(words: list[str]) -> None:
    imported = list_imported(words)
    assert not imported & (HEAVY | {"psycopg", "pydantic", "catalog", "encoder"})
    assert {"galcat", "typer"} <= imported


def test_the_front_door_imports_nothing_until_it_is_asked() -> None:
    code = "import sys, galcat; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & (HEAVY | {"psycopg", "pydantic", "catalog", "encoder", "typer"})


def test_sql_answers_without_any_library_of_arrays_pictures_or_tables(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(database, autocommit=True) as connection:
        fill(connection, 1)
    monkeypatch.setenv("GALCAT_DATABASE_URL", database)
    imported = list_imported(["sql", "SELECT object_id, ra, search FROM galcat.galaxy"])
    assert not imported & HEAVY
    assert "psycopg" in imported


def test_similar_needs_no_network_for_galaxies_of_the_catalogue(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(database, autocommit=True) as connection:
        fill(connection, 5)
    monkeypatch.setenv("GALCAT_DATABASE_URL", database)
    assert not list_imported(["similar", "g3", "-n", "2"]) & {"torch", "timm", "pandas", "PIL", "dagster"}


def test_status_and_report_need_no_network_to_look_for_its_weights(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(database, autocommit=True) as connection:
        fill(connection, 1)
    monkeypatch.setenv("GALCAT_DATABASE_URL", database)
    for words, code in ((["status"], 1), (["report", "--since", "today"], 0)):
        assert not list_imported(words, code) & {"torch", "timm", "pandas", "PIL", "dagster"}


def every_command() -> Iterator[list[str]]:
    """The words of every command and sub-command."""
    for name in COMMANDS:
        yield [name]
        yield from ([name, part] for part in getattr(load_command(name), "commands", {}))


def test_the_help_of_no_command_needs_a_heavy_library() -> None:
    """One process shows them all: whatever a command imported would be there for the next."""
    asked = list(every_command())
    assert ["tasks", "likely"] in asked
    done = subprocess.run(
        [sys.executable, "-c", HELP_OF_ALL, json.dumps(asked), json.dumps(sorted(HEAVY))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines() == [f"{' '.join(words)}: 0 []" for words in asked]
    assert done.stdout.count("Usage: galcat ") == len(asked)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_command_says_of_itself(name: str) -> None:
    first = load_command(name).help.split("\n\n")[0]
    assert " ".join(first.split()) == COMMANDS[name].help


def test_every_command_of_every_file_is_in_the_list() -> None:
    found = set()
    for module in pkgutil.walk_packages(commands.__path__, "galcat.cli.commands."):
        command = importlib.import_module(module.name)
        if module.ispkg or not hasattr(command, "app"):  # a part of a group
            continue
        whole = typer.Typer()
        whole.add_typer(command.app)
        file = module.name.removeprefix("galcat.cli.commands.")
        found |= {(name, file) for name in typer.main.get_group(whole).commands}
    assert found == {(name, entry.module) for name, entry in COMMANDS.items()}
