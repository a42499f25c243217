"""Runs as processes of the code server, as Dagster's default, and whether they still live.

Dagster's own launcher cannot tell: after a power cut a run that was going on counts as going on for ever, and
keeps its place in the pool of one.
"""

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value


class WatchfulRunLauncher(dg.DefaultRunLauncher):
    """The default launcher, for Dagster's run monitoring."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True: Dagster may ask whether the process of a run still lives."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Ask the code server that started the run whether it still has its process.

        A server that does not answer has gone, and its runs with it: they are its children.
        """
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call] # Dagster's
        if client is None:  # it ended meanwhile
            return CheckRunHealthResult(WorkerStatus.SUCCESS)
        request = CanCancelExecutionRequest(run_id=run.run_id)
        try:
            answer = client.can_cancel_execution(request)
        except DagsterUserCodeUnreachableError:
            where = run.tags[GRPC_INFO_TAG]
            return CheckRunHealthResult(WorkerStatus.FAILED, f"its code server is gone: {where}")
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its process is gone")
