"""Hold an answer back until a job's phase changes: WAIT of UWS 1.1."""

import asyncio
import time
from contextlib import suppress

from anyio.to_thread import run_sync

from catalog.tap.jobs.parts import JobParts
from catalog.tap.kept.job import Job

_LOOK_S = 2.0
"""The job may run on another server of the same database."""
_SHORT_JOB_S = 0.2


async def wait_for_change(parts: JobParts, job_id: str, phase: str | None, seconds: float) -> Job:
    """A job, as soon as its phase is no longer `phase`, has ended, or the time is over.

    Args:
        parts: Of the service.
        job_id: Which job.
        phase: From which; the phase it has now where this is None.
        seconds: How long at most.

    Raises:
        NothingThereError: There is no such job, or it was removed meanwhile.
    """
    until = time.monotonic() + seconds
    with parts.events.listening(job_id) as event:
        while True:
            event.clear()
            job = await run_sync(parts.control.read, job_id)
            phase = phase or job.phase
            left = until - time.monotonic()
            if not job.is_active or job.phase != phase or left <= 0:
                return job
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), min(left, _LOOK_S))


async def wait_for_short_job(parts: JobParts, job_id: str) -> None:
    """Give a job that was queued a moment to end: clients that find it running look again only much later."""
    until = time.monotonic() + _SHORT_JOB_S
    for phase in ("QUEUED", "EXECUTING"):
        await wait_for_change(parts, job_id, phase, until - time.monotonic())
