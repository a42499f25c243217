"""The assets of a release beside the current one: its vectors by sky cell, and its index."""

from pathlib import Path

import dagster as dg

from dagster_jobs.defs.assets import (
    GPU_POOL,
    GalaxyEvents,
    cell_events,
    check_specs,
    galaxies,
    index_metadata,
    to_log,
)
from dagster_jobs.defs.resources import DatabaseResource, one_line, sky_cells
from galcat.workflows.upkeep import index_release


class BackfillConfig(dg.Config):
    """Which release is filled from which folder; no tiles means every missing one of the cell."""

    release: str
    survey: str
    folder: str
    weights: str = ""
    tiles: list[str] = []  # noqa: RUF012 - dg.Config copies it


class ReleaseConfig(dg.Config):
    """Which release is meant."""

    release: str


@dg.asset(
    partitions_def=sky_cells,
    deps=[galaxies],
    pool=GPU_POOL,
    group_name="release",
    check_specs=check_specs("release_vectors", sky_cells),
)
def release_vectors(
    context: dg.AssetExecutionContext, config: BackfillConfig, database: DatabaseResource
) -> GalaxyEvents:
    """Vectors and morphology, in a second release, of the tiles of a cell that the current release has.

    Tiles are committed one by one; a run that was killed is asked for again and does only what is missing.
    """
    from galcat.workflows.backfill import backfill_cell  # noqa: PLC0415 - imports torch; a sensor needs none

    with one_line():
        outcome = backfill_cell(
            database.get_url(),
            config.release,
            config.weights,
            config.survey,
            Path(config.folder),
            context.partition_key,
            config.tiles,
            to_log(context),
        )
    yield from cell_events(outcome)


@dg.asset(deps=[release_vectors], group_name="release")
def release_index(config: ReleaseConfig, database: DatabaseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The HNSW index of a release that was filled: built once, while the other serves."""
    with one_line():
        built = index_release(database.get_url(), config.release)
    return dg.MaterializeResult(metadata=index_metadata(built_now=built))
