"""/tap/async of TAP 1.1: the list of a client's jobs, and new ones (UWS 1.1)."""

from datetime import UTC, datetime

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalog.formats.xml import XML
from catalog.tap.faults import AskedWrongError
from catalog.tap.job_store.job import PHASES
from catalog.tap.job_store.store import JobFilter
from catalog.tap.limits import ServiceLimits
from catalog.tap.parameters import Parameters, read_parameters
from catalog.tap.service import Service
from catalog.tap.uploads.sent_tables import sent_tables
from catalog.tap.uws.control import Wishes
from catalog.tap.uws.documents import jobs_document
from catalog.tap.uws.parts import JobParts
from catalog.tap.uws.wait import wait_for_short_job

ASYNC = "/tap/async"

_OF_UWS = ("PHASE", "ACTION", "WAIT", "RUNID", "DESTRUCTION", "EXECUTIONDURATION")
_PARAMETERS_OVER_QUERY = 2


def job_list_routes(service: Service, parts: JobParts) -> list[Route]:
    """The route of the list."""

    async def show(request: Request) -> Response:
        wanted = _filter(await read_parameters(request, service.limits))
        address = service.client(request).address
        jobs = await run_sync(parts.control.list, address, wanted)
        return Response(jobs_document(jobs, service.base(request) + ASYNC), media_type=XML)

    async def create(request: Request) -> Response:
        parameters = await read_parameters(request, service.limits)
        is_to_run = parameters.choice("PHASE", ("RUN",)) is not None
        job_id = await run_sync(
            parts.control.create,
            service.client(request).address,
            service.base(request),
            query_parameters(parameters, service.limits),
            sent_tables(parameters, service.limits, service.base(request)),
            wishes(parameters),
        )
        if is_to_run:
            await run_sync(parts.control.run, await run_sync(parts.control.read, job_id))
            await wait_for_short_job(parts, job_id)
        return RedirectResponse(f"{service.base(request)}{ASYNC}/{job_id}", 303)

    return [Route(ASYNC, show, methods=["GET"]), Route(ASYNC, create, methods=["POST"])]


def query_parameters(parameters: Parameters, limits: ServiceLimits) -> dict[str, tuple[str, ...]]:
    """What belongs to the query, and is kept with the job.

    Raises:
        AskedWrongError: It is too long.
    """
    kept = {name: values for name, values in parameters.values.items() if name not in _OF_UWS}
    most = _PARAMETERS_OVER_QUERY * limits.query_bytes
    if sum(len(value) for values in kept.values() for value in values) > most:
        raise AskedWrongError(f"the parameters are longer than {most:,} bytes: upload long lists as a table")
    return kept


def wishes(parameters: Parameters) -> Wishes:
    """What is said of the job itself.

    Raises:
        AskedWrongError: A time is none.
    """
    destruction = parameters.one("DESTRUCTION")
    return Wishes(
        run_id=parameters.one("RUNID"),
        destruction=None if destruction is None else moment("DESTRUCTION", destruction),
        seconds=parameters.whole_number("EXECUTIONDURATION"),
    )


def moment(name: str, text: str) -> datetime:
    """A time in ISO 8601, UTC where it names no zone.

    Raises:
        AskedWrongError: It is none.
    """
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise AskedWrongError(
            f"{name} is {text[:50]!r}: expected a time such as 2030-01-31T12:00:00Z"
        ) from None
    return read.replace(tzinfo=read.tzinfo or UTC)


def _filter(parameters: Parameters) -> JobFilter:
    phases = tuple(phase.upper() for phase in parameters.values.get("PHASE", ()) if phase)
    for phase in phases:
        if phase not in PHASES:
            raise AskedWrongError(f"PHASE is {phase[:50]!r}: expected {', '.join(PHASES)}")
    after = parameters.one("AFTER")
    return JobFilter(
        phases, None if after is None else moment("AFTER", after), parameters.whole_number("LAST")
    )
