"""The parts that make jobs work, begun and ended together."""

from dataclasses import dataclass

from catalog.tap.database.query_log import forget_old_queries
from catalog.tap.job_store.removal import delete_old_jobs
from catalog.tap.job_store.results import JobResults
from catalog.tap.job_store.worker_store import list_result_files, requeue_dead_jobs
from catalog.tap.service import Service
from catalog.tap.uploads.request_tables import drop_left_overs
from catalog.tap.uws.control import JobControl
from catalog.tap.uws.job_events import JobEvents
from catalog.tap.uws.job_watch import JobWatch
from catalog.tap.uws.sweeper import Sweeper
from catalog.tap.uws.workers import JobWorkers


@dataclass(frozen=True)
class JobParts:
    """The parts of the service that make jobs work.

    Attributes:
        control: Does what clients ask for.
        results: Keeps the files with results.
        watch: Tells clients that wait when a job has changed.
        workers: The workers that run the jobs.
        sweeper: Removes what is old, and runs again what was cut off.
        is_read_only: Whether jobs are only looked at: none is run, none is removed.
    """

    control: JobControl
    results: JobResults
    watch: JobWatch
    workers: JobWorkers
    sweeper: Sweeper
    is_read_only: bool

    def open(self) -> None:
        """Start all parts; jobs that ran when the service ended run again."""
        self.results.open()
        if self.is_read_only:
            return
        self.sweeper.open()
        self.workers.open()

    def close(self) -> None:
        """End all parts; what runs is stopped, to run again later."""
        if self.is_read_only:
            return
        self.sweeper.close()
        self.workers.close()


def make_job_parts(service: Service) -> JobParts:
    """Make the parts; none of them has started."""
    events = JobEvents()
    results = JobResults.beside(service.spool)
    workers = JobWorkers(service, results, events.notify)
    control = JobControl(service, results, workers)

    def sweep() -> None:
        with service.connections.writer() as writer:
            workers.call(requeue_dead_jobs(writer))
            old = delete_old_jobs(writer)
            results.remove_all_but(list_result_files(writer))
            forget_old_queries(writer, service.limits.log_days, service.limits.log_bytes)
        for removed in old:
            control.clear_up(removed)
        drop_left_overs(service)

    def tick() -> None:
        workers.stop_strays()
        service.connections.forget_ended()

    sweeper = Sweeper(tick, sweep, service.connections.outage.begin)
    return JobParts(
        control, results, JobWatch(control.read, events), workers, sweeper, service.connections.is_read_only
    )
