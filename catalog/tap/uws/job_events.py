"""Tells those who wait for a job (WAIT of UWS 1.1) that its phase has changed."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class JobEvents:
    """Who waits, for each job that this process runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}

    def notify(self, job_id: str) -> None:
        """Wake those who wait for a job; it may be called from any thread."""
        with self._lock:
            for loop, event in self._waiting.get(job_id, ()):
                loop.call_soon_threadsafe(event.set)

    @contextmanager
    def listen(self, job_id: str) -> Iterator[asyncio.Event]:
        """Give an event that is set when the job changes; to be used inside the event loop."""
        mine = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.setdefault(job_id, []).append(mine)
        try:
            yield mine[1]
        finally:
            with self._lock:
                self._waiting[job_id].remove(mine)
                if not self._waiting[job_id]:
                    del self._waiting[job_id]
