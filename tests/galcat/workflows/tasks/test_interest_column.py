"""The column of a personal anomaly search: of every galaxy, whole, and behind nobody's ratings."""

import pytest

from catalog.database.connection import connect
from catalog.tasks.tasks import hide_task
from encoder.anomalies.gaussian_process import InterestModel
from galcat.workflows.tasks import interest_column
from galcat.workflows.tasks.interest_column import write_interest
from tests.galcat.cli.labelled_galaxies import LabelledGalaxies, fill_labelled
from tests.galcat.workflows.tasks.rated_galaxies import N, fit_ratings, predict_all, rate, read_shown, taste


def test_the_column_is_what_the_model_says_of_every_galaxy(database: str, galaxies: LabelledGalaxies) -> None:
    heard = rate(database, {int(i): taste(galaxies)[int(i)] for i in galaxies.object_ids[:12]})
    told: list[int] = []
    done = write_interest(database, "odd", told.append)
    assert (done.is_new, done.galaxies, done.version.version, sum(told)) == (True, N, 1, N)
    mean, deviation = predict_all(galaxies, fit_ratings(galaxies, heard))
    assert read_shown(database) == pytest.approx(mean, abs=1e-5)
    assert read_shown(database, "odd_uncertainty") == pytest.approx(deviation, abs=1e-5)
    again = write_interest(database, "odd", told.append)
    assert (again.is_new, again.galaxies, again.version, sum(told)) == (False, 0, done.version, N)
    heard |= rate(database, {int(galaxies.object_ids[20]): 5.0})
    assert write_interest(database, "odd").version.version == 2
    assert read_shown(database) == pytest.approx(
        predict_all(galaxies, fit_ratings(galaxies, heard))[0], abs=1e-5
    )


def test_killed_in_the_middle_the_former_column_stays(database: str, galaxies: LabelledGalaxies) -> None:
    rate(database, {int(i): taste(galaxies)[int(i)] for i in galaxies.object_ids[:12]})
    write_interest(database, "odd")
    before = read_shown(database)
    rate(database, {int(galaxies.object_ids[20]): 5.0})

    def kill(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_interest(database, "odd", kill)
    assert read_shown(database) == before
    assert write_interest(database, "odd").version.version == 2
    assert read_shown(database) != before


def test_a_column_that_was_dropped_comes_back_without_a_new_rating(
    database: str, galaxies: LabelledGalaxies
) -> None:
    rate(database, {int(i): taste(galaxies)[int(i)] for i in galaxies.object_ids[:12]})
    write_interest(database, "odd")
    before = read_shown(database)
    with connect(database, autocommit=True) as connection:
        assert hide_task(connection, "odd")
    done = write_interest(database, "odd")
    assert (done.is_new, done.galaxies) == (True, N)
    assert read_shown(database) == before


def test_galaxies_that_come_later_get_their_score_without_a_new_rating(
    database: str, galaxies: LabelledGalaxies
) -> None:
    rate(database, {int(i): taste(galaxies)[int(i)] for i in galaxies.object_ids[:12]})
    done = write_interest(database, "odd")
    before = read_shown(database)
    with connect(database, autocommit=True) as connection:
        later = fill_labelled(connection, 30, seed=5, tile="later")
    again = write_interest(database, "odd")
    assert (again.is_new, again.galaxies, again.version) == (False, 30, done.version)
    after = read_shown(database)
    assert {i: after[i] for i in before} == before
    mean, _ = predict_all(later, InterestModel.from_bytes(done.version.model))
    assert {i: after[i] for i in later.object_ids.tolist()} == pytest.approx(mean, abs=1e-5)


def test_ratings_that_come_while_the_column_is_written_are_for_the_next_time(
    database: str, galaxies: LabelledGalaxies
) -> None:
    heard = rate(database, {int(i): taste(galaxies)[int(i)] for i in galaxies.object_ids[:12]})

    def meanwhile(_: int) -> None:
        rate(database, {int(galaxies.object_ids[20]): 5.0})

    done = write_interest(database, "odd", meanwhile)
    assert (done.version.labels_seen, done.version.report) == (12, {"galaxies": 12})
    assert done.version.method == interest_column.METHOD
    assert done.version.model == fit_ratings(galaxies, heard).to_bytes()
    assert write_interest(database, "odd").version.labels_seen == 13
