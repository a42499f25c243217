"""Runs the query of one job and writes its answer to a file."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext

from catalog.tap.answers.answer_stream import AnswerStream
from catalog.tap.answers.request import parse_tap_request
from catalog.tap.answers.sync import LINKS_PATH
from catalog.tap.database.postgres_errors import timeout_message
from catalog.tap.job_store.job import Job, JobResult
from catalog.tap.job_store.results import JobResults
from catalog.tap.parameters import RequestParameters
from catalog.tap.queries.run_query import RunningQuery
from catalog.tap.service import Service

Running = dict[str, RunningQuery]
"""What runs now, by job_id."""


def make_result(
    service: Service,
    results: JobResults,
    job: Job,
    max_bytes: int,
    running: Running,
) -> JobResult:
    """Run a job's query and write its answer.

    Args:
        service: The service that runs the job.
        results: Where the file with the answer is written.
        job: The job to run; its parameters are checked here and may be wrong.
        max_bytes: How large the answer may be, in bytes.
        running: Holds the query while it runs, by the job's identifier, so that others can stop it.

    Raises:
        CatalogError: The parameters or the query are wrong, it took too long, was stopped, or needs too much
            room; no file is left then.
    """
    tap_request = parse_tap_request(RequestParameters(dict(job.parameters)), service.limits)
    query = RunningQuery(service.connections, service.cache, tap_request.query, job.execution_seconds)
    links = job.base_url + LINKS_PATH
    uploads = nullcontext(job.uploads)
    answer = AnswerStream(
        query, tap_request.form, tap_request.query.text, links, service.spool, max_bytes, uploads
    )
    name = f"{job.job_id}.{tap_request.form.ending}"
    with closing(answer), _make_stoppable(job, query, running):
        size = results.write(name, answer.pieces(is_live=False), max_bytes)
    return JobResult(name, tap_request.form.content_type, size, query.count, query.is_cut)


@contextmanager
def _make_stoppable(job: Job, query: RunningQuery, running: Running) -> Iterator[None]:
    """Others can stop the query, and its time does."""
    clock = threading.Timer(job.execution_seconds, query.stop, [timeout_message(job.execution_seconds)])
    clock.start()
    running[job.job_id] = query
    try:
        yield
    finally:
        clock.cancel()
        del running[job.job_id]
