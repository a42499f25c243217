"""Jobs as the workers that run them see them: claimed, run again, completed or failed in galcat_tap.job."""

import logging
from collections.abc import Sequence

import psycopg

from catalog.tap.database.postgres_errors import make_storable
from catalog.tap.job_store.job import Job, JobResult
from catalog.tap.job_store.results import check_room
from catalog.tap.job_store.row import UnreadableJobError, select_jobs
from catalog.tap.limits import ServiceLimits

_log = logging.getLogger(__name__)

MAX_TRIES = 3
"""How often a job may begin: one that brings the service down each time is given up."""
_GIVEN_UP = f"the service ended {MAX_TRIES} times while the job ran: it is not run again"
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
        phase = CASE WHEN tries < %(max_tries)s THEN 'QUEUED' ELSE 'ERROR' END,
        error = CASE WHEN tries < %(max_tries)s THEN NULL ELSE %(reason)s END,
        started_at = CASE WHEN tries < %(max_tries)s THEN NULL ELSE started_at END,
        ended_at = CASE WHEN tries < %(max_tries)s THEN NULL ELSE pg_catalog.clock_timestamp() END
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
_BYTES = """
    SELECT coalesce(sum(result_bytes), 0)::bigint,
        coalesce(sum(result_bytes) FILTER (WHERE address = %s), 0)::bigint
    FROM galcat_tap.job
"""
_ALONE = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('galcat results', 0))"


def claim_job(writer: psycopg.Connection, max_an_address: int) -> Job | None:
    """Claim a job to run: until `release_job` or the end of this session, others see that it runs.

    The address with the fewest jobs that run is served first, and of its jobs, the one that has waited
    longest. A job that cannot be read fails, and the next is taken.

    Args:
        writer: The connection of the session that will run the job: it holds the claim.
        max_an_address: The number of running jobs, on all servers, from which an address gets no further one.
    """
    while True:
        with writer.transaction():
            writer.execute(_ONE_BY_ONE)  # else each of several sees an address without jobs, and all take one
            row = writer.execute(_CLAIM, [max_an_address]).fetchone()
            if row is None:
                return None
            job_id = str(row[0])
            writer.execute(_HOLD, [job_id])
        try:
            for job in select_jobs(writer, _CLAIMED, [job_id]):  # none where it was removed in this moment
                return job
        except UnreadableJobError:
            _log.exception("job %s is given up", job_id)
            writer.execute(_SPOIL, [_UNREADABLE, job_id])
        release_job(writer, job_id)


def release_job(writer: psycopg.Connection, job_id: str) -> None:
    """Give up the claim on a job that this session has run."""
    writer.execute(_LET_GO, [job_id])


def requeue_dead_jobs(writer: psycopg.Connection) -> int:
    """Queue again the jobs whose process is gone, or give them up; returns how many."""
    return writer.execute(_REVIVE, {"max_tries": MAX_TRIES, "reason": _GIVEN_UP}).rowcount


def complete_job(writer: psycopg.Connection, job: Job, result: JobResult, limits: ServiceLimits) -> bool:
    """Record a job's result; False where it was aborted or removed meanwhile.

    Raises:
        SpoolFullError: Others that ran at the same time have taken the room.
    """
    values = [result.file, result.content_type, result.size, result.rows, result.is_cut, job.job_id]
    with writer.transaction():
        lock_results(writer)
        check_room(result.size, find_room(writer, job.address, limits))
        return writer.execute(_COMPLETE, values).rowcount == 1


def fail_job(writer: psycopg.Connection, job_id: str, error: str) -> bool:
    """Record why a job failed; False where it was aborted or removed meanwhile."""
    return writer.execute(_FAIL, [make_storable(error), job_id]).rowcount == 1


def list_executing(writer: psycopg.Connection, job_ids: Sequence[str]) -> set[str]:
    """Find those of some jobs that nobody has aborted or removed."""
    return {str(row[0]) for row in writer.execute(_STILL, [list(job_ids)]).fetchall()}


def list_result_files(writer: psycopg.Connection) -> set[str]:
    """Read the names of all files that belong to jobs."""
    return {str(row[0]) for row in writer.execute(_FILES).fetchall()}


def find_room(writer: psycopg.Connection, address: str, limits: ServiceLimits) -> int:
    """Read how many bytes the next result of an address may have."""
    row = writer.execute(_BYTES, [address]).fetchone()
    of_all, of_address = (int(row[0]), int(row[1])) if row else (0, 0)
    left = min(limits.spool_bytes - of_all, limits.spool_bytes_an_address - of_address)
    return max(0, min(limits.answer_bytes, left))


def lock_results(writer: psycopg.Connection) -> None:
    """Keep all others from recording a result until this transaction ends."""
    writer.execute(_ALONE)
