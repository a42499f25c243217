"""Jobs as those see them who run them: by a keeper's connection in autocommit mode."""

from collections.abc import Sequence

import psycopg

from catalog.tap.kept.job import Job, Result
from catalog.tap.kept.row import select_jobs
from catalog.tap.stored_text import storable

TRIES = 3
"""How often a job may begin: one that brings the service down each time is given up."""
_GIVEN_UP = f"the service ended {TRIES} times while the job ran: it is not run again"
_CLAIM = """
    UPDATE galcat_tap.job SET phase = 'EXECUTING', started_at = pg_catalog.clock_timestamp(),
        tries = tries + 1
    WHERE job_id = (
        SELECT q.job_id FROM galcat_tap.job AS q WHERE q.phase = 'QUEUED'
        ORDER BY q.queued_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING *
"""
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
_DELETE_OLD = "DELETE FROM galcat_tap.job WHERE destruction < pg_catalog.clock_timestamp() RETURNING *"
_FILES = "SELECT result_file FROM galcat_tap.job WHERE result_file IS NOT NULL"
_BYTES = "SELECT coalesce(sum(result_bytes), 0)::bigint FROM galcat_tap.job"


def claim_job(keeper: psycopg.Connection) -> Job | None:
    """Take the job that has waited longest: until `let_go` or the end of this session, others see it run."""
    with keeper.transaction():
        found = select_jobs(keeper, _CLAIM, [])
        for job in found:
            keeper.execute(_HOLD, [job.job_id])
    return found[0] if found else None


def let_go(keeper: psycopg.Connection, job_id: str) -> None:
    """Say that this session runs a job no more."""
    keeper.execute(_LET_GO, [job_id])


def revive_jobs(keeper: psycopg.Connection) -> int:
    """Queue again the jobs whose process is gone, or give them up; returns how many."""
    return keeper.execute(_REVIVE, {"most": TRIES, "reason": _GIVEN_UP}).rowcount


def delete_old_jobs(keeper: psycopg.Connection) -> list[Job]:
    """Remove the rows of jobs whose destruction has come; returns them as they were."""
    return select_jobs(keeper, _DELETE_OLD, [])


def complete_job(keeper: psycopg.Connection, job_id: str, result: Result) -> bool:
    """Record a job's result; False where it was aborted or removed meanwhile."""
    values = [result.file, result.content_type, result.size, result.rows, result.is_cut, job_id]
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


def result_bytes(keeper: psycopg.Connection) -> int:
    """Size of all results together."""
    row = keeper.execute(_BYTES).fetchone()
    return int(str(row[0])) if row else 0
