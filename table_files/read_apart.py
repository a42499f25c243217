"""Files read by a program of its own: the libraries beneath end theirs on some damaged files."""

import os
import pickle
import signal
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.parquet as pq

from table_files.astropy_table import read_astropy
from table_files.errors import TableError
from table_files.own_program import LIMIT, OwnProgram
from table_files.table import FileTable, TableColumn, make_table

if TYPE_CHECKING:
    import subprocess

_ARROW = "arrow"
"""How Parquet is read; any other word is a format of astropy."""


def read_astropy_apart(path: Path, file_format: str | None = None) -> FileTable:
    """Read a file by astropy, of a format whose library may end the program: HDF5, and astropy's Parquet.

    Args:
        path: Path of the file.
        file_format: The format as astropy calls it; None where astropy is to tell it.

    Raises:
        TableError: It is in none, or damaged.
    """
    answer = _reader.ask(file_format, path.absolute(), str(path))
    columns, n_rows = cast("tuple[list[TableColumn], int]", answer)
    return make_table(str(path), columns, n_rows, None)


def read_parquet_apart(path: Path, content: bytes) -> pa.Table:
    """Read a Parquet file as Arrow has it.

    Args:
        path: What errors call it.
        content: Content of the file.

    Raises:
        TableError: It is no Parquet, or damaged.
    """
    return cast("pa.Table", _reader.ask(_ARROW, content, str(path)))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}


class ApartReader(OwnProgram):
    """The program that reads."""

    def __init__(self) -> None:
        super().__init__(lambda: [sys.executable, "-P", "-m", __name__], _environment)

    def ask(self, how: str | None, what: Path | bytes, label: str) -> object:
        """What the program answers.

        Args:
            how: How it is to read.
            what: The file, or its bytes.
            label: What errors call the file.

        Raises:
            TableError: The file cannot be read, or was the program's end.
        """
        with self.lock:
            try:
                with self.asked() as program:
                    answer = _exchange(program, (how, what))
            except (OSError, EOFError, pickle.UnpicklingError):
                self.end()
                if self.is_late:
                    raise TableError(f"{label} was not read in {LIMIT}: it is damaged or too large") from None
                raise TableError(f"{label} cannot be read as a table: it is damaged") from None
            except BaseException:  # interrupted: what it answers later would be taken for the next file's
                self.end()
                raise
        if isinstance(answer, TableError):
            raise answer
        return answer


def _exchange(program: "subprocess.Popen[bytes]", request: object) -> object:
    pickle.dump(request, cast("IO[bytes]", program.stdin))
    cast("IO[bytes]", program.stdin).flush()
    return pickle.load(cast("IO[bytes]", program.stdout))  # noqa: S301 - of our own program


_reader = ApartReader()


def main() -> None:
    """Answer until nobody asks any more; what libraries print goes nowhere."""
    # Ctrl-C in a terminal and the end of a service are for the command, which ends this: a sound file that is
    # just being read would be called damaged.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    while True:
        try:
            how, what = pickle.load(sys.stdin.buffer)  # noqa: S301 - of our own program
        except EOFError:
            return
        try:
            answer: object = _read_parquet(what) if how == _ARROW else _read_by_astropy(what, how)
        except TableError as error:
            answer = error
        pickle.dump(answer, answers)
        answers.flush()


def _read_parquet(content: bytes) -> pa.Table:
    try:
        return pq.ParquetFile(pa.BufferReader(content)).read()
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise TableError(f"it is no Parquet that can be read: {reason}") from None


def _read_by_astropy(path: Path, file_format: str | None) -> tuple[list[TableColumn], int]:
    table = read_astropy(path, file_format)
    return list(table.columns.values()), table.n_rows


if __name__ == "__main__":
    main()
