"""Pages to label on: the questions, one of them galaxy by galaxy, and the way in."""

import json
import re

import psycopg
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from catalog.errors import CatalogError
from catalog.tap.database.postgres_errors import translate_error
from catalog.tap.errors import UsageError, http_status
from catalog.tap.parameters import read_parameters
from catalog.tap.service import Service
from catalog.tasks.tasks import Task, TaskState, list_tasks
from catalog.web.answers import SECONDS
from catalog.web.labelling.asked_task import find_asked_task
from catalog.web.labelling.progress import Progress, read_progress
from catalog.web.labelling.queue import NextGalaxies
from catalog.web.labelling.said_routes import said_routes
from catalog.web.labelling.sent_labels import parse_sent_labels, store_sent_labels
from catalog.web.labelling.sessions import COOKIE, Sessions
from catalog.web.page_services import PageServices
from catalog.web.pages import HEADERS, Endpoint, NotAllowedError, page, render

_MAX_BODY = 100_000
_MAX_SKIPPED = 200
_BATCH = 10
_DIGITS = re.compile(r"[0-9]{1,19}")


def labelling_routes(service: Service, sessions: Sessions, parts: PageServices) -> list[Route]:
    """Make the routes of labelling and of logging in."""
    queue = NextGalaxies(service, parts.choose_next)
    choosing = CapacityLimiter(2)  # each may read every vector

    @page
    async def overview(request: Request) -> Response:
        visitor = await sessions.find(request)
        states = await run_sync(_read_states, service)
        return render(request, "label.html", states=states, visitor=visitor)

    @page
    async def ask(request: Request) -> Response:
        visitor = await sessions.find(request)
        task = await run_sync(find_asked_task, service, request)
        return render(request, "ask.html", task=task, visitor=visitor, batch=_BATCH)

    async def following(request: Request) -> Response:
        visitor = await sessions.find(request)
        task = await run_sync(find_asked_task, service, request)
        skipped = _read_skipped(request)
        name = visitor.name if visitor is not None else ""
        may_label = visitor is not None and visitor.may_label
        choose = queue.choose if may_label else queue.draw_at_random
        batch = await run_sync(choose, task, _BATCH, name, skipped, limiter=choosing)
        progress = await run_sync(_read_progress, service, task, name)
        galaxies = [{"id": str(one.object_id), "belief": one.belief} for one in batch.galaxies]
        return JSONResponse(
            {"galaxies": galaxies, "reason": batch.reason, **progress.as_dict()}, headers=HEADERS
        )

    async def say(request: Request) -> Response:
        visitor = await sessions.require(request, request.headers.get("x-form-token", ""))
        task = await run_sync(find_asked_task, service, request)
        labels = parse_sent_labels(task, await _read_json(request))
        stored = await run_sync(store_sent_labels, sessions, visitor, task, labels)
        refused = {str(identity): why for identity, why in stored.refused.items()}
        return JSONResponse({"new": stored.new, "refused": refused}, headers=HEADERS)

    @page
    async def door(request: Request) -> Response:
        return render(request, "enter.html", link=request.path_params["link"][:100])

    @page
    async def enter(request: Request) -> Response:
        cookie = await sessions.enter(request.path_params["link"][:100])
        if cookie is None:
            raise NotAllowedError("this link was used already, is too old, or never was: ask for a new one")
        answer = RedirectResponse("/label", 303, HEADERS)
        sessions.set_cookie(request, answer, cookie)
        return answer

    @page
    async def leave(request: Request) -> Response:
        parameters = await read_parameters(request, service.limits)
        visitor = await sessions.require(request, parameters.one("FORM_TOKEN") or "")
        await sessions.leave(visitor)
        answer = RedirectResponse("/label", 303, HEADERS)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    return [
        Route("/label", overview),
        Route("/label/{task}", ask),
        Route("/label/{task}/next", _as_json(following)),
        Route("/label/{task}/say", _as_json(say), methods=["POST"]),
        *said_routes(service, sessions),
        Route("/enter/{link}", door),
        Route("/enter/{link}", enter, methods=["POST"]),
        Route("/leave", leave, methods=["POST"]),
    ]


def _as_json(endpoint: Endpoint) -> Endpoint:
    """Answer scripts in JSON, errors too."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except NotAllowedError as error:
            return JSONResponse({"error": str(error)}, 403, HEADERS)
        except CatalogError as error:
            return JSONResponse({"error": str(error)}, http_status(error), HEADERS)
        except psycopg.Error as error:
            translated = translate_error(error, SECONDS)
            return JSONResponse({"error": str(translated)}, http_status(translated), HEADERS)

    return answer


async def _read_json(request: Request) -> object:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BODY:
            raise UsageError(f"the request is longer than {_MAX_BODY:,} bytes")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:  # the second of ten thousand brackets
        raise UsageError("the request is no JSON") from error


def _read_skipped(request: Request) -> list[int]:
    words = [word for word in request.query_params.get("skip", "").split(",") if word]
    if len(words) > _MAX_SKIPPED or not all(_DIGITS.fullmatch(word) for word in words):
        raise UsageError("the list of galaxies to leave out is damaged")
    return [int(word) for word in words]


def _read_states(service: Service) -> list[TaskState]:
    with service.connections.writer() as writer:
        return list_tasks(writer)


def _read_progress(service: Service, task: Task, name: str) -> Progress:
    with service.connections.writer() as writer:
        return read_progress(writer, task, name)
