"""Where a workflow writes rows to."""

from dataclasses import dataclass

import psycopg


@dataclass(frozen=True)
class Target:
    """Where the rows go: an open connection, and the survey and release they belong to."""

    connection: psycopg.Connection
    survey_id: int
    release_id: int
