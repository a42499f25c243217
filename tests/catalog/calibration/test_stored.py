"""Calibrated fractions are those of numpy, undone bit by bit, and those of tiles that come later too."""

from dataclasses import replace

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.calibration.stored import (
    QuestionCalibration,
    describe_calibrated,
    list_calibrations,
    read_network_alpha,
    store_calibration,
    undo_calibration,
)
from catalog.checks.integrity import run_checks
from catalog.ingestion.records import SurveyRecord
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from catalog.questions import CONCENTRATIONS, FRACTIONS, QUESTIONS
from catalog.releases.promotion import promote_release
from catalog.releases.releases import drop_release, register_release
from encoder.calibration.form import Calibration
from tests.catalog.galaxies import fill, galaxy_rows, release_record, tile_record

BAR = QuestionCalibration("bar", 0.7, [0.5, -1.25, 0.1], {"gain": 0.4})
ROUND = QuestionCalibration("how_rounded", 1.3, [-0.5, 0.25, 3.0], {"gain": 0.1})
Posterior = dict[str, NDArray[np.float32]]


def posteriors(connection: psycopg.Connection, survey: str = "survey") -> Posterior:
    """(44,) numbers of each galaxy, by its id."""
    columns = ", ".join(FRACTIONS + CONCENTRATIONS)
    rows = connection.execute(
        f"SELECT survey_source_id, ARRAY[{columns}] FROM galcat.galaxy WHERE survey = %s".encode(), [survey]
    )
    return {name: np.array(numbers, np.float32) for name, numbers in rows}


def expected(network: Posterior, calibrations: list[QuestionCalibration]) -> Posterior:
    """By numpy, what the calibrations make of the network's posteriors."""
    made = {name: numbers.copy() for name, numbers in network.items()}
    names = list(QUESTIONS)
    starts = np.cumsum([0, *map(len, QUESTIONS.values())])
    for one in calibrations:
        q = names.index(one.question)
        part = slice(starts[q], starts[q + 1])
        for name, numbers in network.items():
            alpha = numbers[part].astype(np.float64) * numbers[len(FRACTIONS) + q]
            new = Calibration(one.temperature, np.array(one.shifts)).apply(alpha[None])[0]
            made[name][part] = new / new.sum()
            made[name][len(FRACTIONS) + q] = new.sum()
    return made


def assert_same(found: Posterior, wanted: Posterior) -> None:
    assert found.keys() == wanted.keys()
    for name, numbers in wanted.items():
        np.testing.assert_allclose(found[name], numbers, rtol=2e-6)


def flags(connection: psycopg.Connection) -> dict[str, int]:
    rows = connection.execute("SELECT survey, count(*) FROM galcat.galaxy WHERE is_calibrated GROUP BY 1")
    return dict(rows.fetchall())


def test_fractions_are_calibrated_as_numpy_does_it_and_given_back_bit_by_bit(
    connection: psycopg.Connection,
) -> None:
    survey, release = fill(connection, 12)
    other = register_survey(connection, SurveyRecord("other", "made up", ("g", "r"), "toml"))
    write_tile(connection, other, release, tile_record("there"), galaxy_rows(4, 9, "o"), [])
    network, of_other = posteriors(connection), posteriors(connection, "other")
    before = connection.execute("SELECT m::text FROM galcat.morphology AS m ORDER BY object_id").fetchall()
    assert store_calibration(connection, release, survey, [BAR, ROUND], "votes.csv") == 12
    assert_same(posteriors(connection), expected(network, [BAR, ROUND]))
    assert_same(posteriors(connection, "other"), of_other)
    assert flags(connection) == {"survey": 12}
    assert all(check.passed for check in run_checks(connection))
    stored = list_calibrations(connection)
    assert [(one.release, one.survey, one.question, one.votes_file) for one in stored] == [
        ("first", "survey", "bar", "votes.csv"),
        ("first", "survey", "how_rounded", "votes.csv"),
    ]
    assert (stored[0].temperature, stored[0].shifts, stored[0].report) == (
        0.7,
        [0.5, -1.25, 0.1],
        {"gain": 0.4},
    )
    assert store_calibration(connection, release, survey, [ROUND], "more.csv") == 12  # another in its place
    assert_same(posteriors(connection), expected(network, [ROUND]))
    assert undo_calibration(connection, release, survey) == 1
    after = connection.execute("SELECT m::text FROM galcat.morphology AS m ORDER BY object_id").fetchall()
    assert after == before
    assert list_calibrations(connection) == []
    assert undo_calibration(connection, release, survey) == 0


