"""A file of labels: a galaxy and what somebody says of it in every row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from catalog.constants import NEAR_ARCSEC
from catalog.errors import LabelError, PositionsError
from catalog.search.crossmatch import match
from catalog.search.positions import locate_rows
from catalog.tasks.labels import Label
from catalog.tasks.tasks import Task
from table_files.errors import TableError
from table_files.read import read_table
from table_files.table import FileTable, list_names

ID_COLUMN = "object_id"
LABELLER_COLUMN = "labeller"
TIME_COLUMN = "labelled_at"
_ANSWERS = ("answer", "label", "class")
_RATINGS = ("rating", "score", "interest")
_ID = re.compile(r"-?\d{1,20}")
_ID_END = 2**63
_TRUTH = {"0": 0, "1": 1, "False": 0, "True": 1}
_KNOWN = "SELECT object_id FROM galcat.source WHERE object_id = ANY (%s) AND NOT is_retired"


@dataclass(frozen=True)
class LabelFile:
    """What a file says, row by row.

    Attributes:
        labels: The labels, in the file's order.
        unmatched: Rows, from 1, whose galaxy the catalogue does not have.
        ambiguous: Rows whose position has several galaxies within the radius: none was guessed.
        notes: What of the file was left out, such as another table, a line each.
    """

    labels: list[Label]
    unmatched: list[int]
    ambiguous: list[int]
    notes: tuple[str, ...] = ()


def read_labels(
    connection: psycopg.Connection,
    task: Task,
    path: Path,
    *,
    column: str | None = None,
    ra: str | None = None,
    dec: str | None = None,
    radius_arcsec: float = NEAR_ARCSEC,
) -> LabelFile:
    """Read labels and find their galaxies: by object_id where the file has that column, else by position.

    Args:
        connection: Open connection to the catalogue.
        task: The task that the file answers.
        path: A table in any format that astropy reads; columns `labeller` and `labelled_at` say who
            and when, row by row.
        column: Column with the answers; None for the first that is called as the task, or answer, label or
            class (of a task that rates: rating, score or interest).
        ra: Column of right ascension; None for the first of the usual names.
        dec: Column of declination; None for the first of the usual names.
        radius_arcsec: How near a galaxy must be to its position, in arcseconds.

    Raises:
        LabelError: A column is missing, a row's answer is none of the task's, or one person says two things
            of a galaxy; the first such row is named.
        PositionsError: The file cannot be read, or a row has no position on the sky.
    """
    try:
        table = read_table(path, texts=[column] if column is not None else _usual_columns(task))
    except TableError as error:
        raise PositionsError(str(error)) from None
    if not table.n_rows:
        raise LabelError(f"{path} has no row")
    values = [_value(task, path, i, value) for i, value in enumerate(_column(table, task, path, column), 1)]
    labeller_column = _find(table, path, LABELLER_COLUMN)
    labellers = table[labeller_column].to_list() if labeller_column else [None] * table.n_rows
    id_column = None if ra or dec else _find(table, path, ID_COLUMN)
    found, ambiguous = (
        (_by_id(connection, table, id_column, path), [])
        if id_column
        else _by_position(connection, table, ra, dec, radius_arcsec)
    )
    labels = [
        Label(identity, value, None if who is None else str(who), when)
        for identity, value, who, when in zip(found, values, labellers, _times(table, path), strict=True)
        if identity is not None
    ]
    _refuse_contradictions(path, found, labellers, values)
    missing = [i for i, identity in enumerate(found, 1) if identity is None and i not in ambiguous]
    return LabelFile(labels, missing, ambiguous, table.notes)


def parse_value(task: Task, text: str) -> str | float:
    """An answer or a rating as somebody wrote it.

    Raises:
        LabelError: It is none of the task's classes, or no number from 0 to 5.
    """
    if task.kind != "interest":
        if text not in task.classes:
            raise LabelError(f"{text!r} is not one of {', '.join(task.classes)}")
        return text
    try:
        rating = float(text)
    except ValueError:
        raise LabelError(f"{text!r} is no rating from 0 to 5") from None
    if not 0 <= rating <= 5:  # noqa: PLR2004 - the scale of the ratings
        raise LabelError(f"{text} is no rating from 0 to 5")
    return rating


def _refuse_contradictions(
    path: Path, found: Sequence[int | None], labellers: Sequence[object], values: Sequence[object]
) -> None:
    first: dict[tuple[object, object], tuple[int, object]] = {}
    for row, (identity, who, value) in enumerate(zip(found, labellers, values, strict=True), 1):
        earlier, before = first.setdefault((identity, who), (row, value))
        if identity is not None and before != value:
            raise LabelError(
                f"{path}, rows {earlier} and {row}: {before} and {value}, said of the same galaxy {identity}"
            )


def _column(table: FileTable, task: Task, path: Path, wanted: str | None) -> list[object]:
    if wanted is not None:
        name = wanted if wanted in table.columns else None
    else:
        name = next(filter(None, (_find(table, path, one) for one in _usual_columns(task))), None)
    if name is None:
        looked = repr(wanted) if wanted is not None else f"called {', '.join(_usual_columns(task))}"
        raise LabelError(f"{path} has no column {looked}, only {list_names(table.columns)}")
    return table[name].to_list()


def _usual_columns(task: Task) -> tuple[str, ...]:
    return (task.name, *(_RATINGS if task.kind == "interest" else _ANSWERS))


def _find(table: FileTable, path: Path, usual: str) -> str | None:
    """The column of a usual name: spelled just so, or else in any case; None where there is none."""
    same = [name for name in table.columns if name.lower() == usual.lower()]
    if usual in same:
        return usual
    if len(same) > 1:
        raise LabelError(f"{path}: {' and '.join(same)} differ in case only: call the one meant {usual}")
    return same[0] if same else None


def _value(task: Task, path: Path, row: int, value: object) -> str | float:
    if value is None or not str(value).strip():
        raise LabelError(f"{path}, row {row}: there is no answer")
    text = str(value).strip()
    if task.kind == "binary" and text not in task.classes and text in _TRUTH:
        return task.classes[_TRUTH[text]]
    try:
        return parse_value(task, text)
    except LabelError as error:
        raise LabelError(f"{path}, row {row}: {error}") from None


def _times(table: FileTable, path: Path) -> list[datetime | None]:
    """When each row was said; a time without a zone is UTC."""
    column = _find(table, path, TIME_COLUMN)
    values = table[column].to_list() if column else [None] * table.n_rows
    return [
        _time(path, row, "" if value is None else str(value).strip()) for row, value in enumerate(values, 1)
    ]


def _time(path: Path, row: int, text: str) -> datetime | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        said = f"{TIME_COLUMN} {text!r} is no time such as 2026-01-31T12:00:00Z"
        raise LabelError(f"{path}, row {row}: {said}") from None
    return time.replace(tzinfo=time.tzinfo or UTC)


def _by_id(connection: psycopg.Connection, table: FileTable, column: str, path: Path) -> list[int | None]:
    ids = []
    for row, value in enumerate(table[column].to_list(), 1):
        text = str(value).strip()
        if not isinstance(value, int | str) or not _ID.fullmatch(text):
            raise LabelError(f"{path}, row {row}: {column} {value!r} is no whole number")
        ids.append(int(text))
    known = {row[0] for row in connection.execute(_KNOWN, [[i for i in ids if i < _ID_END]])}
    return [identity if identity in known else None for identity in ids]


def _by_position(
    connection: psycopg.Connection,
    table: FileTable,
    ra: str | None,
    dec: str | None,
    radius_arcsec: float,
) -> tuple[list[int | None], list[int]]:
    found = match(connection, locate_rows(table, ra, dec), radius_arcsec, ())
    place = found.columns.index("object_id")
    ids = [
        None if i in found.ambiguous or row[place] is None else int(str(row[place]))
        for i, row in enumerate(found.rows, 1)
    ]
    return ids, found.ambiguous
