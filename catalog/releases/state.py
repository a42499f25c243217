"""How the catalogue stands tonight: what failed, what is missing, what waits, how full and how far behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from catalog.constants import MIN_RECALL
from catalog.counts import count_of
from catalog.releases.missing_tiles import count_missing_tiles
from catalog.releases.releases import current_release, list_releases

SHOWN = 3
_FAILED = """
    SELECT t.name, i.error, count(*) OVER () FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id)
    WHERE i.release_id = %s AND i.state = 'failed' ORDER BY i.finished_at DESC, t.name LIMIT %s
"""
_LAST = """
    SELECT count(*) FILTER (WHERE state = 'done'), coalesce(sum(n_galaxies), 0)::bigint,
        to_char(max(finished_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
        count(*) FILTER (WHERE finished_at > pg_catalog.now() - interval '1 day'),
        count(*) FILTER (WHERE finished_at > pg_catalog.now() - interval '1 day' AND state = 'failed')
    FROM galcat.ingestion WHERE release_id = %s
"""
_SIZE = "SELECT pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(pg_catalog.current_database()))"
_STANDBY = """
    SELECT pg_catalog.pg_is_in_recovery(),
        coalesce(extract(epoch FROM pg_catalog.now() - pg_catalog.pg_last_xact_replay_timestamp()), 0)::bigint
"""
_JOBS = """
    SELECT count(*) FILTER (WHERE phase = 'QUEUED'), count(*) FILTER (WHERE phase = 'EXECUTING'),
        coalesce(extract(epoch FROM pg_catalog.now() - min(queued_at) FILTER (WHERE phase = 'QUEUED')),
            0)::bigint
    FROM galcat_tap.job
"""
_RECALL = """
    SELECT recall, nearest, to_char(measured_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), occasion
    FROM galcat.recall WHERE release_id = %s ORDER BY measured_at DESC LIMIT 1
"""
_HAS_INDEX = "SELECT galcat.has_search_index(%s::smallint)"
_MAX_QUEUE_S = 3_600
_MAX_LAG_S = 600


@dataclass(frozen=True)
class Finding:
    """One line of the state.

    Attributes:
        name: What it is about, in one word.
        text: How the subject stands, in a few words.
        remedy: What to do about it; empty where nothing has to be done.
    """

    name: str
    text: str
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        """True where nothing has to be done."""
        return not self.remedy


def describe_state(connection: psycopg.Connection) -> Iterator[Finding]:
    """Describe what the database itself knows, a line at a time.

    Args:
        connection: Open connection in autocommit mode; only read from. Its schema is up to date.
    """
    current = current_release(connection)
    if current is None:
        yield Finding("release", "there is none yet", "fill the catalogue by galcat ingest")
        return
    yield Finding("release", f"{current.name} is shown")
    yield from _tiles(connection, current.release_id)
    yield from _releases(connection)
    yield from _recall(connection, current.release_id)
    yield from _server(connection)


def _tiles(connection: psycopg.Connection, release_id: int) -> Iterator[Finding]:
    done, galaxies, last, today, failed_today = _one(connection, _LAST, [release_id])
    held = f"{count_of(done, 'tile')} with {count_of(galaxies, 'galaxy')}"
    yield Finding("tiles", f"{held}, the last one tried at {last} UTC" if last else held)
    yield Finding("last day", f"{count_of(today, 'tile')} tried, {failed_today:,} failed")
    failed = connection.execute(_FAILED.encode(), [release_id, SHOWN]).fetchall()
    if failed:
        n = failed[0][2]
        named = "; ".join(f"{name}: {error}" for name, error, _ in failed)
        more = f"; and {n - SHOWN:,} more" if n > SHOWN else ""
        yield Finding(
            "failed", f"{count_of(n, 'tile')}: {named}{more}", "mend the files; the night tries again"
        )
    else:
        yield Finding("failed", "no tile")


def _releases(connection: psycopg.Connection) -> Iterator[Finding]:
    for release in list_releases(connection):
        if release.is_current:
            (has_index,) = _one(connection, _HAS_INDEX, [release.release_id])
            yield Finding(
                "index",
                f"the vector index {'is there' if has_index else 'is not built'}",
                "" if has_index else "galcat jobs builds it at night",
            )
        missing, names = count_missing_tiles(connection, release.release_id, SHOWN)
        if missing:
            yield Finding(
                "filling",
                f"release {release.name} lacks {count_of(missing, 'tile')}, such as {', '.join(names)}",
                f"it is shown as it is: galcat release backfill {release.name}" if release.is_current else "",
            )


def _recall(connection: psycopg.Connection, release_id: int) -> Iterator[Finding]:
    row = connection.execute(_RECALL.encode(), [release_id]).fetchone()
    if row is None:
        yield Finding("recall", "was not measured yet; galcat check does")
        return
    share, nearest, when, occasion = row
    yield Finding(
        "recall",
        f"the vector index finds {share:.1%} of the {nearest} nearest ({occasion}, {when} UTC)",
        "galcat check measures it again, and says what to do" if share < MIN_RECALL else "",
    )


def _server(connection: psycopg.Connection) -> Iterator[Finding]:
    yield Finding("database", f"{_one(connection, _SIZE)[0]} on disk")
    is_standby, lag_s = _one(connection, _STANDBY)
    if is_standby:
        late = lag_s > _MAX_LAG_S
        yield Finding(
            "standby",
            f"{lag_s:,} s behind its primary",
            "see whether the primary sends its log" if late else "",
        )
    queued, executing, oldest_s = _one(connection, _JOBS)
    waits = oldest_s > _MAX_QUEUE_S
    running = f"{count_of(executing, 'job')} {'runs' if executing == 1 else 'run'}, {queued:,} wait"
    yield Finding(
        "service",
        running + (f", the first for {oldest_s // 60:,} min" if queued else ""),
        "start galcat serve: nobody runs them" if waits else "",
    )


def _one(connection: psycopg.Connection, query: str, values: list[object] | None = None) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None  # noqa: S101 - an aggregate
    return tuple(row)
