"""Where a run of the command line encodes its tiles: here, or by what is installed for it, such as Ray."""

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Annotated

import typer

from galcat.errors import WorkflowError

if TYPE_CHECKING:
    from galcat.workflows.ingest.encoding import EncodeBy

EXECUTORS = "galcat.tile_executors"
PANEL = "Where tiles are encoded"
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        rich_help_panel=PANEL,
        help="Encode by workers of Ray: local for this machine, auto for its cluster, or HOST:PORT.",
        show_default="in this process",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        rich_help_panel=PANEL,
        help="How many workers of Ray.",
        show_default="one a GPU; one a processor where there is no GPU",
    ),
]


def choose_executor(ray: str | None, workers: int | None) -> "EncodeBy":
    """Find what encodes the tiles of a run.

    An entry point of the group `EXECUTORS` is a function of an address and the number of workers, which gives
    what opens an executor. `ray_jobs` has one, so that the packages below it need not know it.

    Args:
        ray: Address of a Ray cluster, or `local`; None to encode in this process.
        workers: How many workers; None for as many as the cluster has GPUs or processors.

    Raises:
        WorkflowError: This galcat was installed without its part for Ray.
    """
    from galcat.workflows.ingest.encoding import encode_here  # noqa: PLC0415 - torch takes seconds

    if ray is None:
        if workers is not None:
            raise typer.BadParameter("needs --ray ADDRESS, such as --ray local", param_hint="--workers")
        return encode_here
    points = entry_points(group=EXECUTORS, name="ray")
    if not points:
        raise WorkflowError("this galcat was installed before it had --ray: install it again")
    (point,) = points
    made: EncodeBy = point.load()(ray, workers)
    return made
