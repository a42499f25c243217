"""The assets of the catalogue: the galaxies of a sky cell, the vector index over all, their statistics."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from warnings import catch_warnings, simplefilter

import dagster as dg

from catalog.checks.integrity import CHECKS, CheckResult, run_checks
from dagster_jobs.defs.resources import DatabaseResource, EncoderResource, one_line, sky_cells
from galcat.workflows.ingest.outcome import CellOutcome, Report
from galcat.workflows.upkeep import analyse_tables, index_current_release, prepare_load
from galcat.workflows.writing import writing

GalaxyEvents = Iterator[dg.AssetCheckResult | dg.MaterializeResult]  # type: ignore[type-arg]

GPU_POOL = "gpu"
MAX_RUNS_LOOKED_AT = 1_000
"""Waiting runs whose tiles are counted: a load of so many cells is large in any case."""
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
MAX_NAMED = 20  # bad tiles in a failure's text; the log and the catalogue name them all


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
) -> GalaxyEvents:
    """Rows of every galaxy in the pending tiles of a cell: source, vectors, morphology, thumbnail.

    Good tiles are committed one by one; a run with a bad tile then fails and names it, and a retry reads
    only what is still pending.
    """
    from galcat.workflows.ingest.cell import ingest_cell  # noqa: PLC0415 - imports torch; a sensor needs none

    with one_line():
        if prepare_load(database.get_url(), count_waiting_tiles(context)):
            context.log.info("many tiles wait: the vector index is away until they are in")
        outcome = ingest_cell(
            database.get_url(),
            encoder.load(database.get_url()),
            config.survey,
            Path(config.folder),
            context.partition_key,
            config.tiles,
            to_log(context),
        )
    yield from cell_events(outcome)


def count_waiting_tiles(context: dg.AssetExecutionContext) -> int:
    """How many tiles the runs of this job that are queued or go on were asked for."""
    unfinished = dg.RunsFilter(job_name=context.job_name, statuses=UNFINISHED)
    return sum(
        len(run.run_config.get("ops", {}).get("galaxies", {}).get("config", {}).get("tiles", ())) or 1
        for run in context.instance.get_runs(unfinished, limit=MAX_RUNS_LOOKED_AT)
    )


@dg.asset(deps=[galaxies], group_name="catalogue")
def vector_index(database: DatabaseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The HNSW index of the current release: built after the first bulk load, then kept by Postgres."""
    with one_line():
        built = index_current_release(database.get_url())
    return dg.MaterializeResult(metadata=index_metadata(built_now=built))


@dg.asset(deps=[galaxies], group_name="catalogue")
def release_map(database: DatabaseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The map of the current release, which the page shows: where each galaxy stands by what it looks like.

    No schedule makes it anew: whoever has learnt their way about keeps the map until they want another.
    """
    from galcat.workflows.release_map import make_release_map  # noqa: PLC0415 - sklearn takes a second

    with one_line():
        made = make_release_map(database.get_url())
    return dg.MaterializeResult(metadata={"galaxies": made.galaxies, "arranged": made.sampled})


@dg.asset(deps=[galaxies], group_name="catalogue")
def neighbour_graph(context: dg.AssetExecutionContext, database: DatabaseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The 20 nearest galaxies of every galaxy, for duplicates, labels that spread, and lists; it can go on.

    No schedule makes it: a run that was ended is asked for again, and does what is left.
    """
    from galcat.workflows.neighbour_graph import make_neighbour_graph  # noqa: PLC0415 - only this asset needs it

    with one_line():
        made = make_neighbour_graph(
            database.get_url(), lambda done, total: context.log.info("%d of %d galaxies", done, total)
        )
    return dg.MaterializeResult(metadata={"nearest": made.nearest, "recall": made.recall or 0.0})


@dg.asset(deps=[vector_index], group_name="catalogue")
def statistics(database: DatabaseResource) -> None:
    """What Postgres' planner knows of the tables: ANALYZE of them all."""
    with one_line():
        analyse_tables(database.get_url())


@dg.multi_asset_check(specs=check_specs("statistics"))
def whole_catalogue(database: DatabaseResource) -> Iterable[dg.AssetCheckResult]:
    """Row count = cutout count, finite vectors, fractions that sum to 1, no orphan rows: everywhere."""
    with one_line(), writing(database.get_url()) as connection:
        results = run_checks(connection)
    yield from map(_check_result, results)


def to_log(context: dg.AssetExecutionContext) -> Report:
    """Write each tile's outcome into the log of the run as soon as it is known."""
    return lambda outcome: context.log.info(str(outcome))


def cell_events(outcome: CellOutcome) -> GalaxyEvents:
    """What a run yields at the end of a cell: its checks, then the materialization.

    Raises:
        dagster.Failure: A tile failed; its text names the bad tiles.
    """
    yield from map(_check_result, outcome.checks)
    bad = [f"{tile.name}: {tile.error}" for tile in outcome.failed]
    if bad:
        more = f"; and {len(bad) - MAX_NAMED} more" if len(bad) > MAX_NAMED else ""
        text = f"{len(bad)} of {len(outcome.tiles)} tiles failed: {'; '.join(bad[:MAX_NAMED])}{more}"
        raise dg.Failure(text, outcome.counts(), allow_retries=False)
    yield dg.MaterializeResult(metadata=outcome.counts())


def check_metadata(result: CheckResult) -> dict[str, int | str]:
    """What Dagster shows beside the outcome of a catalogue check."""
    return {"violations": result.violations, "first": result.example or "none"}


def index_metadata(*, built_now: bool) -> dict[str, bool]:
    """What Dagster shows beside a vector index."""
    return {"built_now": built_now}


def _check_result(result: CheckResult) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=result.passed, check_name=result.name, metadata=check_metadata(result))
