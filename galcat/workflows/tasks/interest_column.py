"""The expected rating of every galaxy of a personal anomaly search, as a column."""

from collections.abc import Callable, Iterator

import psycopg

from catalog.database.connection import connect
from catalog.releases.vectors import Vectors, read_vectors, stream_vectors
from catalog.tasks.model_versions import (
    NewVersion,
    Scores,
    Version,
    add_scores,
    find_current_version,
    find_unscored_galaxies,
    publish_version,
)
from catalog.tasks.tasks import show_task
from encoder.anomalies.gaussian_process import InterestModel, standardise
from galcat.workflows.tasks.anomaly_round import Search, read_search
from galcat.workflows.tasks.learn import Counted, Learnt
from galcat.workflows.writing import writing

METHOD = "interest"


def write_interest(url: str, name: str, progress: Callable[[int], None] | None = None) -> Learnt:
    """Fit the ratings of a task, and show what is expected of every galaxy at once.

    Where nobody rated since, galaxies that were ingested since get their scores.

    Args:
        url: The catalogue.
        name: Of the task.
        progress: Told how many more galaxies have been scored.

    Raises:
        CatalogError: There is no such task.
        JobError: The task has classes and no ratings.
        LearningError: Fewer than two galaxies are rated.
    """
    with writing(url) as connection, connect(url, autocommit=True) as reader:
        search = read_search(connection, name)
        shown = find_current_version(connection, search.task, search.release.release_id)
        if shown is not None and shown.labels_seen == search.ratings.labels_seen:
            show_task(connection, name)
            return Learnt(shown, is_new=False, galaxies=_score_later_ones(connection, search, shown))
        model = search.interest()
        new = NewVersion(
            search.task,
            search.release.release_id,
            METHOD,
            search.ratings.labels_seen,
            model.to_bytes(),
            {"galaxies": len(search.ratings.object_ids)},
        )
        counted = Counted(progress)
        with stream_vectors(reader, search.release, "search") as chunks:
            version = publish_version(connection, new, counted.passing(_expected(model, search, chunks)))
    return Learnt(version, is_new=True, galaxies=counted.galaxies)


def _score_later_ones(connection: psycopg.Connection, search: Search, shown: Version) -> int:
    """Score galaxies that came after the scores that are shown."""
    later = find_unscored_galaxies(connection, search.task, shown, search.release.release_id)
    if not later:
        return 0
    chunk = read_vectors(connection, search.release, later, "search")
    scores = _expected(InterestModel.from_bytes(shown.model), search, iter([chunk]))
    return add_scores(connection, search.task, shown, scores)


def _expected(model: InterestModel, search: Search, chunks: Iterator[Vectors]) -> Iterator[Scores]:
    for ids, vectors in chunks:
        mean, deviation = model.predict(standardise(vectors, search.release.deviations))
        yield ids, mean[:, None], deviation[:, None]
