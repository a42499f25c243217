"""The next galaxies of a personal anomaly search: ratings in, a batch to rate and a top list out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.releases.vectors import ProjectedRelease, current_projected_release, read_vectors, stream_vectors
from catalog.tasks.anomaly_rounds import (
    AnomalyRound,
    NewAnomalyRound,
    Offer,
    TopList,
    choose_first_offers,
    find_last_round,
    read_offered_ids,
    write_round,
)
from catalog.tasks.labels import Ratings, read_mean_ratings
from catalog.tasks.tasks import Task, find_task
from encoder.anomalies.acquisition import BATCH, TOP, Candidates
from encoder.anomalies.gaussian_process import InterestModel, fit_interest, standardise
from galcat.errors import JobError
from galcat.workflows.writing import writing


@dataclass(frozen=True)
class Search:
    """What a round starts from, at one moment.

    Attributes:
        task: Of what.
        release: Whose vectors.
        ratings: Of the galaxies that have a vector.
        vectors: (n, 40) standardised, of these galaxies.
        before: The last round; None before the first.
    """

    task: Task
    release: ProjectedRelease
    ratings: Ratings
    vectors: NDArray[np.float32]
    before: AnomalyRound | None

    def interest(self) -> InterestModel:
        """Fit the Gaussian process.

        Raises:
            LearningError: Fewer than two galaxies are rated.
        """
        return fit_interest(self.vectors, self.ratings.ratings)


def next_round(
    url: str, name: str, *, strangest_first: bool = False, progress: Callable[[int], None] | None = None
) -> AnomalyRound:
    """The open round of a task, or, where all of it is rated, a new one.

    The first round is random, always the same for one task and catalogue, or the strangest galaxies by
    `anomaly_score`; later ones have the highest expected improvement (Walmsley et al. 2022).

    Args:
        url: The catalogue.
        name: Of the task.
        strangest_first: What the first round is.
        progress: Told how many more galaxies have been looked at.

    Raises:
        CatalogError: There is no such task, somebody else made a round meanwhile, or the strangest are wanted
            of a release without anomaly_score.
        JobError: The task has classes and no ratings, or no galaxy is left to offer.
    """
    with writing(url) as connection:
        search = read_search(connection, name)
        if search.before is not None and search.before.is_open:
            return search.before
        known = np.union1d(search.ratings.object_ids, read_offered_ids(connection, search.task))
        model = search.interest() if len(search.ratings.object_ids) > 1 else None
        if model is None:
            offers, top = (
                choose_first_offers(
                    connection, search.task, search.release, known, BATCH, strangest=strangest_first
                ),
                None,
            )
        else:
            offers, top = _expected(connection, search, model, known, progress)
        if not offers:
            raise JobError(f"every galaxy has been offered to task {name}: none is left")
        new = NewAnomalyRound(
            search.release.release_id,
            search.ratings.labels_seen,
            len(search.ratings.object_ids),
            None if model is None else model.to_bytes(),
        )
        after = 0 if search.before is None else search.before.round
        write_round(connection, search.task, new, offers, top, after)
        made = find_last_round(connection, search.task)
    if made is None:
        raise JobError(f"the rounds of task {name} were removed meanwhile")
    return made


def read_search(connection: psycopg.Connection, name: str) -> Search:
    """Ratings and vectors of a task with ratings.

    Raises:
        CatalogError: There is no such task.
        JobError: The task has classes and no ratings.
    """
    task = find_task(connection, name)
    if task.kind != "interest":
        raise JobError(f"task {name} has the classes {', '.join(task.classes)}: see galcat tasks")
    release = current_projected_release(connection)
    ratings = read_mean_ratings(connection, task)
    ids, search = read_vectors(connection, release, ratings.object_ids.tolist(), "search")
    kept = np.isin(ratings.object_ids, ids)
    return Search(
        task,
        release,
        Ratings(ids, ratings.ratings[kept], ratings.labels_seen),
        standardise(search, release.deviations),
        find_last_round(connection, task),
    )


def rate_by(
    search: Search, model: InterestModel, connection: psycopg.Connection, object_ids: list[int]
) -> list[Offer]:
    """What a model expects of some galaxies, on demand; one without a vector is left out."""
    ids, vectors = read_vectors(connection, search.release, object_ids, "search")
    mean, deviation = model.predict(standardise(vectors, search.release.deviations))
    return [
        Offer(identity, None, interest, uncertainty)
        for identity, interest, uncertainty in zip(
            ids.tolist(), mean.tolist(), deviation.tolist(), strict=True
        )
    ]


def _expected(
    connection: psycopg.Connection,
    search: Search,
    model: InterestModel,
    known: NDArray[np.int64],
    progress: Callable[[int], None] | None,
) -> tuple[list[Offer], TopList]:
    candidates = Candidates(model, BATCH, TOP)
    with stream_vectors(connection, search.release, "search") as chunks:
        for ids, vectors in chunks:
            candidates.add(ids, standardise(vectors, search.release.deviations), ~np.isin(ids, known))
            if progress is not None:
                progress(len(ids))
    batch, ranking = candidates.batch, candidates.ranking
    improvement = batch.improvement.astype(np.float32)  # Postgres refuses to round what is next to nothing
    columns = (batch.ids, improvement, batch.mean, batch.deviation)
    offers = [Offer(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    ids, vectors = read_vectors(connection, search.release, ranking.ids.tolist(), "search")
    _, deviation = model.predict(standardise(vectors, search.release.deviations))
    kept = np.isin(ranking.ids, ids)  # one may have gone meanwhile
    uncertainty = deviation[np.searchsorted(ids, ranking.ids[kept])]
    return offers, TopList(ranking.ids[kept], ranking.mean[kept], uncertainty)
