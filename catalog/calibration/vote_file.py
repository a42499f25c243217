"""A file of votes, and which galaxies of a survey they are of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.calibration.vote_columns import QuestionVotes, read_votes
from catalog.errors import VotesError
from catalog.search.positions import locate_rows
from table_files.errors import TableError
from table_files.positions import has_positions
from table_files.read import read_table
from table_files.table import FileTable, list_names

_OBJECT_ID, _SOURCE_ID, _SHORT_ID = "object_id", "survey_source_id", "id"
_ID = re.compile(r"-?\d{1,20}")
_ID_END = 2**63
_BY_OBJECT_ID = (
    "SELECT object_id FROM galcat.source WHERE object_id = ANY (%s) AND survey_id = %s AND NOT is_retired"
)
_BY_SOURCE_ID = (
    "SELECT survey_source_id, object_id FROM galcat.source "
    "WHERE survey_source_id = ANY (%s) AND survey_id = %s AND NOT is_retired"
)
_BY_POSITION = (
    "SELECT m.position_number, array_agg(m.object_id) FROM galcat.crossmatch(%s, %s, %s, false) AS m "
    "JOIN galcat.source AS s USING (object_id) WHERE s.survey_id = %s AND NOT s.is_retired GROUP BY 1"
)


@dataclass(frozen=True)
class GalaxyColumns:
    """How the galaxies of a table's rows are found.

    Attributes:
        source_id: Column with the survey's own ids; None for the usual ways.
        ra: Column of right ascension; None for the first of the usual names.
        dec: Column of declination; likewise.
        radius_arcsec: How near a galaxy must be to its position, in arcseconds.
    """

    source_id: str | None
    ra: str | None
    dec: str | None
    radius_arcsec: float


@dataclass(frozen=True)
class VoteFile:
    """Votes on galaxies of a survey, n of them.

    Attributes:
        object_ids: (n,) the galaxies, each once.
        questions: The questions that were voted on, with counts (n, k).
        n_rows: Rows of the file.
        unmatched: Rows, from 1, whose galaxy the survey does not have in the catalogue.
        ambiguous: Rows whose position has several galaxies within the radius: none was guessed.
        partial: A line for each question of which the file lacks an answer.
    """

    object_ids: NDArray[np.int64]
    questions: list[QuestionVotes]
    n_rows: int
    unmatched: list[int]
    ambiguous: list[int]
    partial: list[str]


def read_vote_file(
    connection: psycopg.Connection, survey_id: int, path: Path, columns: GalaxyColumns
) -> VoteFile:
    """Read votes, and find their galaxies among those of a survey.

    By the survey's own ids where a column of them is named; else by the file's column object_id, or
    survey_source_id, by its positions, or by its column id: the first of them that is there.

    Args:
        connection: Open connection to the catalogue.
        survey_id: Number of the survey.
        path: A table in any format, with columns of votes as `read_votes` takes them.
        columns: How its galaxies are found.

    Raises:
        VotesError: The file has no row, no votes or no galaxy of the survey, or two rows are of one galaxy.
        PositionsError: A row has no position on the sky.
    """
    texts = [name for name in (columns.source_id, _SOURCE_ID, _SHORT_ID, _OBJECT_ID) if name is not None]
    try:
        table = read_table(path, texts=texts)
    except TableError as error:
        raise VotesError(str(error)) from None
    if not table.n_rows:
        raise VotesError(f"{path} has no row")
    questions, partial = read_votes(table)
    found, ambiguous = _find(connection, survey_id, table, columns)
    rows = [i for i, identity in enumerate(found) if identity is not None]
    _refuse_twice(table, found, rows)
    if not rows:
        raise VotesError(
            f"{path}: none of its {table.n_rows} rows is a galaxy of the survey in the catalogue"
        )
    missing = [i for i, identity in enumerate(found, 1) if identity is None and i not in ambiguous]
    ids = np.array([found[i] for i in rows], dtype=np.int64)
    kept = [QuestionVotes(one.question, one.counts[rows]) for one in questions]
    return VoteFile(ids, kept, table.n_rows, missing, ambiguous, partial)


def _find(
    connection: psycopg.Connection, survey_id: int, table: FileTable, columns: GalaxyColumns
) -> tuple[list[int | None], list[int]]:
    """The galaxy of each row, and the rows, from 1, that have several."""
    if columns.source_id is not None and columns.source_id not in table.columns:
        raise VotesError(
            f"{table.label} has no column {columns.source_id!r}, only {list_names(table.columns)}"
        )
    source_id = columns.source_id
    if source_id is None and columns.ra is None and columns.dec is None:
        if _OBJECT_ID in table.columns:
            return _by_object_id(connection, survey_id, table), []
        has_place = has_positions(tuple(table.columns))
        usual = [_SOURCE_ID] if has_place else [_SOURCE_ID, _SHORT_ID]
        source_id = next((name for name in usual if name in table.columns), None)
    if source_id is not None:
        ids = [None if value is None else str(value).strip() for value in table[source_id].to_list()]
        rows = connection.execute(_BY_SOURCE_ID, [[i for i in ids if i], survey_id])
        there: dict[str, int] = dict(rows.fetchall())
        return [None if i is None else there.get(i) for i in ids], []
    return _by_position(connection, survey_id, table, columns)


def _by_object_id(connection: psycopg.Connection, survey_id: int, table: FileTable) -> list[int | None]:
    ids: list[int] = []
    for row, value in enumerate(table[_OBJECT_ID].to_list(), 1):
        text = str(value).strip()
        if not _ID.fullmatch(text):
            raise VotesError(f"{table.label}, row {row}: {_OBJECT_ID} {value!r} is no whole number")
        ids.append(int(text))
    possible = [identity for identity in ids if 0 <= identity < _ID_END]
    there = {row[0] for row in connection.execute(_BY_OBJECT_ID, [possible, survey_id])}
    return [identity if identity in there else None for identity in ids]


def _by_position(
    connection: psycopg.Connection, survey_id: int, table: FileTable, columns: GalaxyColumns
) -> tuple[list[int | None], list[int]]:
    places = locate_rows(table, columns.ra, columns.dec)
    radius_deg = columns.radius_arcsec / 3600
    parameters = [places.ra_deg.tolist(), places.dec_deg.tolist(), radius_deg, survey_id]
    near = {int(row[0]): list(row[1]) for row in connection.execute(_BY_POSITION, parameters)}
    numbers = range(1, table.n_rows + 1)
    single = [near[i][0] if len(near.get(i, ())) == 1 else None for i in numbers]
    return single, [i for i in numbers if len(near.get(i, ())) > 1]


def _refuse_twice(table: FileTable, found: Sequence[int | None], rows: Sequence[int]) -> None:
    first: dict[int | None, int] = {}
    for row in rows:
        before = first.setdefault(found[row], row)
        if before != row:
            raise VotesError(
                f"{table.label}, rows {before + 1} and {row + 1} are of one galaxy, {found[row]}: add their "
                "votes, or drop one"
            )
