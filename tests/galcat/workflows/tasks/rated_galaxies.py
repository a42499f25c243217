"""What tests of personal anomalies share: a catalogue, somebody's taste, and what the model should say."""

import numpy as np
from numpy.typing import NDArray

from catalog.database.connection import connect
from catalog.database.read_only import run_query
from catalog.tasks.anomaly_rounds import AnomalyRound
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.tasks import Task, add_task
from encoder.anomalies.acquisition import RatingBatch, next_batch
from encoder.anomalies.gaussian_process import InterestModel, fit_interest
from tests.galcat.cli.labelled_galaxies import LabelledGalaxies, fill_labelled

N = 200

ODD = Task("odd", "How odd is it?", "interest", ())

BLUE = Task("blue", "How blue is it?", "interest", ())

DEVIATIONS = np.linspace(0.02, 0.1, 40, dtype=np.float32)

Heard = dict[int, float]


def fill(database: str, n: int) -> LabelledGalaxies:
    with connect(database, autocommit=True) as connection:
        there = fill_labelled(connection, n)
        connection.execute("UPDATE galcat.release SET projection_deviations = %s", [DEVIATIONS.tolist()])
        add_task(connection, ODD)
        add_task(connection, BLUE)
    return there


def taste(galaxies: LabelledGalaxies) -> Heard:
    """What somebody would rate every galaxy, in halves."""
    wish = np.clip(2.5 + 4 * galaxies.search[:, 0] - 3 * galaxies.search[:, 1], 0, 5)
    return dict(zip(galaxies.object_ids.tolist(), (np.round(2 * wish) / 2).tolist(), strict=True))


def rate(database: str, heard: Heard, task: Task = ODD, who: str = "ann") -> Heard:
    with connect(database, autocommit=True) as connection:
        write_labels(connection, task, [Label(i, score) for i, score in heard.items()], who, "test")
    return heard


def rate_round(database: str, galaxies: LabelledGalaxies, made: AnomalyRound, task: Task = ODD) -> Heard:
    wishes = taste(galaxies)
    return rate(database, {i: wishes[i] for i in ids_of(made)}, task)


def ids_of(made: AnomalyRound) -> list[int]:
    return [offer.object_id for offer in made.offers]


def rows(database: str, query: str, *parameters: object) -> list[tuple[object, ...]]:
    with connect(database, autocommit=True) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def everything(database: str) -> list[list[tuple[object, ...]]]:
    """All that the rounds have stored."""
    tables = ("interest_round", "interest_offer", "interest_top")
    return [rows(database, f"SELECT * FROM galcat.{name} ORDER BY 1, 2, 3") for name in tables]


def standard(galaxies: LabelledGalaxies) -> NDArray[np.float32]:
    return (galaxies.search / DEVIATIONS).astype(np.float32)


def fit_ratings(galaxies: LabelledGalaxies, heard: Heard) -> InterestModel:
    """The model of some ratings, from what was written into the catalogue."""
    order = np.argsort(galaxies.object_ids)
    rated = [i for i in order.tolist() if int(galaxies.object_ids[i]) in heard]
    ratings = np.array([heard[int(galaxies.object_ids[i])] for i in rated])
    return fit_interest(standard(galaxies)[rated], ratings)


def expected_batch(
    galaxies: LabelledGalaxies, heard: Heard, offered: set[int]
) -> tuple[list[int], RatingBatch]:
    allowed = ~np.isin(galaxies.object_ids, list(offered | set(heard)))
    batch = next_batch(fit_ratings(galaxies, heard), standard(galaxies), allowed)
    return galaxies.object_ids[batch.ids].tolist(), batch


def read_shown(database: str, name: str = "odd_interest") -> Heard:
    with connect(database, autocommit=True) as connection:
        query = f"SELECT object_id, {name} FROM galcat.galaxy"
        return dict(run_query(connection, query).rows)  # type: ignore[arg-type] # two columns


def predict_all(galaxies: LabelledGalaxies, model: InterestModel) -> tuple[Heard, Heard]:
    """Mean and deviation of every galaxy."""
    mean, deviation = model.predict(standard(galaxies))
    ids = galaxies.object_ids.tolist()
    return dict(zip(ids, mean.tolist(), strict=True)), dict(zip(ids, deviation.tolist(), strict=True))