def test_the_networks_own_parameters_are_read_whatever_is_applied(connection: psycopg.Connection) -> None:
    survey, release = fill(connection, 3)
    ids = [row[0] for row in connection.execute("SELECT object_id FROM galcat.source ORDER BY 1").fetchall()]
    own = read_network_alpha(connection, release, [*ids, 5])
    store_calibration(connection, release, survey, [BAR], "votes.csv")
    again = read_network_alpha(connection, release, ids)
    assert list(own) == list(again) == ids
    sums = [len(answers) for answers in QUESTIONS.values()]
    for identity in ids:
        np.testing.assert_array_equal(own[identity], again[identity])
        assert len(own[identity]) == sum(sums)


def test_tiles_that_come_later_and_pictures_that_change_are_calibrated_too(
    connection: psycopg.Connection,
) -> None:
    survey, release = fill(connection, 6)
    store_calibration(connection, release, survey, [BAR], "votes.csv")
    later = galaxy_rows(5, 3, "later")
    write_tile(connection, survey, release, tile_record("later"), later, [])
    changed = galaxy_rows(6, 44)
    same_sky = replace(galaxy_rows(6, 0), fractions=changed.fractions, concentrations=changed.concentrations)
    digests = same_sky.picture_digests.copy()
    digests[:2] += 1  # two have a new picture; of the others nothing is written
    write_tile(connection, survey, release, tile_record(), replace(same_sky, picture_digests=digests), [])
    network = {
        **raw(galaxy_rows(6, 0)),
        **dict(list(raw(changed).items())[:2]),
        **raw(later),
    }
    assert_same(posteriors(connection), expected(network, [BAR]))
    assert all(check.passed for check in run_checks(connection))
    undo_calibration(connection, release, survey)
    assert_same(posteriors(connection), network)


def raw(rows: object) -> Posterior:
    from catalog.ingestion.records import GalaxyRows  # noqa: PLC0415 - its type alone

    assert isinstance(rows, GalaxyRows)
    numbers = np.concatenate([rows.fractions, rows.concentrations], axis=1)
    return dict(zip(rows.survey_source_id, numbers, strict=True))


def test_each_release_has_its_own_calibration_or_none(connection: psycopg.Connection) -> None:
    survey, first = fill(connection, 4)
    second = register_release(connection, release_record("second"))
    write_tile(connection, survey, second, tile_record(), galaxy_rows(4, 0), [])
    store_calibration(connection, first, survey, [BAR], "votes.csv")
    promote_release(connection, "second", force=True)
    assert flags(connection) == {}
    (line,) = describe_calibrated(connection, "second")
    assert line.startswith("survey survey: the calibration of another release does not hold for second")
    store_calibration(connection, second, survey, [BAR, ROUND], "votes.csv")
    assert describe_calibrated(connection, "second") == [
        "survey survey: 2 questions are calibrated in release second too"
    ]
    drop_release(connection, "first")
    assert [one.release for one in list_calibrations(connection)] == ["second", "second"]
    assert all(check.passed for check in run_checks(connection))


def test_the_check_names_a_galaxy_without_the_calibration_of_its_survey(
    connection: psycopg.Connection,
) -> None:
    survey, release = fill(connection, 3)
    store_calibration(connection, release, survey, [BAR], "votes.csv")
    connection.execute("DELETE FROM galcat.calibration")
    (failed,) = [check for check in run_checks(connection) if not check.passed]
    assert (failed.name, failed.violations) == ("calibrated", 3)


def test_the_comment_of_a_fraction_says_in_which_surveys_it_is_calibrated(
    connection: psycopg.Connection,
) -> None:
    survey, release = fill(connection, 3)
    store_calibration(connection, release, survey, [BAR], "votes.csv")
    said = dict(
        connection.execute(
            "SELECT column_name, description FROM tap_schema.columns WHERE table_name = 'galcat.galaxy'"
        ).fetchall()
    )
    assert said["bar_weak_fraction"].endswith("; calibrated to volunteers' votes in survey")
    assert "calibrated" not in said["how_rounded_round_fraction"]
    undo_calibration(connection, release, survey)
    comment = connection.execute(
        "SELECT count(*) FROM tap_schema.columns "
        "WHERE description LIKE '%calibrated to volunteers'' votes in%'"
    ).fetchone()
    assert comment == (0,)
