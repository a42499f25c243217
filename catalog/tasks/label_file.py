"""A file of labels: a galaxy and what somebody says of it in every row."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from astropy.table import Table

from catalog.errors import LabelError
from catalog.search.crossmatch import match
from catalog.search.positions import extract_positions, read_table
from catalog.tasks.labels import Label
from catalog.tasks.tasks import Task

ID_COLUMN = "object_id"
LABELLER_COLUMN = "labeller"
_ANSWERS = ("answer", "label", "class")
_RATINGS = ("rating", "score", "interest")
_KNOWN = "SELECT object_id FROM galcat.source WHERE object_id = ANY (%s) AND NOT is_retired"


@dataclass(frozen=True)
class LabelFile:
    """What a file says, row by row.

    Attributes:
        labels: The labels, in the file's order.
        unmatched: Rows, from 1, whose galaxy the catalogue does not have.
        ambiguous: Rows whose position has several galaxies within the radius: none was guessed.
    """

    labels: list[Label]
    unmatched: list[int]
    ambiguous: list[int]


def read_labels(
    connection: psycopg.Connection,
    task: Task,
    path: Path,
    *,
    column: str | None = None,
    ra: str | None = None,
    dec: str | None = None,
    radius_arcsec: float = 3.0,
) -> LabelFile:
    """Read labels and find their galaxies: by object_id where the file has that column, else by position.

    Args:
        connection: Open connection to the catalogue.
        task: The task that the file answers.
        path: A table in any format that astropy reads; a column `labeller` says who, row by row.
        column: Column with the answers; None for the first that is called as the task, or answer, label,
            class
            (rating, score, interest).
        ra: Column of right ascension; None for the first of the usual names.
        dec: Column of declination; None for the first of the usual names.
        radius_arcsec: How near a galaxy must be to its position, in arcseconds.

    Raises:
        LabelError: A column is missing, a row's answer is none of the task's, or one person says two things
            of a galaxy; the first such row is named.
        PositionsError: The file cannot be read, or a row has no position on the sky.
    """
    table = read_table(path)
    if not len(table):
        raise LabelError(f"{path} has no row")
    values = [_value(task, path, i, value) for i, value in enumerate(_column(table, task, path, column), 1)]
    labellers = _plain(table, LABELLER_COLUMN) if LABELLER_COLUMN in table.colnames else [None] * len(table)
    by_id = ID_COLUMN in table.colnames
    found, ambiguous = (
        (_by_id(connection, table, path), [])
        if by_id
        else _by_position(connection, table, path, ra, dec, radius_arcsec)
    )
    labels = [
        Label(identity, value, None if who is None else str(who))
        for identity, value, who in zip(found, values, labellers, strict=True)
        if identity is not None
    ]
    _refuse_contradictions(path, found, labellers, values)
    missing = [i for i, identity in enumerate(found, 1) if identity is None and i not in ambiguous]
    return LabelFile(labels, missing, ambiguous)


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


def _column(table: Table, task: Task, path: Path, wanted: str | None) -> list[object]:
    usual = (task.name, *(_RATINGS if task.kind == "interest" else _ANSWERS))
    names = [wanted] if wanted is not None else [name for name in usual if name in table.colnames]
    if not names or names[0] not in table.colnames:
        looked = repr(wanted) if wanted is not None else f"called {', '.join(usual)}"
        raise LabelError(f"{path} has no column {looked}, only {', '.join(table.colnames)}")
    return _plain(table, names[0])


def _value(task: Task, path: Path, row: int, value: object) -> str | float:
    if value is None:
        raise LabelError(f"{path}, row {row}: there is no answer")
    if task.kind == "binary" and isinstance(value, bool | int) and value in {0, 1}:
        return task.classes[int(value)]
    try:
        return parse_value(task, str(value).strip())
    except LabelError as error:
        raise LabelError(f"{path}, row {row}: {error}") from None


def _plain(table: Table, name: str) -> list[object]:
    """A column as Python values, None where it has none."""
    values: list[object] = np.ma.asarray(table[name]).tolist()
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def _by_id(connection: psycopg.Connection, table: Table, path: Path) -> list[int | None]:
    ids = []
    for row, value in enumerate(_plain(table, ID_COLUMN), 1):
        if not isinstance(value, int):
            raise LabelError(f"{path}, row {row}: {ID_COLUMN} {value!r} is no whole number")
        ids.append(value)
    known = {row[0] for row in connection.execute(_KNOWN, [ids])}
    return [identity if identity in known else None for identity in ids]


def _by_position(
    connection: psycopg.Connection,
    table: Table,
    path: Path,
    ra: str | None,
    dec: str | None,
    radius_arcsec: float,
) -> tuple[list[int | None], list[int]]:
    found = match(connection, extract_positions(table, str(path), ra, dec), radius_arcsec, ())
    place = found.result.columns.index("object_id")
    ids = [
        None if i in found.ambiguous or row[place] is None else int(str(row[place]))
        for i, row in enumerate(found.result.rows, 1)
    ]
    return ids, found.ambiguous
