"""The routes /tap/async of TAP 1.1: the list of a client's jobs, and new ones (UWS 1.1)."""

from datetime import UTC, datetime
from functools import partial

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalog.formats.xml import XML
from catalog.tap.errors import UsageError
from catalog.tap.job_store.client_store import JobFilter
from catalog.tap.job_store.job import PHASES
from catalog.tap.parameters import RequestParameters, read_parameters
from catalog.tap.service import Service
from catalog.tap.uploads.upload_parameter import parse_uploads
from catalog.tap.uws.control import JobOptions
from catalog.tap.uws.job_parts import JobParts
from catalog.tap.uws.job_xml import write_jobs
from catalog.tap.uws.long_poll import wait_for_short_job

ASYNC = "/tap/async"

_OF_UWS = ("PHASE", "ACTION", "WAIT", "RUNID", "DESTRUCTION", "EXECUTIONDURATION")


def job_list_routes(service: Service, parts: JobParts) -> list[Route]:
    """Make the routes of the list."""

    async def show(request: Request) -> Response:
        job_filter = _parse_filter(await read_parameters(request, service.limits))
        address = service.client(request).address
        url = service.base(request) + ASYNC
        return Response(
            await run_sync(lambda: write_jobs(parts.control.list(address, job_filter), url)), media_type=XML
        )

    async def create(request: Request) -> Response:
        parameters = await read_parameters(request, service.limits)
        is_to_run = parameters.choice("PHASE", ("RUN",)) is not None
        create_job = partial(
            parts.control.create,
            service.client(request).address,
            service.base(request),
            select_query_parameters(parameters),
            parse_uploads(parameters, service.limits, service.base(request)),
            parse_job_options(parameters),
            runs=is_to_run,
        )
        job_id = await run_sync(create_job)
        if is_to_run:
            await wait_for_short_job(parts, job_id)
        return RedirectResponse(f"{service.base(request)}{ASYNC}/{job_id}", 303)

    return [Route(ASYNC, show, methods=["GET"]), Route(ASYNC, create, methods=["POST"])]


def select_query_parameters(parameters: RequestParameters) -> dict[str, tuple[str, ...]]:
    """Select the parameters that belong to the query, which are kept with the job."""
    return {name: values for name, values in parameters.values.items() if name not in _OF_UWS}


def parse_job_options(parameters: RequestParameters) -> JobOptions:
    """Read the parameters that concern the job itself.

    Raises:
        UsageError: A time is none, or a name is long.
    """
    destruction = parameters.one("DESTRUCTION")
    return JobOptions(
        run_id=parameters.short("RUNID"),
        destruction=None if destruction is None else parse_time("DESTRUCTION", destruction),
        seconds=parameters.whole_number("EXECUTIONDURATION"),
    )


def parse_time(name: str, text: str) -> datetime:
    """Read a time in ISO 8601, UTC where it names no zone.

    Raises:
        UsageError: The text is no time.
    """
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{name} is {text[:50]!r}: expected a time such as 2030-01-31T12:00:00Z") from None
    return read.replace(tzinfo=read.tzinfo or UTC)


def _parse_filter(parameters: RequestParameters) -> JobFilter:
    phases = tuple(phase.upper() for phase in parameters.values.get("PHASE", ()) if phase)
    for phase in phases:
        if phase not in PHASES:
            raise UsageError(f"PHASE is {phase[:50]!r}: expected {', '.join(PHASES)}")
    after = parameters.one("AFTER")
    return JobFilter(
        phases, None if after is None else parse_time("AFTER", after), parameters.whole_number("LAST")
    )
