"""The routes of the pages to read."""

import asyncio
from datetime import UTC, datetime
from typing import LiteralString

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from catalog.errors import CatalogError
from catalog.releases.state import Finding, describe_state
from catalog.tap.errors import NotFoundError, http_status
from catalog.tap.service import Service
from catalog.web.answers import ask, galaxy_columns
from catalog.web.column_texts import TREE, call, hint_of
from catalog.web.information.column_groups import group_columns
from catalog.web.information.examples import ExamplePictures
from catalog.web.information.index_check import IndexCheck
from catalog.web.information.tile_sky import draw_tiles
from catalog.web.labelling.sessions import Sessions
from catalog.web.page_services import PageServices
from catalog.web.pages import HEADERS, page, render
from catalog.web.query_texts import write_pyvo
from catalog.web.selection import Range, Selection

_STATES = (
    "SELECT survey, state, COUNT(*) AS tiles, SUM(n_galaxies) AS galaxies, SUM(n_skipped) AS skipped, "
    "SUM(n_failed) AS failed FROM galcat.tile GROUP BY survey, state ORDER BY survey, state"
)
_FAILED = (
    "SELECT TOP 50 survey, name, finished_at, n_failed FROM galcat.tile WHERE state = 'failed' "
    "ORDER BY finished_at DESC"
)
_PLACES = "SELECT ra, dec, state FROM galcat.tile WHERE ra IS NOT NULL"
_SKIPPED = (
    "SELECT reason, COUNT(*) AS sources, COUNT(DISTINCT tile) AS tiles FROM galcat.skipped_row "
    "GROUP BY reason ORDER BY sources DESC"
)
_TIMES = (
    "SELECT finished_at, n_galaxies FROM galcat.tile WHERE finished_at IS NOT NULL ORDER BY finished_at DESC"
)
_RELEASES = (
    "SELECT name, backbone, dimension, view_set, weights_sha256, is_current, created_at "
    "FROM galcat.release ORDER BY created_at DESC"
)
_SURVEY_TEXTS = "SELECT name, description, bands FROM galcat.survey ORDER BY name"
_TASKS = "SELECT name, question, labels, version, made_at FROM galcat.task ORDER BY name"
_REASONS: LiteralString = (
    "SELECT t.name, i.error FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id) "
    "WHERE i.release_id = (SELECT galcat.current_release()) AND i.state = 'failed' "
    "ORDER BY i.finished_at DESC LIMIT 50"
)
_NIGHTS = 30
_MOST_TILES = 100_000


def information_routes(service: Service, sessions: Sessions, parts: PageServices) -> list[Route]:
    """Make the routes of the pages to read.

    Args:
        service: The service whose database is asked.
        sessions: Who is logged in; the reasons of failures, which name folders, are for those.
        parts: What is handed to the page, such as the address of Dagster.
    """
    index_check = IndexCheck(service)
    pictures = ExamplePictures(service)

    @page
    async def about(request: Request) -> Response:
        surveys, releases = await asyncio.gather(
            ask(service, request, _SURVEY_TEXTS), ask(service, request, _RELEASES)
        )
        tap = service.base(request) + "/tap"
        spirals = Selection(ranges=(Range("has_spiral_arms_yes_fraction", 0.8, None),), n=20)
        return render(
            request,
            "about.html",
            tap=tap,
            base=service.base(request),
            pyvo=write_pyvo(spirals, tap),
            surveys=surveys.rows,
            releases=releases.rows,
        )

    @page
    async def columns(request: Request) -> Response:
        word = request.query_params.get("q", "")[:60].strip()
        found = [one.meta for one in await galaxy_columns(service)]
        return render(
            request,
            "columns.html",
            word=word,
            groups=group_columns(found, word),
            call=call,
            hint=hint_of,
            questions={one.title: one for one in TREE},
        )

    async def examples(request: Request) -> Response:
        name = request.path_params["question"]
        question = next((one for one in TREE if one.key == name), None)
        try:
            if question is None:
                raise NotFoundError(f"no question is called {name[:50]!r}")
            found = await pictures.find(request, question)
        except CatalogError as error:
            return JSONResponse({"error": str(error)}, http_status(error), HEADERS)
        headers = {**HEADERS, "Cache-Control": "max-age=3600"}
        return JSONResponse({"answers": found}, headers=headers)

    @page
    async def status(request: Request) -> Response:
        visitor = await sessions.find(request)
        held = service.connections.memory
        memory = None if held is None else held.state
        texts = (_STATES, _FAILED, _SKIPPED, _TIMES, _RELEASES, _TASKS, _PLACES)
        answers = await asyncio.gather(*(ask(service, request, adql, _MOST_TILES) for adql in texts))
        states, failed, skipped, times, releases, tasks, places = (answer.rows for answer in answers)
        findings = await run_sync(_read_findings, service) if visitor is not None else []
        return render(
            request,
            "status.html",
            states=states,
            failed=failed,
            skipped=skipped,
            nights=_by_night(times),
            releases=releases,
            tasks=tasks,
            findings=findings,
            reasons=await run_sync(_read_reasons, service) if visitor is not None else {},
            sky=draw_tiles(places),
            index=index_check.look(),
            memory=memory,
            as_of=None if memory is None else datetime.fromtimestamp(memory.as_of, UTC),
            dagster=parts.dagster_url,
            total=sum(int(str(row["galaxies"] or 0)) for row in states),
            tiles=sum(int(str(row["tiles"])) for row in states),
        )

    return [
        Route("/about", about),
        Route("/columns", columns),
        Route("/page/examples/{question}", examples),
        Route("/status", status),
    ]


def _read_findings(service: Service) -> list[Finding]:
    with service.connections.writer() as writer:
        return list(describe_state(writer))


def _read_reasons(service: Service) -> dict[str, str]:
    """Why each of the last tiles that failed did, by the tile's name."""
    with service.connections.writer() as writer:
        rows = writer.execute(_REASONS).fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def _by_night(times: list[dict[str, object]]) -> list[tuple[str, int]]:
    """Galaxies that came in each of the last days on which some came, the oldest first."""
    counts: dict[str, int] = {}
    for row in times:
        day = str(row["finished_at"])[:10]
        counts[day] = counts.get(day, 0) + int(str(row["n_galaxies"] or 0))
    return sorted(counts.items())[-_NIGHTS:]
