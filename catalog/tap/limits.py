"""How much one client may ask of the service."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServiceLimits:
    """What bounds a query, a job and an upload; the usual figures of TAP services.

    Attributes:
        sync_seconds: For a synchronous query, from its start to its last byte.
        job_seconds: For a job that names no time of its own.
        max_job_seconds: What a job may ask for.
        rows: Of an answer where neither MAXREC nor TOP names a number.
        max_rows: What MAXREC or TOP may ask for.
        query_bytes: Of a query.
        request_bytes: Of a whole request, uploads included.
        upload_bytes: Of one uploaded table.
        upload_rows: Of one uploaded table.
        uploads: Tables that come with one query.
        queries_at_once: Queries that Postgres works on for synchronous clients.
        queries_waiting: Queries that wait for one of those; more are refused with 503.
        queries_at_once_an_address: Of these, queries of one address.
        queries_waiting_an_address: Queries of one address that wait.
        queue_seconds: How long a query waits; then it is refused with 503.
        unread_seconds: How long a client may take nothing of its answer, before it is taken to have left.
        jobs_at_once: Jobs that Postgres works on.
        jobs_at_once_an_address: Those of one address among them, so that others find a place.
        jobs_an_address: Jobs of one address that wait or run.
        job_days: How long a job and its result are kept.
        max_job_days: How long a job may ask to be kept.
        answer_bytes: Of one answer that must be whole before it is sent, and of a job's result.
        spool_bytes: Results of all jobs together.
        spool_bytes_an_address: Results of the jobs of one address.
        wait_seconds: How long an answer to WAIT is held back at most.
        waits_an_address: Answers of one address that are held back at once; further ones are given at once.
        log_days: How long the log of queries is kept.
    """

    sync_seconds: int = 60
    job_seconds: int = 600
    max_job_seconds: int = 3_600
    rows: int = 20_000
    max_rows: int = 5_000_000
    query_bytes: int = 200_000
    request_bytes: int = 25_000_000
    upload_bytes: int = 20_000_000
    upload_rows: int = 200_000
    uploads: int = 8
    queries_at_once: int = 8
    queries_waiting: int = 256
    queries_at_once_an_address: int = 4
    queries_waiting_an_address: int = 64
    queue_seconds: float = 30
    unread_seconds: float = 10
    jobs_at_once: int = 3
    jobs_at_once_an_address: int = 2
    jobs_an_address: int = 20
    job_days: int = 7
    max_job_days: int = 30
    answer_bytes: int = 2_000_000_000
    spool_bytes: int = 20_000_000_000
    spool_bytes_an_address: int = 5_000_000_000
    wait_seconds: int = 60
    waits_an_address: int = 20
    log_days: int = 90
