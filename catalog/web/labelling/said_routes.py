"""What people said of a task: to look at, to take back, to take along as a file, to bring as a file."""

from datetime import UTC, datetime

from anyio.to_thread import run_sync
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalog.formats.result_file import FILE_FORMATS, write_result
from catalog.result import Result
from catalog.tap.datalink.galaxy_files import parse_object_id
from catalog.tap.errors import NotFoundError, UsageError
from catalog.tap.parameters import read_parameters
from catalog.tap.service import Service
from catalog.tasks.labels import list_labels
from catalog.tasks.tasks import Task
from catalog.web.labelling.asked_task import find_asked_task
from catalog.web.labelling.label_files import StoredFile, store_label_file
from catalog.web.labelling.progress import Progress, read_progress
from catalog.web.labelling.sent_labels import SentLabel, store_together
from catalog.web.labelling.sessions import Sessions, Visitor
from catalog.web.pages import HEADERS, NotAllowedError, page, render
from catalog.web.sent_table import MAX_BYTES

_SHOWN = 500
_TYPES = {"votable": "application/x-votable+xml", "json": "application/json", "csv": "text/csv"}
_ENDINGS = {"votable": "vot"}


def said_routes(service: Service, sessions: Sessions) -> list[Route]:
    """Make the routes of what people said of a task."""

    @page
    async def said(request: Request) -> Response:
        visitor = await _require_known(sessions, request)
        return await _show(service, request, visitor)

    @page
    async def withdraw(request: Request) -> Response:
        parameters = await read_parameters(request, service.limits)
        visitor = await sessions.require(request, parameters.one("FORM_TOKEN") or "")
        task = await run_sync(find_asked_task, service, request)
        text = parameters.short("OBJECT_ID") or ""
        object_id = parse_object_id(text)
        if object_id is None:
            raise UsageError(f"{text[:50]!r} is no object_id")
        taken_back = [SentLabel(object_id, None, datetime.now(UTC))]
        await run_sync(store_together, sessions, visitor, task, taken_back)
        return RedirectResponse(f"/label/{task.name}/said", 303, HEADERS)

    @page
    async def bring(request: Request) -> Response:
        parameters = await read_parameters(request, service.limits)
        visitor = await sessions.require(request, parameters.one("FORM_TOKEN") or "")
        file = parameters.files.get("file")
        if file is None or not file.filename:
            raise UsageError("no file came: choose a table with object_id, or positions, and an answer a row")
        content = await file.read(MAX_BYTES + 1)
        stored = await run_sync(_store, service, sessions, request, visitor, content, file)
        return await _show(service, request, visitor, stored)

    @page
    async def take(request: Request) -> Response:
        visitor = await _require_known(sessions, request)
        output_format = request.path_params["format"]
        if output_format not in FILE_FORMATS:
            raise NotFoundError(f"labels are written as {', '.join(FILE_FORMATS)}")
        who = visitor.name if "mine" in request.query_params else None
        content = await run_sync(_write, service, request, who, output_format)
        name = f"{request.path_params['task']}.{_ENDINGS.get(output_format, output_format)}"
        kind = _TYPES.get(output_format, "application/octet-stream")
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, headers=headers, media_type=kind)

    return [
        Route("/label/{task}/said", said),
        Route("/label/{task}/said", bring, methods=["POST"]),
        Route("/label/{task}/withdraw", withdraw, methods=["POST"]),
        Route("/label/{task}/labels/{format}", take),
    ]


async def _show(
    service: Service, request: Request, visitor: Visitor, stored: StoredFile | None = None
) -> Response:
    task, found, progress = await run_sync(_read, service, request, visitor)
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows[: -_SHOWN - 1 : -1]]
    return render(
        request,
        "said.html",
        task=task,
        visitor=visitor,
        rows=rows,
        n=len(found.rows),
        progress=progress,
        stored=stored,
        formats=FILE_FORMATS,
    )


async def _require_known(sessions: Sessions, request: Request) -> Visitor:
    visitor = await sessions.find(request)
    if visitor is None:
        raise NotAllowedError("what somebody said is shown to those who are logged in")
    return visitor


def _read(service: Service, request: Request, visitor: Visitor) -> tuple[Task, Result, Progress]:
    task = find_asked_task(service, request)
    with service.connections.writer() as writer:
        found = list_labels(writer, task, visitor.name)
        return task, found, read_progress(writer, task, visitor.name)


def _write(service: Service, request: Request, who: str | None, output_format: str) -> bytes:
    task = find_asked_task(service, request)
    with service.connections.writer() as writer:
        return write_result(list_labels(writer, task, who), output_format)


def _store(
    service: Service, sessions: Sessions, request: Request, visitor: Visitor, content: bytes, file: UploadFile
) -> StoredFile:
    task = find_asked_task(service, request)
    with service.connections.writer() as reader:
        return store_label_file(sessions, reader, visitor, task, content, file.filename or "")
