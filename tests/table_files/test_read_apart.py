"""Parquet and what astropy reads by libraries in C are read by a program whose end is one line."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil  # type: ignore[import-untyped] # it ships no types
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from table_files import own_program
from table_files.errors import TableError
from table_files.read import read_table
from table_files.read_apart import ApartReader, read_astropy_apart

READER = "table_files.read_apart"


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A file in which the program waits for somebody to write: it is held in a known state."""
    os.mkfifo(tmp_path / "waits.csv")
    return tmp_path / "waits.csv"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C is an exception in this process, whatever started it has said of that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def programs() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if READER in child.cmdline()]


def while_it_reads(pipe: Path, do: Callable[[], None]) -> None:
    """Open the other end of the pipe, which waits for the program to read, do something, and go."""
    with pipe.open("wb"):
        do()


def test_a_file_that_ends_the_program_is_one_line_and_the_next_is_read(tmp_path: Path, pipe: Path) -> None:
    Table({"a": [1, 2]}).write(tmp_path / "next.parquet")
    read_table(tmp_path / "next.parquet")
    (program,) = programs()
    with ThreadPoolExecutor() as threads:
        threads.submit(while_it_reads, pipe, program.kill)
        with pytest.raises(TableError) as caught:
            read_astropy_apart(pipe, "ascii.csv")
    assert str(caught.value) == f"{pipe} cannot be read as a table: it is damaged"
    assert read_table(tmp_path / "next.parquet")["a"].to_list() == [1, 2]
    assert [one.pid for one in programs()] != [program.pid]


@pytest.mark.usefixtures("interruptible")
def test_the_answer_to_an_interrupted_question_is_not_taken_for_the_next(tmp_path: Path, pipe: Path) -> None:
    pq.write_table(pa.table({"mine": [2**62 + 1, None]}), tmp_path / "mine.parquet")
    reader = ApartReader()
    with ThreadPoolExecutor() as threads:
        threads.submit(while_it_reads, pipe, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            reader.ask("ascii.csv", pipe, "pipe")
    found = reader.ask("arrow", (tmp_path / "mine.parquet").read_bytes(), "mine")
    reader.close()
    assert isinstance(found, pa.Table)
    assert found.to_pydict() == {"mine": [2**62 + 1, None]}


def test_a_program_that_does_not_answer_in_time_is_ended_and_the_next_is_read(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = ApartReader()
    held = os.open(pipe, os.O_RDWR)  # nobody will ever write
    try:
        reader.ask("arrow", parquet_bytes({"first": [1]}), "first")  # it has started
        monkeypatch.setattr(own_program, "PATIENCE_S", 0.2)
        with pytest.raises(
            TableError, match=r"^pipe was not read in 15 minutes: it is damaged or too large$"
        ):
            reader.ask("ascii.csv", pipe, "pipe")
        monkeypatch.undo()
        found = reader.ask("arrow", parquet_bytes({"mine": [2]}), "mine")
    finally:
        os.close(held)
        reader.close()
    assert isinstance(found, pa.Table)
    assert found.to_pydict() == {"mine": [2]}


def parquet_bytes(columns: dict[str, list[int]]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())


def test_signals_to_all_of_a_terminal_or_service_leave_the_program_for_who_asks(tmp_path: Path) -> None:
    before = programs()
    Table({"a": [1, 2]}).write(tmp_path / "list.csv")
    reader = ApartReader()
    reader.ask("ascii.csv", tmp_path / "list.csv", "list")
    (own,) = (one for one in programs() if one not in before)
    own.send_signal(signal.SIGTERM)
    own.send_signal(signal.SIGINT)
    _, n_rows = reader.ask("ascii.csv", tmp_path / "list.csv", "list")  # type: ignore[misc] # columns and rows
    assert n_rows == 2
    assert [one for one in programs() if one not in before] == [own]
    reader.close()


def test_a_child_of_fork_can_ask_though_another_thread_was_asking() -> None:
    reader = ApartReader()
    with reader.lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if reader.lock.acquire(timeout=0) else 1)
        assert os.waitpid(child, 0) == (child, 0)
        assert not reader.lock.acquire(timeout=0)


def test_the_program_ends_with_the_reader_and_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = programs()
    reader = ApartReader()
    (tmp_path / "none.csv").write_text("a,b\n1\n2,3,4\n")
    with pytest.raises(TableError, match=r"^\S+none\.csv cannot be read as a table: [^\n]+$"):
        reader.ask("ascii.csv", tmp_path / "none.csv", "none")
    assert len(programs()) == len(before) + 1
    reader.close()
    assert programs() == before
    assert capfd.readouterr() == ("", "")


def test_a_parquet_file_that_is_cut_or_filled_with_zeros_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"ra": [1.5, 2.5], "name": ["a", None]}), path)
    whole = path.read_bytes()
    for damaged in (whole[:-9], whole[:8], whole[:10] + bytes(len(whole) - 30) + whole[-20:]):
        path.write_bytes(damaged)
        with pytest.raises(TableError) as caught:
            read_table(path)
        assert str(caught.value).startswith(f"{path}: it is no Parquet that can be read: ")
        assert "\n" not in str(caught.value)
