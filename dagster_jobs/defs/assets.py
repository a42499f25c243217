"""The assets: the galaxies of a sky cell, the vector index over all of them, and their statistics."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from catalog.check import CHECKS, CheckResult, run_checks
from catalog.errors import CatalogError
from catalog.progress import known_tiles, tile_ids
from catalog.release import build_search_index, current_release, refresh_statistics
from dagster_jobs.catalogue import open_target, writing
from dagster_jobs.defs.partitions import sky_cells
from dagster_jobs.defs.resources import DatabaseResource, EncoderResource
from dagster_jobs.errors import JobError
from dagster_jobs.ingest import cell_lock, ingest_tiles
from dagster_jobs.outcome import Report, TileOutcome
from dagster_jobs.plan import pending_by_cell
from encoder.errors import EncoderError
from encoder.survey import load_survey
from encoder.tiles import find_tiles

GalaxyEvents = Iterator[dg.AssetCheckResult | dg.MaterializeResult]  # type: ignore[type-arg]


class IngestConfig(dg.Config):
    """Where the tiles of a run lie; no names means every pending tile of the cell."""

    survey: str
    folder: str
    tiles: list[str] = []  # noqa: RUF012 - dg.Config copies it


@dg.asset(
    partitions_def=sky_cells,
    pool="gpu",
    group_name="catalogue",
    check_specs=[
        dg.AssetCheckSpec(name, asset="galaxies", description=description)
        for name, (description, _) in CHECKS.items()
    ],
)
def galaxies(
    context: dg.AssetExecutionContext,
    config: IngestConfig,
    database: DatabaseResource,
    encoder: EncoderResource,
    report: dg.ResourceParam[Report],
) -> GalaxyEvents:
    """Rows of every galaxy in the pending tiles of a cell: source, vectors, morphology, thumbnail.

    Good tiles are committed one by one; a run with a bad tile then fails and names it, and a retry reads
    only what is still pending.
    """
    try:
        outcomes, checks = _ingest_cell(config, context.partition_key, database, encoder, report)
    except (CatalogError, EncoderError, JobError) as error:
        raise dg.Failure(str(error)) from error
    for outcome in outcomes:
        context.log.info(str(outcome))
    yield from map(check_result, checks)
    bad = [outcome for outcome in outcomes if outcome.state == "failed"]
    if bad:
        names = "; ".join(f"{outcome.name}: {outcome.error}" for outcome in bad)
        raise dg.Failure(f"{len(bad)} of {len(outcomes)} tiles failed: {names}", _counts(outcomes))
    yield dg.MaterializeResult(metadata=_counts(outcomes))


@dg.asset(deps=[galaxies], group_name="catalogue")
def vector_index(database: DatabaseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The HNSW index of the current release: built after the first bulk load, then kept by Postgres."""
    try:
        with writing(database.get_url()) as connection:
            release = current_release(connection)
            if release is None:
                raise dg.Failure("the catalogue has no release yet: ingest a tile first")
            built = build_search_index(connection, release[0])
    except CatalogError as error:
        raise dg.Failure(str(error)) from error
    return dg.MaterializeResult(metadata={"built_now": built})


@dg.asset(deps=[vector_index], group_name="catalogue")
def statistics(database: DatabaseResource) -> None:
    """What Postgres' planner knows of the tables: ANALYZE of them all."""
    try:
        with writing(database.get_url()) as connection:
            refresh_statistics(connection)
    except CatalogError as error:
        raise dg.Failure(str(error)) from error


def check_result(result: CheckResult) -> dg.AssetCheckResult:
    """A catalogue check as Dagster shows it."""
    return dg.AssetCheckResult(
        passed=result.passed,
        check_name=result.name,
        metadata={"violations": result.violations, "first": result.example or "none"},
    )


def _ingest_cell(
    config: IngestConfig,
    cell: str,
    database: DatabaseResource,
    encoder: EncoderResource,
    report: Report,
) -> tuple[list[TileOutcome], list[CheckResult]]:
    survey = load_survey(config.survey)
    found = find_tiles(survey, Path(config.folder))
    found = [tile for tile in found if not config.tiles or tile.name in config.tiles]
    loaded = encoder.load()
    with (
        open_target(database.get_url(), survey, loaded) as target,
        cell_lock(target.connection, survey.name, cell),
    ):
        known = known_tiles(target.connection, survey.name, target.release_id)
        pending = pending_by_cell(found, known).get(cell, [])
        outcomes = ingest_tiles(target, loaded, survey, pending, report)
        tiles = tile_ids(target.connection, survey.name, [outcome.name for outcome in outcomes])
        return outcomes, run_checks(target.connection, tiles)


def _counts(outcomes: list[TileOutcome]) -> dict[str, int]:
    return {
        "tiles": len(outcomes),
        "galaxies": sum(outcome.n_galaxies for outcome in outcomes),
        "skipped": sum(outcome.n_skipped for outcome in outcomes),
        "unreadable_images": sum(outcome.n_failed for outcome in outcomes),
        "rows_changed": sum(outcome.changed for outcome in outcomes),
        "retired": sum(outcome.retired for outcome in outcomes),
    }
