"""Holds an answer back until a job's phase changes: WAIT of UWS 1.1."""

import asyncio
import time

from anyio.to_thread import run_sync

from catalog.tap.job_store.job import Job
from catalog.tap.uws.job_parts import JobParts

_SHORT_JOB_S = 0.2


async def wait_for_change(parts: JobParts, job_id: str, phase: str | None, seconds: float) -> Job:
    """Give a job as soon as its phase is no longer `phase`, it has ended, or the time is over.

    Args:
        parts: The parts of the service that make jobs work.
        job_id: The identifier of the job to wait for.
        phase: The phase that the job is to leave; the one that it has now where this is None.
        seconds: How long to wait at most.

    Raises:
        NotFoundError: There is no such job, or it was removed meanwhile.
    """
    until = time.monotonic() + seconds
    with parts.watch.watch(job_id) as next_snapshot:
        job, snapshot = await run_sync(parts.control.read, job_id), next_snapshot
        phase = phase or job.phase
        while job.is_active and job.phase == phase and (left := until - time.monotonic()) > 0:
            await asyncio.wait([snapshot], timeout=left)
            if snapshot.done():
                job, snapshot = snapshot.result().job, snapshot.result().after
        return job


async def wait_for_short_job(parts: JobParts, job_id: str) -> None:
    """Give a job that was queued a moment to end: clients that find it running look again only much later."""
    until = time.monotonic() + _SHORT_JOB_S
    for phase in ("QUEUED", "EXECUTING"):
        await wait_for_change(parts, job_id, phase, until - time.monotonic())
