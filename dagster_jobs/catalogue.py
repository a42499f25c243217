"""The catalogue a job writes to: its schema up to date, its survey and release registered."""

from collections.abc import Iterator
from contextlib import contextmanager

from catalog.migrate import migrate
from catalog.release import current_release, register_release
from catalog.writer import register_survey
from dagster_jobs.errors import JobError
from dagster_jobs.ingest import Target
from dagster_jobs.rows import release_record, survey_record
from dagster_jobs.writing import writing
from encoder.encoder import Encoder
from encoder.survey import Survey


@contextmanager
def open_target(url: str, survey: Survey, encoder: Encoder) -> Iterator[Target]:
    """Bring the schema up to date, register survey and release, and open the way for rows.

    Raises:
        JobError: The catalogue serves a release of other weights, so these vectors would not be comparable.
    """
    migrate(url)
    with writing(url) as connection:
        release_id = register_release(connection, release_record(encoder))
        current = current_release(connection)
        if current is None or current[0] != release_id:
            raise JobError(
                f"the catalogue serves the weights {current[1][:12] if current else 'of no release'}..., "
                f"this encoder is {encoder.name} ({encoder.sha256[:12]}...): use the encoder of that release"
            )
        yield Target(connection, register_survey(connection, survey_record(survey)), release_id)
