"""The expected rating of every galaxy of a personal anomaly search, as a column."""

from collections.abc import Callable, Iterator

import psycopg

from catalog.database.connection import connect
from catalog.releases.vectors import Vectors, read_vectors, stream_vectors
from catalog.tasks.model_versions import (
    NewVersion,
    ScoreChunk,
    Version,
    add_scores,
    find_current_version,
    find_unscored_galaxies,
    publish_version,
)
from catalog.tasks.tasks import show_task
from encoder.anomalies.gaussian_process import InterestModel, standardise
from galcat.workflows.tasks.anomaly_round import AnomalySession, read_session
from galcat.workflows.tasks.learn import LearningResult, ScoreCounter
from galcat.workflows.writing import writing

METHOD = "interest"


def write_interest(url: str, name: str, progress: Callable[[int], None] | None = None) -> LearningResult:
    """Fit the ratings of a task, and show what is expected of every galaxy at once.

    Where nobody rated since, galaxies that were ingested since get their scores.

    Args:
        url: URL of the catalogue's database.
        name: Name of the task.
        progress: Told how many more galaxies have been scored.

    Raises:
        CatalogError: There is no such task.
        WorkflowError: The task has classes and no ratings.
        LearningError: Fewer than two galaxies are rated.
    """
    with writing(url) as connection, connect(url, autocommit=True) as reader:
        session = read_session(connection, name)
        shown = find_current_version(connection, session.task, session.release.release_id)
        if shown is not None and shown.labels_seen == session.ratings.labels_seen:
            show_task(connection, name)
            return LearningResult(shown, is_new=False, galaxies=_score_later_ones(connection, session, shown))
        model = session.fit_interest()
        new = NewVersion(
            session.task,
            session.release.release_id,
            METHOD,
            session.ratings.labels_seen,
            model.to_bytes(),
            {"galaxies": len(session.ratings.object_ids)},
        )
        counter = ScoreCounter(progress)
        with stream_vectors(reader, session.release, "search") as chunks:
            version = publish_version(connection, new, counter.count(_predict_scores(model, session, chunks)))
    return LearningResult(version, is_new=True, galaxies=counter.galaxies)


def _score_later_ones(connection: psycopg.Connection, session: AnomalySession, shown: Version) -> int:
    """Score galaxies that came after the scores that are shown."""
    later = find_unscored_galaxies(connection, session.task, shown, session.release.release_id)
    if not later:
        return 0
    chunk = read_vectors(connection, session.release, later, "search")
    scores = _predict_scores(InterestModel.from_bytes(shown.model), session, iter([chunk]))
    return add_scores(connection, session.task, shown, scores)


def _predict_scores(
    model: InterestModel, session: AnomalySession, chunks: Iterator[Vectors]
) -> Iterator[ScoreChunk]:
    for ids, vectors in chunks:
        mean, deviation = model.predict(standardise(vectors, session.release.deviations))
        yield ids, mean[:, None], deviation[:, None]
