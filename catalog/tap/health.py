"""The routes /health/live and /health/ready: whether the process answers, and whether it can serve."""

import psycopg
from anyio.to_thread import run_sync
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from catalog.tap.errors import BusyError
from catalog.tap.service import Service


def health_routes(service: Service) -> list[Route]:
    """Make the routes, for what supervises the service or sends it requests."""

    async def live(_request: Request) -> Response:
        return PlainTextResponse("live\n")

    async def ready(_request: Request) -> Response:
        reason = await run_sync(_find_obstacle, service)
        if reason:
            return PlainTextResponse(f"{reason}\n", 503, {"Retry-After": "5"})
        return PlainTextResponse("ready\n")

    return [
        Route("/health", ready, methods=["GET"]),
        Route("/health/live", live, methods=["GET"]),
        Route("/health/ready", ready, methods=["GET"]),
    ]


def _find_obstacle(service: Service) -> str:
    """Why no query can be answered now; empty where they can."""
    try:
        with service.connections.reader() as reader, reader.transaction(force_rollback=True):
            reader.execute("SET LOCAL statement_timeout = 5000")
            reader.execute("SELECT FROM galcat.galaxy LIMIT 1")
        service.connections.require_backends()
    except BusyError as error:
        return str(error)
    except (psycopg.Error, PoolTimeout):
        return "the database cannot be asked"
    return ""
