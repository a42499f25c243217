"""The routes of a job's small documents: times, error, parameters, and the result itself (UWS 1.1)."""

from collections.abc import Callable, Iterator
from pathlib import Path

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from catalog.formats.choose import VOTABLE
from catalog.formats.votable.document import votable_error
from catalog.formats.xml import XML, iso
from catalog.tap.answers.response import OVERFLOW_HEADER
from catalog.tap.errors import NotFoundError
from catalog.tap.job_store.job import Job
from catalog.tap.middleware.compression import accepts_gzip, gzip_pieces
from catalog.tap.service import Service
from catalog.tap.uws.job_parts import JobParts
from catalog.tap.uws.job_xml import write_parameters, write_results
from catalog.tap.uws.list_routes import ASYNC

_CHUNK_BYTES = 2**20


def job_document_routes(service: Service, parts: JobParts) -> list[Route]:
    """Make the routes that show a part of a job."""

    def make_route(part: str, show: Callable[[Job, Request], Response]) -> Route:
        async def answer(request: Request) -> Response:
            job_id = request.path_params["job_id"]
            return await run_sync(lambda: show(parts.control.read(job_id), request))

        return Route(f"{ASYNC}/{{job_id}}/{part}", answer, methods=["GET"])

    def results(job: Job, request: Request) -> Response:
        url = f"{service.base(request)}{ASYNC}/{job.job_id}"
        return Response(write_results(job, url), media_type=XML)

    def result(job: Job, request: Request) -> Response:
        return _result(job, request, parts)

    return [
        make_route("executionduration", lambda job, _: PlainTextResponse(str(job.execution_seconds))),
        make_route("destruction", lambda job, _: PlainTextResponse(iso(job.destruction))),
        make_route("quote", lambda _job, _: PlainTextResponse("")),
        make_route("owner", lambda _job, _: PlainTextResponse("")),
        make_route("parameters", lambda job, _: Response(write_parameters(job), media_type=XML)),
        make_route("error", lambda job, _: _error(job)),
        make_route("results", results),
        make_route("results/result", result),
    ]


def _error(job: Job) -> Response:
    if job.phase != "ERROR":
        raise NotFoundError(f"job {job.job_id} has no error: it is {job.phase}")
    return Response(votable_error(job.error), media_type=VOTABLE)


def _result(job: Job, request: Request, parts: JobParts) -> Response:
    if job.result is None:
        raise NotFoundError(f"job {job.job_id} has no result: {job.error or f'it is {job.phase}'}")
    path = parts.results.path(job.result.file)
    if not path.is_file():
        raise NotFoundError(f"the result of job {job.job_id} is not on this server")
    headers = {OVERFLOW_HEADER: str(job.result.is_cut).lower(), "Vary": "Accept-Encoding"}
    kind = job.result.content_type
    if accepts_gzip(request):
        headers["Content-Encoding"] = "gzip"
        return StreamingResponse(gzip_pieces(_chunks(path)), headers=headers, media_type=kind)
    return FileResponse(path, headers=headers, media_type=kind)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
