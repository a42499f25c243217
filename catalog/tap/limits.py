"""How much one client may ask of the service."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServiceLimits:
    """What bounds a query, a job and an upload; the usual figures of TAP services.

    Attributes:
        sync_seconds: For a synchronous query, from its start to its last byte.
        job_seconds: For a job that names no time of its own.
        most_job_seconds: What a job may ask for.
        rows: Of an answer where neither MAXREC nor TOP names a number.
        most_rows: What MAXREC or TOP may ask for.
        query_bytes: Of a query.
        request_bytes: Of a whole request, uploads included.
        upload_bytes: Of one uploaded table.
        upload_rows: Of one uploaded table.
        uploads: Tables that come with one query.
        queries_at_once: Queries that Postgres works on for synchronous clients.
        queries_waiting: Queries that wait for one of those; more are refused with 503.
        jobs_at_once: Jobs that Postgres works on.
        jobs_an_address: Jobs of one address that wait or run.
        job_days: How long a job and its result are kept.
        most_job_days: How long a job may ask to be kept.
        answer_bytes: Of one answer that must be whole before it is sent, and of a job's result.
        spool_bytes: Results of all jobs together.
        wait_seconds: How long an answer to WAIT is held back at most.
    """

    sync_seconds: int = 60
    job_seconds: int = 600
    most_job_seconds: int = 3_600
    rows: int = 20_000
    most_rows: int = 5_000_000
    query_bytes: int = 200_000
    request_bytes: int = 25_000_000
    upload_bytes: int = 20_000_000
    upload_rows: int = 200_000
    uploads: int = 8
    queries_at_once: int = 8
    queries_waiting: int = 64
    jobs_at_once: int = 2
    jobs_an_address: int = 20
    job_days: int = 7
    most_job_days: int = 30
    answer_bytes: int = 2_000_000_000
    spool_bytes: int = 20_000_000_000
    wait_seconds: int = 60
