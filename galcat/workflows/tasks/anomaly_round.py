"""The next galaxies of a personal anomaly search: ratings in, a batch to rate and a top list out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.releases.vectors import (
    ProjectedRelease,
    Vectors,
    current_projected_release,
    read_vectors,
    stream_vectors,
)
from catalog.search.memory.galaxy_memory import GalaxyMemory
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
from catalog.tasks.held_galaxies import are_all_there, find_held_galaxies
from catalog.tasks.labels import Ratings, read_mean_ratings
from catalog.tasks.tasks import Task, find_task
from encoder.anomalies.acquisition import BATCH, TOP, Candidates, Galaxies, Ranking, use_one_processor
from encoder.anomalies.gaussian_process import InterestModel, fit_interest, standardise
from galcat.errors import WorkflowError
from galcat.workflows.writing import writing


@dataclass(frozen=True)
class AnomalySession:
    """What a round of a personal anomaly search starts from, at one moment.

    Attributes:
        task: The task that asks for ratings.
        release: The current release, whose vectors are used.
        ratings: Mean ratings of the galaxies that have a vector.
        vectors: (n, 40) search vectors of these galaxies, standardised.
        before: The last round; None before the first.
    """

    task: Task
    release: ProjectedRelease
    ratings: Ratings
    vectors: NDArray[np.float32]
    before: AnomalyRound | None

    def fit_interest(self) -> InterestModel:
        """Fit the Gaussian process that expects a rating of every galaxy.

        Raises:
            LearningError: Fewer than two galaxies are rated.
        """
        return fit_interest(self.vectors, self.ratings.ratings)


def open_next_round(
    url: str,
    name: str,
    *,
    strangest_first: bool = False,
    progress: Callable[[int], None] | None = None,
    memory: GalaxyMemory | None = None,
) -> AnomalyRound:
    """Find the open round of a task, or, where all of it is rated, make a new one.

    The first round is random, always the same for one task and catalogue, or the strangest galaxies by
    `anomaly_score`; later ones have the highest expected improvement (Walmsley et al. 2022).

    Args:
        url: URL of the catalogue's database.
        name: Name of the task.
        strangest_first: Whether the first round holds the strangest galaxies; else random ones.
        progress: Told how many more galaxies have been looked at.
        memory: The galaxies in memory, which make it quicker and choose the same; None where none are held.

    Raises:
        CatalogError: There is no such task, somebody else made a round meanwhile, or the strangest are wanted
            of a release without anomaly_score.
        WorkflowError: The task has classes and no ratings, or no galaxy is left to offer.
    """
    with writing(url) as connection:
        session = read_session(connection, name)
        if session.before is not None and session.before.is_open:
            return session.before
        known = np.union1d(session.ratings.object_ids, read_offered_ids(connection, session.task))
        model = session.fit_interest() if len(session.ratings.object_ids) > 1 else None
        if model is None:
            offers, top = (
                choose_first_offers(
                    connection, session.task, session.release, known, BATCH, strangest=strangest_first
                ),
                None,
            )
        else:
            offers, top = _choose_offers(connection, session, model, known, progress, memory)
        if not offers:
            raise WorkflowError(f"every galaxy has been offered to task {name}: none is left")
        new = NewAnomalyRound(
            session.release.release_id,
            session.ratings.labels_seen,
            len(session.ratings.object_ids),
            None if model is None else model.to_bytes(),
        )
        after = 0 if session.before is None else session.before.round
        write_round(connection, session.task, new, offers, top, after)
        made = find_last_round(connection, session.task)
    if made is None:
        raise WorkflowError(f"the rounds of task {name} were removed meanwhile")
    return made


def read_session(connection: psycopg.Connection, name: str) -> AnomalySession:
    """Read the ratings of a task, and the vectors of the galaxies that were rated.

    Raises:
        CatalogError: There is no such task.
        WorkflowError: The task has classes and no ratings.
    """
    task = find_task(connection, name)
    if task.kind != "interest":
        raise WorkflowError(f"task {name} has the classes {', '.join(task.classes)}: see galcat tasks")
    release = current_projected_release(connection)
    ratings = read_mean_ratings(connection, task)
    ids, vectors = read_vectors(connection, release, ratings.object_ids.tolist(), "search")
    kept = np.isin(ratings.object_ids, ids)
    return AnomalySession(
        task,
        release,
        Ratings(ids, ratings.ratings[kept], ratings.labels_seen),
        standardise(vectors, release.deviations),
        find_last_round(connection, task),
    )


def predict_ratings(
    session: AnomalySession, model: InterestModel, connection: psycopg.Connection, object_ids: list[int]
) -> list[Offer]:
    """Predict the ratings of some galaxies, on demand; one without a vector is left out."""
    ids, vectors = read_vectors(connection, session.release, object_ids, "search")
    mean, deviation = model.predict(standardise(vectors, session.release.deviations))
    return [
        Offer(identity, None, interest, uncertainty)
        for identity, interest, uncertainty in zip(
            ids.tolist(), mean.tolist(), deviation.tolist(), strict=True
        )
    ]


def _choose_offers(
    connection: psycopg.Connection,
    session: AnomalySession,
    model: InterestModel,
    known: NDArray[np.int64],
    progress: Callable[[int], None] | None,
    memory: GalaxyMemory | None,
) -> tuple[list[Offer], TopList]:
    held = find_held_galaxies(connection, session.release, memory)
    if held is not None:
        candidates = Candidates(model, BATCH, TOP)
        candidates.add_each(partial(_prepare, session, known, chunk) for chunk in held.list_vectors())
        ranking = candidates.ranking
        if are_all_there(connection, session.release, np.union1d(candidates.batch.ids, ranking.ids)):
            vectors = held.find_vectors(ranking.ids)
            return _make_offers(candidates), _make_top_list(session, model, ranking, vectors)
    candidates = Candidates(model, BATCH, TOP)
    with stream_vectors(connection, session.release, "search") as chunks:
        for chunk in chunks:
            candidates.add(*_prepare(session, known, chunk))
            if progress is not None:
                progress(len(chunk[0]))
    ranking = candidates.ranking
    ids, vectors = read_vectors(connection, session.release, ranking.ids.tolist(), "search")
    kept = np.isin(ranking.ids, ids)  # one may have gone meanwhile
    ranking = Ranking(ranking.ids[kept], ranking.mean[kept])
    vectors = vectors[np.searchsorted(ids, ranking.ids)]
    return _make_offers(candidates), _make_top_list(session, model, ranking, vectors)


def _prepare(session: AnomalySession, known: NDArray[np.int64], chunk: Vectors) -> Galaxies:
    ids, vectors = chunk
    return ids, standardise(vectors, session.release.deviations), ~np.isin(ids, known)


def _make_offers(candidates: Candidates) -> list[Offer]:
    batch = candidates.batch
    improvement = batch.improvement.astype(np.float32)  # Postgres refuses to round what is next to nothing
    columns = (batch.ids, improvement, batch.mean, batch.deviation)
    return [Offer(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _make_top_list(
    session: AnomalySession, model: InterestModel, ranking: Ranking, vectors: NDArray[np.float32]
) -> TopList:
    """A ranking with its deviations; search vectors (n, 40) are in its order."""
    with use_one_processor():
        _, deviation = model.predict(standardise(vectors, session.release.deviations))
    return TopList(ranking.ids, ranking.mean, deviation)
