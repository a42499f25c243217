"""The catalogue a job writes to: its schema up to date, its survey and release registered."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg

from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.database.requirements import require_supported
from catalog.ingestion.tile_rows import register_survey
from catalog.releases.bulk_load import loading
from catalog.releases.measured import keep_measured
from catalog.releases.releases import (
    Release,
    current_release,
    find_release,
    hold_release,
    list_releases,
    register_release,
)
from encoder.model.encoder import Encoder
from encoder.surveys.description import Survey
from galcat.errors import WorkflowError
from galcat.workflows.ingest.rows import release_record, survey_record
from galcat.workflows.writing import writing


@dataclass(frozen=True)
class IngestionTarget:
    """Where an ingestion writes its rows: a survey and a release of the catalogue.

    Attributes:
        connection: Open connection that acts as the writer.
        survey_id: Number of the survey that the rows belong to.
        release_id: Number of the release that the vectors belong to.
        release: Name of that release.
    """

    connection: psycopg.Connection
    survey_id: int
    release_id: int
    release: str


def require_writable(url: str) -> None:
    """Refuse a server on which galcat does not ingest, before anything is read for it.

    Raises:
        ServerError: Its Postgres or pgvector is too old; the text has the steps.
    """
    with connect(url, autocommit=True) as connection:
        require_supported(connection)


@contextmanager
def open_target(url: str, survey: Survey, encoder: Encoder) -> Iterator[IngestionTarget]:
    """Bring the schema up to date, register survey and first release, and open the way for rows.

    Ingestion is for the current release alone; another catches up by its backfill.

    Raises:
        WorkflowError: The catalogue serves a release of other weights, so these vectors would not be
            comparable.
    """
    migrate(url)
    with writing(url) as connection:
        if current_release(connection) is None:
            register_release(connection, release_record(encoder))
        current = current_release(connection)
        if current is None or current.weights_sha256 != encoder.sha256:
            raise WorkflowError(_other_weights(current, encoder))
        keep_measured(connection, current.release_id, release_record(encoder).measured)
        with hold_release(connection, current.name), loading(connection):
            survey_id = register_survey(connection, survey_record(survey))
            yield IngestionTarget(connection, survey_id, current.release_id, current.name)


def check_weights(url: str, encoder: Encoder) -> None:
    """Refuse an encoder that is not the current release's, before anything is read for it.

    Raises:
        WorkflowError: The catalogue serves a release of other weights.
    """
    migrate(url)
    with writing(url) as connection:
        current = current_release(connection)
    if current is not None and current.weights_sha256 != encoder.sha256:
        raise WorkflowError(_other_weights(current, encoder))


def create_release(url: str, encoder: Encoder, name: str | None) -> Release:
    """Register an encoder as one more release: it is not current, unless it is the first.

    Args:
        url: URL of the catalogue's database; its schema is brought up to date first.
        encoder: Encoder that the release is made of.
        name: Name of the release; None for the encoder's own.

    Raises:
        WorkflowError: These weights are a release already.
        CatalogError: Another release has that name.
    """
    migrate(url)
    record = release_record(encoder)
    record = replace(record, name=name or record.name)
    with writing(url) as connection:
        for release in list_releases(connection):
            if release.weights_sha256 == encoder.sha256:
                raise WorkflowError(f"these weights are a release already: {release.name}")
        register_release(connection, record)
        return find_release(connection, record.name)


def _other_weights(current: Release | None, encoder: Encoder) -> str:
    shown = f"{current.weights_sha256[:12]}... (release {current.name})" if current else "of no release"
    return (
        f"the catalogue serves the weights {shown}, this encoder is {encoder.name} "
        f"({encoder.sha256[:12]}...): give the weights of that release, or make these a second release by "
        "galcat release create"
    )
