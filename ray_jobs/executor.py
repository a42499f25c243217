"""Encoding on Ray: the executor that `--ray` chooses for an ingestion or a backfill."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from types import ModuleType

from encoder.model.encoder import Encoder
from galcat.errors import WorkflowError, reason
from galcat.workflows.ingest.encoding import EncodeBy, TileExecutor
from galcat.workflows.releases.weights_store import find_weights
from ray_jobs.pool import WorkerPool
from ray_jobs.worker import WorkerState

LOCAL = "local"
"""In the place of an address: workers on this machine, which end with the command."""
_STORE_BYTES = 500_000_000
"""For tiles on their way on one machine, which are some megabytes each."""


def encode_on_ray(address: str, n_workers: int | None = None) -> EncodeBy:
    """Make what opens an executor on Ray.

    Args:
        address: `local` for workers on this machine, `auto` for the cluster that it belongs to, or the
            address of a cluster's head, such as `head:6379`.
        n_workers: How many workers; None for one on each GPU of the cluster, or on each processor where it
            has no GPU.
    """

    @contextmanager
    def open_executor(encoder: Encoder, remark: Callable[[str], None]) -> Iterator[TileExecutor]:
        ray = _import_ray()
        with find_weights(encoder.sha256) as path:
            if path is None:
                raise WorkflowError(f"the weights {encoder.sha256[:12]}... are not on this machine")
            weights = path.read_bytes()
        with _connected(ray, address, n_workers):
            gpus, cpus = (int(ray.cluster_resources().get(kind, 0)) for kind in ("GPU", "CPU"))
            wanted = n_workers or gpus or cpus
            if not wanted:
                raise WorkflowError(
                    f"the Ray cluster at {address} has neither processors nor GPUs: add nodes"
                )
            from ray_jobs.fleet import RayFleet  # noqa: PLC0415 - it imports Ray

            fleet = RayFleet(weights, on_gpus=gpus > 0)
            pool = WorkerPool(fleet, wanted, remark, lambda state: _require_same(state, encoder))
            try:
                yield pool
            finally:
                pool.close()
                fleet.close()

    return open_executor


def _import_ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told that galcat runs
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else Ray warns that this will change
    try:
        return import_module("ray")
    except ImportError:
        raise WorkflowError("this needs the library ray: pip install 'galcat[ray]'") from None


@contextmanager
def _connected(ray: ModuleType, address: str, n_workers: int | None) -> Iterator[None]:
    """Belong to a cluster meanwhile; one that this process belongs to already is taken."""
    if ray.is_initialized():
        yield
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    here = {"num_cpus": n_workers, "include_dashboard": False, "object_store_memory": _STORE_BYTES}
    where = {"address": address, **(here if address == LOCAL else {})}
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ray.init(**where, **quiet)
    except (ConnectionError, RuntimeError, TimeoutError, ValueError) as error:
        raise WorkflowError(f"no Ray cluster can be used at {address}: {reason(error)}") from error
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():  # an interrupted command ends as every other does
                signal.signal(number, handler)
    try:
        yield
    finally:
        ray.shutdown()


def _require_same(state: WorkerState, encoder: Encoder) -> None:
    if state.version != version("galcat"):
        raise WorkflowError(
            f"the worker on {state.host} has galcat {state.version}, here is {version('galcat')}: "
            "install the same on every node"
        )
    if state.sha256 != encoder.sha256:
        raise WorkflowError(f"the worker on {state.host} has loaded other weights ({state.sha256[:12]}...)")
