"""Writes jobs as XML documents (UWS 1.1)."""

from collections.abc import Sequence
from datetime import datetime

from catalog.formats.xml import HEAD, attributes, content, iso
from catalog.tap.job_store.job import Job, JobSummary

_NAMESPACES = (
    'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="1.1"'
)


def write_job(job: Job, url: str) -> bytes:
    """Write a whole job; `url` is its own."""
    summary = _error(job.error) if job.phase == "ERROR" else ""
    parts = (
        _element("jobId", job.job_id),
        _element("runId", job.run_id) if job.run_id else "",
        '<uws:ownerId xsi:nil="true"/>\n',
        _element("phase", job.phase),
        '<uws:quote xsi:nil="true"/>\n',
        _element("creationTime", iso(job.created_at)),
        _time("startTime", job.started_at),
        _time("endTime", job.ended_at),
        _element("executionDuration", str(job.execution_seconds)),
        _element("destruction", iso(job.destruction)),
        _parameters(job),
        _results(job, url),
        summary,
    )
    return f"{HEAD}<uws:job {_NAMESPACES}>\n{''.join(parts)}</uws:job>\n".encode()


def write_jobs(jobs: Sequence[JobSummary], url: str) -> bytes:
    """Write a list of jobs; `url` is that of the list."""
    refs = "".join(_reference(job, url) for job in jobs)
    return f"{HEAD}<uws:jobs {_NAMESPACES}>\n{refs}</uws:jobs>\n".encode()


def write_parameters(job: Job) -> bytes:
    """Write a job's parameters."""
    return (HEAD + _parameters(job).replace("<uws:parameters>", f"<uws:parameters {_NAMESPACES}>")).encode()


def write_results(job: Job, url: str) -> bytes:
    """Write where a job's result is; `url` is the job's."""
    return (HEAD + _results(job, url).replace("<uws:results>", f"<uws:results {_NAMESPACES}>")).encode()


def _reference(job: JobSummary, url: str) -> str:
    href = f"{url}/{job.job_id}"
    return (
        f'<uws:jobref{attributes(id=job.job_id)} xlink:type="simple"{attributes(**{"xlink:href": href})}>\n'
        f"{_element('phase', job.phase)}"
        f"{_element('runId', job.run_id) if job.run_id else ''}"
        '<uws:ownerId xsi:nil="true"/>\n'
        f"{_element('creationTime', iso(job.created_at))}"
        "</uws:jobref>\n"
    )


def _parameters(job: Job) -> str:
    named = [(name, value) for name, values in job.parameters.items() for value in values]
    inside = "".join(
        f"<uws:parameter{attributes(id=name)}>{content(value)}</uws:parameter>\n" for name, value in named
    )
    return f"<uws:parameters>\n{inside}</uws:parameters>\n"


def _results(job: Job, url: str) -> str:
    inside = ""
    if job.result is not None:
        link = attributes(**{"xlink:href": f"{url}/results/result", "mime-type": job.result.content_type})
        inside = f'<uws:result id="result" size="{job.result.size}" xlink:type="simple"{link}/>\n'
    return f"<uws:results>\n{inside}</uws:results>\n"


def _error(message: str) -> str:
    return (
        '<uws:errorSummary type="fatal" hasDetail="true">\n'
        f"{_element('message', message)}</uws:errorSummary>\n"
    )


def _time(name: str, time: datetime | None) -> str:
    return f'<uws:{name} xsi:nil="true"/>\n' if time is None else _element(name, iso(time))


def _element(name: str, text: str) -> str:
    return f"<uws:{name}>{content(text)}</uws:{name}>\n"
