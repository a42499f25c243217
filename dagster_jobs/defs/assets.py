"""The assets: the galaxies of a sky cell, the vector index over all of them, and their statistics."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from warnings import catch_warnings, simplefilter

import dagster as dg

from catalog.checks.integrity import CHECKS, CheckResult, run_checks
from catalog.releases.releases import build_search_index, current_release, refresh_statistics
from dagster_jobs.defs.resources import DatabaseResource, EncoderResource, one_line, sky_cells
from galcat.workflows.ingest.outcome import Report, TileOutcome
from galcat.workflows.writing import writing

GalaxyEvents = Iterator[dg.AssetCheckResult | dg.MaterializeResult]  # type: ignore[type-arg]

GPU_POOL = "gpu"
MOST_NAMED = 20  # bad tiles in a failure's text; the log and the catalogue name them all


class IngestConfig(dg.Config):
    """Where the tiles of a run lie; no names means every pending tile of the cell."""

    survey: str
    folder: str
    tiles: list[str] = []  # noqa: RUF012 - dg.Config copies it


def check_specs(
    asset: str, partitions: dg.PartitionsDefinition[str] | None = None
) -> list[dg.AssetCheckSpec]:
    """The catalogue's checks, as checks of an asset; with partitions, each keeps its own outcome."""
    with catch_warnings():
        simplefilter("ignore", dg.PreviewWarning)  # partitioned checks; the tests hold them to what we need
        return [
            dg.AssetCheckSpec(name, asset=asset, description=description, partitions_def=partitions)
            for name, (description, _) in CHECKS.items()
        ]


@dg.asset(
    partitions_def=sky_cells,
    pool=GPU_POOL,
    group_name="catalogue",
    check_specs=check_specs("galaxies", sky_cells),
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
    from galcat.workflows.ingest.tiles import ingest_cell_tiles  # noqa: PLC0415 - imports torch; a sensor needs none

    with one_line():
        outcomes, checks = ingest_cell_tiles(
            database.get_url(),
            encoder.load(),
            config.survey,
            Path(config.folder),
            context.partition_key,
            config.tiles,
            report,
        )
    for outcome in outcomes:
        context.log.info(str(outcome))
    yield from map(check_result, checks)
    refuse_bad_tiles(outcomes)
    yield dg.MaterializeResult(metadata=counts(outcomes))


@dg.asset(deps=[galaxies], group_name="catalogue")
def vector_index(database: DatabaseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The HNSW index of the current release: built after the first bulk load, then kept by Postgres."""
    with one_line(), writing(database.get_url()) as connection:
        release = current_release(connection)
        if release is None:
            raise dg.Failure("the catalogue has no release yet: ingest a tile first", allow_retries=False)
        built = build_search_index(connection, release[0])
    return dg.MaterializeResult(metadata={"built_now": built})


@dg.asset(deps=[vector_index], group_name="catalogue")
def statistics(database: DatabaseResource) -> None:
    """What Postgres' planner knows of the tables: ANALYZE of them all."""
    with one_line(), writing(database.get_url()) as connection:
        refresh_statistics(connection)


def check_result(result: CheckResult) -> dg.AssetCheckResult:
    """A catalogue check as Dagster shows it."""
    return dg.AssetCheckResult(
        passed=result.passed,
        check_name=result.name,
        metadata={"violations": result.violations, "first": result.example or "none"},
    )


def refuse_bad_tiles(outcomes: list[TileOutcome]) -> None:
    """Fail a run with a bad tile, and name it.

    Raises:
        dagster.Failure: A tile failed.
    """
    bad = [f"{outcome.name}: {outcome.error}" for outcome in outcomes if outcome.state == "failed"]
    if not bad:
        return
    more = f"; and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else ""
    text = f"{len(bad)} of {len(outcomes)} tiles failed: {'; '.join(bad[:MOST_NAMED])}{more}"
    raise dg.Failure(text, counts(outcomes), allow_retries=False)


def counts(outcomes: list[TileOutcome]) -> dict[str, int]:
    """What a run did, in numbers."""
    return {
        "tiles": len(outcomes),
        "failed": sum(outcome.state == "failed" for outcome in outcomes),
        "galaxies": sum(outcome.n_galaxies for outcome in outcomes),
        "skipped": sum(outcome.n_skipped for outcome in outcomes),
        "unreadable_images": sum(outcome.n_failed for outcome in outcomes),
        "rows_changed": sum(outcome.changed for outcome in outcomes),
        "retired": sum(outcome.retired for outcome in outcomes),
    }


@dg.multi_asset_check(specs=check_specs("statistics"))
def whole_catalogue(database: DatabaseResource) -> Iterable[dg.AssetCheckResult]:
    """Row count = cutout count, finite vectors, fractions that sum to 1, no orphan rows: everywhere."""
    with one_line(), writing(database.get_url()) as connection:
        results = run_checks(connection)
    yield from map(check_result, results)
