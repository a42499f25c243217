"""An asynchronous query as UWS 1.1 sees it: its phase, its times, its parameters and its result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from catalog.adql.published import PublishedTable

ACTIVE = ("PENDING", "QUEUED", "EXECUTING")
"""Phases that can still change."""
PHASES = (*ACTIVE, "COMPLETED", "ERROR", "ABORTED", "HELD", "SUSPENDED", "ARCHIVED")


@dataclass(frozen=True)
class JobResult:
    """The file that a job made.

    Attributes:
        file: The file's name in the folder of results.
        content_type: The value of HTTP's header Content-Type.
        size: The file's size in bytes.
        rows: The number of rows in the answer.
        is_cut: Whether there are more rows than were asked for.
    """

    file: str
    content_type: str
    size: int
    rows: int
    is_cut: bool


@dataclass(frozen=True)
class JobSummary:
    """What a list shows of a job.

    Attributes:
        job_id: The job's identifier.
        run_id: The client's own name for the job; None where it gave none.
        phase: The job's phase, one of PHASES.
        created_at: When the job was made.
    """

    job_id: str
    run_id: str | None
    phase: str
    created_at: datetime


@dataclass(frozen=True)
class Job:
    """A row of galcat_tap.job.

    Attributes:
        job_id: The job's identifier; who knows it may do all with the job.
        run_id: The client's own name for the job; None where it gave none.
        phase: The job's phase, one of PHASES.
        address: The IP address of the client that made the job.
        parameters: The values of each parameter as the client gave them, by the parameter's name in upper
            case.
        base_url: The URL of the service, as the client that made the job knows it.
        uploads: The tables that came with the job.
        created_at: When the job was made.
        started_at: When the job began to run; None before.
        ended_at: When the job ended; None before.
        destruction: When the job and its result are removed.
        execution_seconds: How long the job may run.
        result: The file that the job made; None before it has completed.
        error: The reason why the job failed; empty where it did not.
    """

    job_id: str
    run_id: str | None
    phase: str
    address: str
    parameters: Mapping[str, tuple[str, ...]]
    base_url: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    destruction: datetime
    execution_seconds: int
    error: str = ""
    result: JobResult | None = None
    uploads: tuple[PublishedTable, ...] = field(default=())

    @property
    def is_active(self) -> bool:
        """Whether the job's phase can still change."""
        return self.phase in ACTIVE
