"""The assets of a release beside the current one: its vectors by sky cell, and its index."""

from pathlib import Path

import dagster as dg

from dagster_jobs.defs.assets import (
    GPU_POOL,
    CellRunLog,
    GalaxyEvents,
    check_specs,
    galaxies,
    index_metadata,
    weights_spec,
)
from dagster_jobs.defs.resources import DatabaseResource, one_line, sky_cells, split_partition
from galcat.workflows.releases.filled_release import find_filled_release, find_tile_folder
from galcat.workflows.upkeep import index_release


class BackfillConfig(dg.Config):
    """Which release is filled from which folder: by default the one that is being filled, all that it lacks.

    Without a folder the tiles are read where they were ingested from.
    """

    release: str = ""
    survey: str = ""
    folder: str = ""
    weights: str = ""
    tiles: list[str] = []  # noqa: RUF012 - dg.Config copies it


class ReleaseConfig(dg.Config):
    """Which release is meant: by default the one that is being filled."""

    release: str = ""


@dg.asset(
    partitions_def=sky_cells,
    deps=[galaxies, weights_spec],
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
    from galcat.workflows.releases.backfill import backfill_cell  # noqa: PLC0415 - imports torch; a sensor needs none

    survey, cell = split_partition(context.partition_key)
    survey, url, run = config.survey or survey, database.get_url(), CellRunLog(context)
    with one_line():
        release = config.release or find_filled_release(url)
        folder = Path(config.folder) if config.folder else find_tile_folder(url, survey, release, cell)
        context.log.info("release %s, survey %s in %s", release, survey, folder)
        outcome = backfill_cell(url, release, config.weights, survey, folder, cell, config.tiles, run.report)
    yield from run.events(outcome, url)


@dg.asset(deps=[release_vectors], group_name="release")
def release_index(config: ReleaseConfig, database: DatabaseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The HNSW index of a release that was filled: built once, while the other serves."""
    with one_line():
        url = database.get_url()
        built = index_release(url, config.release or find_filled_release(url))
    return dg.MaterializeResult(metadata=index_metadata(built_now=built))
