"""Jobs as those see them who run them: by a keeper's connection in autocommit mode."""

import logging
from collections.abc import Sequence

import psycopg

from catalog.tap.database.postgres_errors import storable
from catalog.tap.job_store.job import Job, Result
from catalog.tap.job_store.results import check_room
from catalog.tap.job_store.row import UnreadableError, select_jobs
from catalog.tap.limits import ServiceLimits

_log = logging.getLogger(__name__)

TRIES = 3
"""How often a job may begin: one that brings the service down each time is given up."""
_GIVEN_UP = f"the service ended {TRIES} times while the job ran: it is not run again"
_ONE_BY_ONE = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('galcat claim', 0))"
_CLAIM = """
    UPDATE galcat_tap.job SET phase = 'EXECUTING', started_at = pg_catalog.clock_timestamp(),
        tries = tries + 1
    WHERE job_id = (
        SELECT q.job_id FROM galcat_tap.job AS q LEFT JOIN (
            SELECT e.address, count(*) AS n FROM galcat_tap.job AS e WHERE e.phase = 'EXECUTING'
            GROUP BY e.address) AS running ON running.address = q.address
        WHERE q.phase = 'QUEUED' AND coalesce(running.n, 0) < %s
        ORDER BY coalesce(running.n, 0), q.queued_at LIMIT 1 FOR UPDATE OF q SKIP LOCKED)
    RETURNING job_id
"""
_CLAIMED = "SELECT * FROM galcat_tap.job WHERE job_id = %s"
_SPOIL = """
    UPDATE galcat_tap.job SET phase = 'ERROR', ended_at = pg_catalog.clock_timestamp(), error = %s,
        parameters = '{}', uploads = '{}', destruction = pg_catalog.clock_timestamp() + interval '1 day'
    WHERE job_id = %s
"""
_UNREADABLE = "the service cannot read this job any more: make a new one"
_HOLD = "SELECT pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended('galcat job ' || %s, 0))"
_LET_GO = "SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('galcat job ' || %s, 0))"
_REVIVE = """
    WITH running AS MATERIALIZED (SELECT r.job_id FROM galcat_tap.job AS r WHERE r.phase = 'EXECUTING'),
    dead AS MATERIALIZED (
        SELECT job_id FROM running
        WHERE pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('galcat job ' || job_id, 0)))
    UPDATE galcat_tap.job SET
        phase = CASE WHEN tries < %(most)s THEN 'QUEUED' ELSE 'ERROR' END,
        error = CASE WHEN tries < %(most)s THEN NULL ELSE %(reason)s END,
        started_at = CASE WHEN tries < %(most)s THEN NULL ELSE started_at END,
        ended_at = CASE WHEN tries < %(most)s THEN NULL ELSE pg_catalog.clock_timestamp() END
    WHERE phase = 'EXECUTING' AND job_id IN (SELECT job_id FROM dead)
"""
_COMPLETE = """
    UPDATE galcat_tap.job SET phase = 'COMPLETED', ended_at = pg_catalog.clock_timestamp(),
        result_file = %s, result_type = %s, result_bytes = %s, result_rows = %s, is_cut = %s
    WHERE job_id = %s AND phase = 'EXECUTING'
"""
_FAIL = """
    UPDATE galcat_tap.job SET phase = 'ERROR', ended_at = pg_catalog.clock_timestamp(), error = %s
    WHERE job_id = %s AND phase = 'EXECUTING'
"""
_STILL = "SELECT job_id FROM galcat_tap.job WHERE job_id = ANY (%s) AND phase = 'EXECUTING'"
_FILES = "SELECT result_file FROM galcat_tap.job WHERE result_file IS NOT NULL"


def claim_job(keeper: psycopg.Connection, most_an_address: int) -> Job | None:
    """Take a job to run: until `let_go` or the end of this session, others see it run.

    The address with the fewest jobs that run is served first, and of its jobs, the one that has waited
    longest. A job that cannot be read fails, and the next is taken.

    Args:
        keeper: Of the session that will run it.
        most_an_address: An address with so many jobs that run, on all servers, gets no further one.
    """
    while True:
        with keeper.transaction():
            keeper.execute(_ONE_BY_ONE)  # else each of several sees an address without jobs, and all take one
            row = keeper.execute(_CLAIM, [most_an_address]).fetchone()
            if row is None:
                return None
            job_id = str(row[0])
            keeper.execute(_HOLD, [job_id])
        try:
            for job in select_jobs(keeper, _CLAIMED, [job_id]):  # none where it was removed in this moment
                return job
        except UnreadableError:
            _log.exception("job %s is given up", job_id)
            keeper.execute(_SPOIL, [_UNREADABLE, job_id])
        let_go(keeper, job_id)


def let_go(keeper: psycopg.Connection, job_id: str) -> None:
    """Say that this session runs a job no more."""
    keeper.execute(_LET_GO, [job_id])


def revive_jobs(keeper: psycopg.Connection) -> int:
    """Queue again the jobs whose process is gone, or give them up; returns how many."""
    return keeper.execute(_REVIVE, {"most": TRIES, "reason": _GIVEN_UP}).rowcount


def complete_job(keeper: psycopg.Connection, job: Job, result: Result, limits: ServiceLimits) -> bool:
    """Record a job's result; False where it was aborted or removed meanwhile.

    Raises:
        FullError: Others that ran at the same time have taken the room.
    """
    values = [result.file, result.content_type, result.size, result.rows, result.is_cut, job.job_id]
    with keeper.transaction():
        record_alone(keeper)
        check_room(result.size, room_for(keeper, job.address, limits))
        return keeper.execute(_COMPLETE, values).rowcount == 1


def fail_job(keeper: psycopg.Connection, job_id: str, error: str) -> bool:
    """Record why a job failed; False where it was aborted or removed meanwhile."""
    return keeper.execute(_FAIL, [storable(error), job_id]).rowcount == 1


def still_executing(keeper: psycopg.Connection, job_ids: Sequence[str]) -> set[str]:
    """Those of some jobs that nobody has aborted or removed."""
    return {str(row[0]) for row in keeper.execute(_STILL, [list(job_ids)]).fetchall()}


def result_files(keeper: psycopg.Connection) -> set[str]:
    """Names of all files that belong to jobs."""
    return {str(row[0]) for row in keeper.execute(_FILES).fetchall()}


_BYTES = """
    SELECT coalesce(sum(result_bytes), 0)::bigint,
        coalesce(sum(result_bytes) FILTER (WHERE address = %s), 0)::bigint
    FROM galcat_tap.job
"""
_ALONE = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('galcat results', 0))"


def room_for(keeper: psycopg.Connection, address: str, limits: ServiceLimits) -> int:
    """Bytes that the next result of an address may have."""
    row = keeper.execute(_BYTES, [address]).fetchone()
    of_all, of_address = (int(row[0]), int(row[1])) if row else (0, 0)
    left = min(limits.spool_bytes - of_all, limits.spool_bytes_an_address - of_address)
    return max(0, min(limits.answer_bytes, left))


def record_alone(keeper: psycopg.Connection) -> None:
    """See to it that nobody else records a result until this transaction ends."""
    keeper.execute(_ALONE)
