"""Calibrations in the database: stored by release and survey, applied to the rows, listed, undone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import delete, insert

from catalog.database.owner import retry_as_owner
from catalog.database.statements import insert_rows, run
from catalog.errors import CatalogError
from catalog.questions import CONCENTRATIONS, FRACTIONS, QUESTIONS
from catalog.schema import calibration as calibration_table


@dataclass(frozen=True)
class QuestionCalibration:
    """The calibration of one question to a survey in a release.

    Attributes:
        question: The question as the catalogue's columns spell it.
        temperature: Factor of the logarithm of the Dirichlet parameters.
        shifts: Added to that of each answer, in the order of the columns.
        report: What it gained on votes held out, in values that JSON can hold.
    """

    question: str
    temperature: float
    shifts: list[float]
    report: dict[str, object]


@dataclass(frozen=True)
class StoredCalibration(QuestionCalibration):
    """A calibration as the catalogue has it.

    Attributes:
        release: Name of the release.
        survey: Name of the survey.
        votes_file: Name of the table that the votes came in.
        made_at: When it was made.
    """

    release: str
    survey: str
    votes_file: str
    made_at: datetime


def read_network_alpha(
    connection: psycopg.Connection, release_id: int, object_ids: Sequence[int]
) -> dict[int, NDArray[np.float64]]:
    """The network's own Dirichlet parameters of galaxies, (34,) each, whatever calibration is applied.

    Args:
        connection: Open connection to the catalogue.
        release_id: Number of the release.
        object_ids: The galaxies; one that the release does not have is left out.
    """
    columns = sql.SQL(", ").join(map(sql.Identifier, FRACTIONS + CONCENTRATIONS))
    query = sql.SQL(
        "SELECT object_id, coalesce(network_posterior, ARRAY[{}]) FROM galcat.morphology "
        "WHERE release_id = %s AND object_id = ANY (%s)"
    ).format(columns)
    sizes = [len(answers) for answers in QUESTIONS.values()]
    found = {}
    for identity, numbers in connection.execute(query, [release_id, list(object_ids)]):
        posterior = np.array(numbers, dtype=np.float64)
        found[int(identity)] = posterior[: len(FRACTIONS)] * np.repeat(posterior[len(FRACTIONS) :], sizes)
    return found


def store_calibration(
    connection: psycopg.Connection,
    release_id: int,
    survey_id: int,
    calibrations: Sequence[QuestionCalibration],
    votes_file: str,
) -> int:
    """Put calibrations in the place of those that the survey has, and apply them, in one transaction.

    Readers see the former fractions until it is done. Tiles that are ingested meanwhile wait for it.

    Args:
        connection: Open connection of a login that may act as the owner.
        release_id: Number of the release.
        survey_id: Number of the survey.
        calibrations: One for each question that is calibrated.
        votes_file: Name of the table that the votes came in.

    Returns:
        How many galaxies have calibrated fractions now.
    """

    def store() -> int:
        _forget(connection, release_id, survey_id)
        key = {"release_id": release_id, "survey_id": survey_id, "votes_file": votes_file}
        with connection.cursor() as cursor:
            insert_rows(cursor, insert(calibration_table), [key | asdict(one) for one in calibrations])
        return _apply(connection, release_id, survey_id)

    return retry_as_owner(connection, store)


def undo_calibration(connection: psycopg.Connection, release_id: int, survey_id: int) -> int:
    """Give the galaxies of a survey the network's own fractions back, bit by bit.

    Args:
        connection: Open connection of a login that may act as the owner.
        release_id: Number of the release.
        survey_id: Number of the survey.

    Returns:
        How many questions were calibrated.
    """

    def undo() -> int:
        questions = _forget(connection, release_id, survey_id)
        _apply(connection, release_id, survey_id)
        return questions

    return retry_as_owner(connection, undo)


def list_calibrations(connection: psycopg.Connection, survey: str | None = None) -> list[StoredCalibration]:
    """Every calibration, by release, survey and question.

    Args:
        connection: Open connection to the catalogue.
        survey: Name of the only survey that is wanted; None for all.
    """
    rows = connection.execute(
        "SELECT c.question, c.temperature, c.shifts, c.report, r.name, v.name, c.votes_file, c.made_at "
        "FROM galcat.calibration AS c JOIN galcat.release AS r USING (release_id) "
        "JOIN galcat.survey AS v USING (survey_id) WHERE %(survey)s::text IS NULL OR v.name = %(survey)s "
        "ORDER BY c.release_id, v.name, array_position(%(questions)s::text[], c.question)",
        {"survey": survey, "questions": list(QUESTIONS)},
    )
    return [StoredCalibration(*row) for row in rows]


def describe_calibrated(connection: psycopg.Connection, release: str) -> list[str]:
    """Of each survey that some release is calibrated to, whether this release is too: a line each.

    Args:
        connection: Open connection to the catalogue.
        release: Name of the release.
    """
    rows = connection.execute(
        "SELECT v.name, count(*) FILTER (WHERE r.name = %s) FROM galcat.calibration AS c "
        "JOIN galcat.survey AS v USING (survey_id) JOIN galcat.release AS r USING (release_id) "
        "GROUP BY 1 ORDER BY 1",
        [release],
    ).fetchall()
    return [_describe(survey, int(own), release) for survey, own in rows]


def _describe(survey: str, own: int, release: str) -> str:
    if own:
        return f"survey {survey}: {own} questions are calibrated in release {release} too"
    return (
        f"survey {survey}: the calibration of another release does not hold for {release}, its fractions are "
        f"the network's own; galcat calibrate {survey} VOTES makes one"
    )


def find_survey_id(connection: psycopg.Connection, name: str) -> int:
    """Number of a survey.

    Raises:
        CatalogError: There is none of that name; the message says which there are.
    """
    rows = connection.execute("SELECT name, survey_id FROM galcat.survey ORDER BY name")
    there: dict[str, int] = dict(rows.fetchall())
    if name not in there:
        raise CatalogError(f"the catalogue has no survey {name!r}; there are: {', '.join(there) or 'none'}")
    return int(there[name])


def _forget(connection: psycopg.Connection, release_id: int, survey_id: int) -> int:
    # A tile that is being written ends first, or comes after and finds the new calibration.
    connection.execute("LOCK TABLE galcat.ingestion IN SHARE MODE")
    table = calibration_table.c
    of_these = (table.release_id == release_id, table.survey_id == survey_id)
    return run(connection, delete(calibration_table).where(*of_these)).rowcount


def _apply(connection: psycopg.Connection, release_id: int, survey_id: int) -> int:
    row = connection.execute(
        "SELECT galcat.apply_calibration(%s::smallint, %s::smallint)", [release_id, survey_id]
    ).fetchone()
    connection.execute("SELECT galcat.describe_columns('galaxy')")
    assert row is not None  # noqa: S101 - a SELECT without FROM gives a row
    return int(row[0])
