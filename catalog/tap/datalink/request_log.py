"""Logs requests for links and cutouts, which are no queries."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request

from catalog.tap.database.query_log import LoggedQuery
from catalog.tap.service import Service


@dataclass
class LogNote:
    """What the log will say of a request, filled in while it is answered.

    Attributes:
        query: What the client asked for, as the log shows it.
        rows: The number of rows or files in the answer.
        error: The reason why there is no answer; empty where nothing went wrong.
    """

    query: str = ""
    rows: int = 0
    error: str = ""


@asynccontextmanager
async def log_request(service: Service, request: Request, interface: str) -> AsyncIterator[LogNote]:
    """Log what happens inside, also where it fails or the client leaves."""
    note, phase = LogNote(), "ABORTED"
    asked_at, began = datetime.now(UTC), time.monotonic()
    try:
        yield note
        phase = "ERROR" if note.error else "COMPLETED"
    except Exception as error:
        phase, note.error = "ERROR", note.error or type(error).__name__
        raise
    finally:
        client = service.client(request)
        service.log.add(
            LoggedQuery(
                asked_at=asked_at,
                ended_at=datetime.now(UTC),
                address=client.address,
                interface=interface,
                language="",
                query=note.query,
                phase=phase,
                rows=note.rows,
                seconds=time.monotonic() - began,
                error=note.error or None,
                job_id=None,
                user_agent=client.user_agent,
            )
        )
