"""Stored calibrated fractions against a view that calibrates as it is asked: times of both.

30,000 made galaxies of one survey, all ten questions calibrated. The view has its parameters written into
it, which is the least that it could cost. Run it as `python -m benchmarks.calibrated_columns`.
"""

import time
from collections.abc import Callable
from typing import LiteralString

import numpy as np
import psycopg
from psycopg import sql

from benchmarks.throwaway import catalogue
from catalog.calibration.stored import QuestionCalibration, store_calibration, undo_calibration
from catalog.database.connection import connect
from catalog.ingestion.records import SurveyRecord
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from catalog.questions import QUESTIONS
from catalog.releases.releases import refresh_statistics, register_release
from tests.catalog.galaxies import galaxy_rows, release_record, tile_record

TILES, ROWS = 6, 5_000
REPEATS = 5
QUERIES: dict[str, LiteralString] = {
    "rare cut: merger > 0.9, count": "SELECT count(*) FROM {} WHERE merging_merger_fraction > 0.9",
    "first 20 with merger > 0.9": "SELECT object_id FROM {} WHERE merging_merger_fraction > 0.9 LIMIT 20",
    "mean of a fraction over all": "SELECT avg(bar_strong_fraction) FROM {}",
    "every fraction of 300 galaxies": "SELECT * FROM {} WHERE ra < 3.6",
}


def main() -> None:
    """Print the table."""
    calibrations = [
        QuestionCalibration(question, 0.8, np.linspace(-0.5, 0.5, len(answers)).tolist(), {})
        for question, answers in QUESTIONS.items()
    ]
    with catalogue() as url, connect(url, autocommit=True) as connection:
        survey = register_survey(connection, SurveyRecord("bench", "made up", ("r",), "toml"))
        release = register_release(connection, release_record())
        for i in range(TILES):
            write_tile(connection, survey, release, tile_record(f"t{i}"), galaxy_rows(ROWS, i, f"{i}-"), [])
        connection.execute("SELECT galcat.build_cut_indexes(%s::smallint)", [release])
        refresh_statistics(connection)
        own = _median(connection, sql.SQL("galcat.galaxy"))
        _make_view(connection, calibrations)
        computed = _median(connection, sql.SQL("public.calibrated"))
        connection.execute("DROP VIEW public.calibrated")
        stored_in = _seconds(lambda: store_calibration(connection, release, survey, calibrations, "votes"))
        refresh_statistics(connection)
        stored = _median(connection, sql.SQL("galcat.galaxy"))
        undone_in = _seconds(lambda: undo_calibration(connection, release, survey))
    print(f"{TILES * ROWS} galaxies, ten questions; ms, median of {REPEATS}")
    print(f"{'':36}{'uncalibrated':>14}{'stored':>10}{'in the view':>14}")
    for name in QUERIES:
        print(f"{name:36}{own[name]:14.1f}{stored[name]:10.1f}{computed[name]:14.1f}")
    print(f"calibrated and stored in {stored_in:.1f} s, undone in {undone_in:.1f} s")


def _make_view(connection: psycopg.Connection, calibrations: list[QuestionCalibration]) -> None:
    parts = []
    for one in calibrations:
        answers = QUESTIONS[one.question]
        alphas = [
            f"exp({one.temperature} * ln(greatest(1e-6, g.{one.question}_{answer}_fraction::float8 "
            f"* g.{one.question}_concentration)) + {shift})"
            for answer, shift in zip(answers, one.shifts, strict=True)
        ]
        total = " + ".join(alphas)
        parts += [
            f"({alpha} / ({total}))::real AS {one.question}_{answer}_fraction"
            for answer, alpha in zip(answers, alphas, strict=True)
        ]
        parts.append(f"({total})::real AS {one.question}_concentration")
    columns = ", ".join(parts)
    query = f"SELECT g.object_id, g.ra, g.dec, {columns} FROM galcat.galaxy AS g"
    connection.execute(f"CREATE VIEW public.calibrated AS {query}".encode())


def _median(connection: psycopg.Connection, relation: sql.Composable) -> dict[str, float]:
    def milliseconds(query: LiteralString) -> float:
        asked = sql.SQL(query).format(relation)
        times = [_seconds(lambda: connection.execute(asked).fetchall()) for _ in range(REPEATS)]
        return 1000 * float(np.median(times))

    return {name: milliseconds(query) for name, query in QUERIES.items()}


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
