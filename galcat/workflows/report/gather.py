"""Gathers what came into the catalogue since a moment, and what needs care."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from catalog.database.connection import connect
from catalog.releases.releases import current_release
from catalog.releases.state import Finding
from galcat.errors import WorkflowError

MAX_FAILED = 50
MAX_PICTURES = 24
_HOURLY = timedelta(days=14)
_DAILY = timedelta(days=750)
_SURVEYS = """
    SELECT v.name, count(*) FILTER (WHERE i.state = 'done'), count(*) FILTER (WHERE i.state = 'failed'),
        coalesce(sum(i.n_galaxies) FILTER (WHERE i.state = 'done'), 0)::bigint,
        coalesce(sum(i.n_skipped) FILTER (WHERE i.state = 'done'), 0)::bigint,
        coalesce(sum(i.n_failed) FILTER (WHERE i.state = 'done'), 0)::bigint
    FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id) JOIN galcat.survey AS v USING (survey_id)
    WHERE i.release_id = %(release)s AND i.finished_at >= %(since)s GROUP BY 1 ORDER BY 1
"""
_FAILED = """
    SELECT v.name, t.name, i.error, i.attempts
    FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id) JOIN galcat.survey AS v USING (survey_id)
    WHERE i.release_id = %(release)s AND i.finished_at >= %(since)s AND i.state = 'failed'
    ORDER BY 1, 2 LIMIT %(n)s
"""
_FIRST = """
    SELECT min(finished_at) FROM galcat.ingestion
    WHERE release_id = %(release)s AND state = 'done' AND finished_at >= %(since)s
"""
_BARS = """
    SELECT b.begins AT TIME ZONE 'UTC', coalesce(sum(i.n_galaxies), 0)::bigint
    FROM generate_series(date_trunc(%(unit)s, %(first)s::timestamptz AT TIME ZONE 'UTC'),
            %(until)s::timestamptz AT TIME ZONE 'UTC', %(step)s::interval) AS b (begins)
    LEFT JOIN galcat.ingestion AS i ON i.release_id = %(release)s AND i.state = 'done'
        AND i.finished_at AT TIME ZONE 'UTC' >= b.begins
        AND i.finished_at AT TIME ZONE 'UTC' < b.begins + %(step)s::interval
        AND i.finished_at >= %(since)s
    GROUP BY 1 ORDER BY 1
"""
_PICTURES = """
    SELECT s.object_id, s.ra, s.dec, p.jpeg FROM galcat.ingestion AS i JOIN galcat.source AS s USING (tile_id)
    JOIN galcat.thumbnail AS p USING (object_id)
    WHERE i.release_id = %(release)s AND i.finished_at >= %(since)s AND i.state = 'done' AND NOT s.is_retired
    ORDER BY s.object_id LIMIT %(n)s
"""
_LABELS = """
    SELECT l.task, count(*), count(DISTINCT l.labeller) FROM galcat.label AS l
    WHERE l.labelled_at >= %(since)s GROUP BY 1 ORDER BY 1
"""
_TOTAL = """
    SELECT count(*) FILTER (WHERE state = 'done'), coalesce(sum(n_galaxies), 0)::bigint
    FROM galcat.ingestion WHERE release_id = %(release)s
"""


@dataclass(frozen=True)
class SurveyCounts:
    """What came of one survey: tiles that are in or failed, and what became of their sources."""

    survey: str
    tiles: int
    failed: int
    galaxies: int
    skipped: int
    unreadable: int


@dataclass(frozen=True)
class FailedTile:
    """A tile that could not be read or written, and how often it was tried."""

    survey: str
    name: str
    error: str
    attempts: int


@dataclass(frozen=True)
class NewGalaxy:
    """A galaxy that came: its id, its position in ICRS degrees, and its thumbnail as JPEG."""

    object_id: int
    ra: float
    dec: float
    jpeg: bytes


@dataclass(frozen=True)
class CatalogueReport:
    """What came into the catalogue since a moment.

    Attributes:
        since: The moment that the report begins at.
        until: When this was gathered.
        release: Name of the release that is shown.
        tiles: Number of tiles in it.
        galaxies: Number of galaxies in them.
        surveys: What came of each survey.
        failed: The tiles that failed, 50 at most.
        bars: Number of galaxies that came in each hour, day or month, with its beginning, UTC.
        bar_unit: Which of these the bars are: so that a chart of years has no more of them than one of days.
        pictures: Some of the galaxies that came; ids are hashes, so no tile is preferred.
        labels: Task, number of labels, number of people who gave them.
        care: What needs care now.
    """

    since: datetime
    until: datetime
    release: str
    tiles: int
    galaxies: int
    surveys: tuple[SurveyCounts, ...]
    failed: tuple[FailedTile, ...]
    bars: tuple[tuple[datetime, int], ...]
    bar_unit: str
    pictures: tuple[NewGalaxy, ...]
    labels: tuple[tuple[str, int, int], ...]
    care: tuple[Finding, ...]

    @property
    def new_galaxies(self) -> int:
        """How many galaxies came."""
        return sum(survey.galaxies for survey in self.surveys)

    @property
    def n_failed(self) -> int:
        """How many tiles failed."""
        return sum(survey.failed for survey in self.surveys)


def gather_report(url: str, since: datetime, until: datetime, findings: Sequence[Finding]) -> CatalogueReport:
    """Gather what came into the current release.

    Args:
        url: URL of the catalogue's database; it is only read from.
        since: From when on, with a zone.
        until: The moment that the report ends at, the present.
        findings: How the catalogue stands.

    Raises:
        WorkflowError: Nothing has been ingested yet.
    """
    with connect(url) as connection:
        # All figures are of one moment, though tiles come in meanwhile.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        current = current_release(connection)
        if current is None:
            raise WorkflowError("the catalogue is empty: fill it with galcat demo or galcat ingest")

        def select(query: str, n: int = 0, **more: object) -> list[psycopg.rows.TupleRow]:
            values = {"release": current.release_id, "since": since, "until": until, "n": n, **more}
            return connection.execute(query.encode(), values).fetchall()

        tiles, galaxies = select(_TOTAL)[0]
        first, unit = _choose_bars(since, until, select(_FIRST)[0][0])
        return CatalogueReport(
            since=since,
            until=until,
            release=current.name,
            tiles=int(tiles),
            galaxies=int(galaxies),
            surveys=tuple(SurveyCounts(*row) for row in select(_SURVEYS)),
            failed=tuple(FailedTile(*row) for row in select(_FAILED, MAX_FAILED)),
            bars=tuple(
                (row[0], int(row[1])) for row in select(_BARS, first=first, unit=unit, step=f"1 {unit}")
            ),
            bar_unit=unit,
            pictures=tuple(
                NewGalaxy(row[0], row[1], row[2], bytes(row[3])) for row in select(_PICTURES, MAX_PICTURES)
            ),
            labels=tuple((row[0], int(row[1]), int(row[2])) for row in select(_LABELS)),
            care=tuple(finding for finding in findings if not finding.is_well),
        )


def _choose_bars(since: datetime, until: datetime, first: datetime | None) -> tuple[datetime, str]:
    """Where a chart begins, and what its bars are: of a long time nothing is drawn before the first tile."""
    begin = since if until - since <= _HOURLY or first is None else first
    if until - begin <= _HOURLY:
        return begin, "hour"
    return begin, "day" if until - begin <= _DAILY else "month"
