"""Limits of what one client may ask of the service."""

from dataclasses import dataclass

NO_BOUND = 2**62
"""More bytes than any disk has."""


@dataclass(frozen=True)
class ServiceLimits:
    """The bounds of queries, jobs and uploads; their defaults are the usual figures of TAP services.

    What one address may have at once is less than half of all, so that two that take all they may still leave
    something to a third.

    Attributes:
        sync_seconds: How long a synchronous query may take, from its start to its last byte.
        job_seconds: How long a job may run that names no time of its own.
        max_job_seconds: The longest time that a job may ask for.
        rows: How many rows an answer has at most where neither MAXREC nor TOP names a number.
        max_rows: The largest number of rows that MAXREC or TOP may ask for.
        query_bytes: How long the text of a query may be, in bytes.
        request_bytes: How long a whole request may be, uploads included, in bytes.
        request_seconds: How long a client may take to send a form, in seconds.
        bodies_bytes: How much the bodies of all requests that are being read or answered may have together,
            in bytes: what is no file lies in memory, files lie on the disk.
        bodies_bytes_an_address: How much of it may be of one address, in bytes.
        upload_bytes: How large one uploaded file may be, in bytes.
        upload_rows: How many rows one uploaded table may have.
        uploads: How many tables may come with one query.
        stored_bytes_a_table: How long the text of one uploaded table may be once it is unpacked, in bytes.
        stored_bytes_an_address: How much disk the uploaded tables of one address may take, in bytes.
        stored_bytes: How much disk all uploaded tables may take together, in bytes.
        min_free_bytes: Below so much free disk no table is accepted and no result kept, in bytes; of the
            service's disk, and of the database's where that is one of this machine.
        database_bytes: How large uploaded tables may let the database become, in bytes: for a server whose
            disk the service cannot see. Usually without a bound.
        queries_at_once: How many queries of synchronous clients Postgres works on at once.
        queries_waiting: How many queries may wait for that; more are refused with 503.
        queries_at_once_an_address: How many of the running queries may be of one address.
        queries_waiting_an_address: How many of the waiting queries may be of one address.
        queue_seconds: How long a query, a picture or a file of HATS may wait; then it is refused with 503.
        pictures_at_once: How many small pictures are read from the database at once.
        pictures_waiting: How many requests for pictures may wait for that; more are refused with 503.
        pictures_at_once_an_address: How many of the pictures that are read may be for one address.
        pictures_waiting_an_address: How many of those that wait may be of one address: a browser asks for six
            at once, and a classroom has one address.
        hats_at_once: How many files of HATS exports are sent at once.
        hats_waiting: How many requests for such files may wait for that; more are refused with 503.
        hats_at_once_an_address: How many of the files that are sent may go to one address.
        hats_waiting_an_address: How many of those that wait may be of one address: LSDB asks for a file in
            pieces, by many threads.
        unread_seconds: How long a client may take nothing of its answer before it is taken to have left.
        jobs_at_once: How many jobs Postgres works on at once.
        jobs_at_once_an_address: How many of the running jobs may be of one address.
        jobs_an_address: How many jobs of one address may wait or run.
        ended_jobs_an_address: How many jobs of one address that have ended are kept; the oldest go first.
        listed_jobs: How many jobs a list shows at most.
        job_days: How many days a job and its result are kept.
        max_job_days: The largest number of days for which a job may ask to be kept.
        answer_bytes: How large an answer that must be whole before it is sent may be, and a job's result, in
            bytes.
        spool_bytes: How much disk the results of all jobs may take together, in bytes.
        spool_bytes_an_address: How much disk the results of the jobs of one address may take, in bytes.
        wait_seconds: How long an answer to a request with WAIT is held back at most.
        waits_an_address: How many answers of one address are held back at once; further ones are given at
            once.
        log_days: How many days the log of queries is kept.
        log_bytes: How large the log of queries may be, in bytes.
    """

    sync_seconds: int = 60
    job_seconds: int = 600
    max_job_seconds: int = 3_600
    rows: int = 20_000
    max_rows: int = 5_000_000
    query_bytes: int = 200_000
    request_bytes: int = 25_000_000
    request_seconds: float = 120
    bodies_bytes: int = 400_000_000
    bodies_bytes_an_address: int = 100_000_000
    upload_bytes: int = 20_000_000
    upload_rows: int = 200_000
    uploads: int = 8
    stored_bytes_a_table: int = 200_000_000
    stored_bytes_an_address: int = 500_000_000
    stored_bytes: int = 5_000_000_000
    min_free_bytes: int = 1_000_000_000
    database_bytes: int = NO_BOUND
    queries_at_once: int = 8
    queries_waiting: int = 256
    queries_at_once_an_address: int = 3
    queries_waiting_an_address: int = 64
    queue_seconds: float = 30
    pictures_at_once: int = 6
    pictures_waiting: int = 900
    pictures_at_once_an_address: int = 2
    pictures_waiting_an_address: int = 400
    hats_at_once: int = 16
    hats_waiting: int = 500
    hats_at_once_an_address: int = 6
    hats_waiting_an_address: int = 200
    unread_seconds: float = 10
    jobs_at_once: int = 5
    jobs_at_once_an_address: int = 2
    jobs_an_address: int = 20
    ended_jobs_an_address: int = 500
    listed_jobs: int = 1_000
    job_days: int = 7
    max_job_days: int = 30
    answer_bytes: int = 2_000_000_000
    spool_bytes: int = 20_000_000_000
    spool_bytes_an_address: int = 5_000_000_000
    wait_seconds: int = 60
    waits_an_address: int = 20
    log_days: int = 90
    log_bytes: int = 1_000_000_000
