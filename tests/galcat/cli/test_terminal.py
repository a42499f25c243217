"""What the terminal shows of data: as they are, harmless, and no wider than it is."""

import os
import pty
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import pytest

from catalog.result import Result
from galcat.cli.console import Terminal, harmless, mark_line, progress_bar
from galcat.cli.tables import show
from tests.galcat.cli.command_line import Galcat

PROGRAM = Path(sys.executable).with_name("galcat")
ODD = ":star: NGC:sun:1 h:m:s [red]no colour[/red] [/b] \\[ http://a.b"


def in_a_terminal(database: str, *words: str, columns: int = 80) -> list[str]:
    """The lines of `galcat ...` on a terminal so many columns wide, without their colours."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {**os.environ, "GALCAT_DATABASE_URL": database, "TERM": "dumb"}
    with subprocess.Popen([PROGRAM, *words], stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 65536):
                text += part
        except OSError:  # how Linux says that nobody writes any more
            pass
    os.close(ours)
    assert process.returncode == 0, text
    return text.decode().splitlines()


def test_a_value_a_name_and_an_error_are_printed_as_they_are(filled: Galcat) -> None:
    said = filled("sql", f"SELECT '{ODD}' AS \"{ODD[:40]}\"")
    assert said.out.splitlines()[:2] == [ODD[:40].ljust(len(ODD)), ODD.ljust(len(ODD))]
    assert filled("sql", f"SELECT '{ODD}' AS name", "-G").out.splitlines()[:2] == ["row 1", f"name | {ODD}"]
    assert f"no task is called {ODD!r}" in filled("tasks", "next", ODD).err
    assert filled("match", "[b]:star:.csv").err == "error: [b]:star:.csv: no such file\n"


def test_lists_of_any_values_are_printed_short(filled: Galcat) -> None:
    said = filled("sql", "SELECT ARRAY['a','b','c','d'] AS t, ARRAY[1.5,NULL,2,3] AS n, ARRAY['x'] AS one")
    assert said.code == 0, said.err
    assert said.out.splitlines()[1].split("  ") == ["[a, b, ... 4 values]", "[1.5, -, ... 4 values]", "[x]"]


def test_what_fits_cannot_hold_is_said_once(filled: Galcat, tmp_path: Path) -> None:
    query = "SELECT 'é' AS name, 'plain' AS other UNION ALL SELECT 'ü', 'x'"
    said = filled("sql", query, "-o", tmp_path / "t.fits")
    assert said.err == (
        "note: FITS holds ASCII alone: other characters became escapes such as \\xe9 in name; "
        "VOTable and Parquet keep them\n"
    )
    assert filled("sql", query, "-o", tmp_path / "t.vot").err == ""


def test_characters_that_steer_a_terminal_are_shown_and_not_obeyed(filled: Galcat) -> None:
    said = filled("sql", r"SELECT E'a\u001b[2Jb\u0007\u009bc\td\r\ne\u202ef' AS name")
    assert said.out.splitlines()[1] == r"a\x1b[2Jb\x07\x9bc\td\r\ne\u202ef"
    assert harmless("é 星 \udcff") == r"é 星 \udcff"
    assert harmless("é 星", "ascii") == r"\xe9 \u661f"


@pytest.mark.parametrize("text", [":star: [red]x[/red]", "\x1b[31mred"])
def test_log_lines_and_bars_print_text_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(is_log=True)
    terminal.print(text, soft_wrap=True)
    terminal.print(mark_line("warning:", "yellow", text), soft_wrap=True)
    shown = harmless(text)
    assert capsys.readouterr().err.splitlines() == [shown, f"warning: {shown}"]
    bar = progress_bar()
    bar.add_task(text, total=2)
    bar.console.print(bar.get_renderable())
    assert shown in capsys.readouterr().err


def test_a_narrow_terminal_gets_as_many_columns_as_it_has_room_for(filled: Galcat, database: str) -> None:
    lines = in_a_terminal(database, "similar", "g3", "-n", "2")
    assert lines[0].split() == ["object_id", "distance", "survey", "ra", "dec", "mag_r"]
    assert max(map(len, lines)) <= 80
    whole = filled("similar", "g3", "-n", "2").out.splitlines()
    assert len(whole[0].split()) == 11
    assert in_a_terminal(database, "similar", "g3", "-n", "2", "--wide")[0].split() == whole[0].split()
    assert f"(2 rows, {len(lines[0].split())} of 11 columns: --wide shows all, -G a value a line)" in lines


def test_columns_that_somebody_names_are_never_left_out(filled: Galcat, database: str) -> None:
    names = "ra, dec, tile, survey, search, anomaly_score, survey_source_id, mag_r"
    for words in (("sql", f"SELECT {names} FROM galcat.galaxy"), ("similar", "g3", "--columns", names)):
        header = in_a_terminal(database, *words)[0].split()
        assert header[-8:] == names.split(", ")
    assert len(in_a_terminal(database, "sql", "SELECT * FROM galcat.galaxy")[0].split()) < 9
    assert filled("sql", "SELECT * FROM galcat.galaxy").out.count("\n") == 22


def test_one_value_a_line_shows_every_column(filled: Galcat, database: str) -> None:
    query = "SELECT * FROM galcat.galaxy WHERE survey_source_id = 'g5'"
    lines = in_a_terminal(database, "sql", query, "-G")
    names = filled("sql", query).out.splitlines()[0].split()
    assert lines[0] == "row 1"
    assert [line.split(" | ")[0].rstrip() for line in lines[1:-1]] == names
    assert "survey_source_id" in names
    assert len({line.index(" | ") for line in lines[1:-1]}) == 1


def test_what_is_no_terminal_gets_every_value_whole(capsys: pytest.CaptureFixture[str]) -> None:
    show(Result(("a", "b"), [("x" * 3000, 1)]))
    assert capsys.readouterr().out.splitlines()[1] == f"{'x' * 3000}  1"
