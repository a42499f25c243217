"""Asks the catalogue in ADQL for the page: as a stranger would, within the limits of the service."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from anyio.to_thread import run_sync
from starlette.requests import Request

from catalog.adql.published import PublishedColumn
from catalog.columns import ColumnMeta
from catalog.tap.queries.run_query import QueryRequest, RunningQuery
from catalog.tap.service import Service

GALAXY = ("galcat", "galaxy")
SECONDS = 20.0
"""Of a query of the page; longer ones are for TAP."""


@dataclass(frozen=True)
class Answer:
    """The answer to a query of the page.

    Attributes:
        columns: What is known of the columns.
        rows: Each row by the names of the columns.
        seconds: How long the database took, with waiting for its turn.
    """

    columns: Sequence[ColumnMeta]
    rows: list[dict[str, object]]
    seconds: float


async def ask(
    service: Service, request: Request, adql: str, max_rows: int = 5_000, seconds: float = SECONDS
) -> Answer:
    """Run a query as any client of TAP could.

    Args:
        service: The service whose database is asked.
        request: The request that the answer is for, whose address waits in line with its other queries.
        adql: The text of the query.
        max_rows: How many rows are given at most.
        seconds: How long the query may take.

    Raises:
        CatalogError: The query is wrong, or took too long, or the service is full.
    """
    began = time.monotonic()
    async with service.throttle.slot(service.client(request).address):
        query = RunningQuery(
            service.connections, service.cache, QueryRequest(adql, "ADQL", max_rows, max_rows), seconds
        )
        service.running.add(query)
        try:
            rows = await run_sync(_read_all, query)
        finally:
            service.running.discard(query)
            await run_sync(query.close)
    names = [column.name for column in query.columns]
    return Answer(
        query.columns, [dict(zip(names, row, strict=True)) for row in rows], time.monotonic() - began
    )


async def galaxy_columns(service: Service) -> tuple[PublishedColumn, ...]:
    """The columns of galcat.galaxy that a query may name, with what they mean."""
    return await run_sync(_read_columns, service)


def _read_all(query: RunningQuery) -> list[Sequence[object]]:
    query.begin()
    return [row for chunk in query.chunks() for row in chunk]


def _read_columns(service: Service) -> tuple[PublishedColumn, ...]:
    with service.connections.reader() as reader:
        published = service.cache.current(reader)
    return next(table.columns for table in published.tables if (table.schema, table.name) == GALAXY)
