"""The assets of the catalogue: the galaxies of a sky cell, the vector index over all, their statistics."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from warnings import catch_warnings, simplefilter

import dagster as dg

from catalog.checks.integrity import CHECKS, CheckResult
from catalog.settings import load_settings
from dagster_jobs.defs.alarms import AlarmResource
from dagster_jobs.defs.cell_metadata import Metadata, Pace, cell_metadata, picture_metadata
from dagster_jobs.defs.resources import (
    DatabaseResource,
    DropFolderResource,
    EncoderResource,
    one_line,
    sky_cells,
    split_partition,
)
from galcat.workflows.ingest.outcome import CellOutcome, TileOutcome
from galcat.workflows.upkeep import analyse_tables, index_current_release, prepare_load
from galcat.workflows.watch.looks import record_look
from galcat.workflows.watch.night_checks import NIGHT_CHECKS, describe_night

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


TILES_READABLE = "tiles_readable"

drop_folder_spec = dg.AssetSpec(
    "drop_folder",
    group_name="sources",
    description="The files of tiles as they arrive: a folder with one sub-folder a survey.",
)
weights_spec = dg.AssetSpec(
    "weights",
    group_name="sources",
    description="The encoder's weights, by whose digest a release is known; galcat release create adds some.",
)


class IngestConfig(dg.Config):
    """Where the tiles of a run lie; by default, all that is pending of the partition in the drop folder."""

    survey: str = ""
    folder: str = ""
    tiles: list[str] = []  # noqa: RUF012 - dg.Config copies it


def check_specs(
    asset: str, partitions: dg.PartitionsDefinition[str] | None = None
) -> list[dg.AssetCheckSpec]:
    """The catalogue's checks, as checks of an asset; with partitions, each keeps its own outcome."""
    with catch_warnings():
        simplefilter("ignore", dg.PreviewWarning)  # partitioned checks; the tests hold them to what we need
        described = {name: description for name, (description, _) in CHECKS.items()}
        described[TILES_READABLE] = "every tile could be read and written"
        return [
            dg.AssetCheckSpec(name, asset=asset, description=description, partitions_def=partitions)
            for name, description in described.items()
        ]


def night_specs() -> list[dg.AssetCheckSpec]:
    """The checks of the night: those of a run, and those that only make sense over everything."""
    more = [
        dg.AssetCheckSpec(name, asset="statistics", description=description)
        for name, description in NIGHT_CHECKS.items()
    ]
    return [*check_specs("statistics"), *more]


@dg.asset(
    partitions_def=sky_cells,
    deps=[drop_folder_spec, weights_spec],
    pool=GPU_POOL,
    group_name="catalogue",
    code_version=version("galcat"),
    check_specs=check_specs("galaxies", sky_cells),
)
def galaxies(
    context: dg.AssetExecutionContext,
    config: IngestConfig,
    database: DatabaseResource,
    encoder: EncoderResource,
    drop_folder: DropFolderResource,
) -> GalaxyEvents:
    """Rows of every galaxy in the pending tiles of a cell: source, vectors, morphology, thumbnail.

    Good tiles are committed one by one, and materialized; a run with a bad tile then fails and names it, and
    a retry reads only what is still pending.
    """
    from galcat.workflows.ingest.cell import ingest_cell  # noqa: PLC0415 - imports torch; a sensor needs none

    survey, cell = split_partition(context.partition_key)
    url, run = database.get_url(), CellRunLog(context)
    with one_line():
        definition, folder = config.survey, config.folder
        if not (definition and folder):
            found, place = drop_folder.find_survey(survey)
            definition, folder = definition or found, folder or str(place)
        loaded = encoder.load(url)
        context.log.info("survey %s in %s, with the weights %s", survey, folder, loaded.name)
        if prepare_load(url, count_waiting_tiles(context)):
            context.log.info("many tiles wait: the vector index is away until they are in")
        outcome = ingest_cell(url, loaded, definition, Path(folder), cell, config.tiles, run.report)
    yield from run.events(outcome, url)


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
    from galcat.workflows.releases.release_map import make_release_map  # noqa: PLC0415 - sklearn takes a second

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


@dg.multi_asset_check(specs=night_specs())
def whole_catalogue(
    context: dg.AssetCheckExecutionContext,
    database: DatabaseResource,
    drop_folder: DropFolderResource,
    alarms: AlarmResource,
) -> Iterable[dg.AssetCheckResult]:
    """Row count = cutout count, finite vectors, fractions that sum to 1, no orphan rows: everywhere.

    With what only a look at the whole tells: every index, its recall, tiles that failed, tiles that have lain
    in the drop folder for more than a night. What does not pass is told to the operator.
    """
    from galcat.workflows.watch.night import check_night  # noqa: PLC0415 - imports astropy

    with one_line():
        results = check_night(database.get_url(), drop_folder.get_path())
    broken = [result for result in results if not result.passed]
    record_look(load_settings().home, "night", describe_night(results))
    if broken:
        lines = [
            f"{one.name}: {one.violations}, the first: {one.example}; to do: {one.remedy}" for one in broken
        ]
        subject = f"galcat: {len(broken)} of {len(results)} nightly checks did not pass"
        for problem in alarms.send(subject, "\n".join(lines), context.run.run_id) or []:
            context.log.error(problem)
    yield from map(_check_result, results)


class CellRunLog:
    """What a run over a cell tells Dagster: a line a tile as it goes, at its end checks and what is there."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._context = context
        self._pace = Pace()

    def report(self, outcome: TileOutcome) -> None:
        """Write a tile's outcome into the log of the run as soon as it is known."""
        self._pace.note(outcome)
        log = self._context.log.error if outcome.error is not None else self._context.log.info
        log(outcome.describe())

    def events(self, outcome: CellOutcome, url: str) -> GalaxyEvents:
        """What a run yields at the end of a cell; good tiles leave their materialization beside bad ones.

        Raises:
            dagster.Failure: A tile failed; its text names the bad tiles.
        """
        yield from map(_check_result, [*outcome.checks, readable_of(outcome)])
        metadata: Metadata = self._pace.metadata() | cell_metadata(outcome)
        with one_line():
            metadata |= picture_metadata(url, outcome, self._pace)
        bad = [f"{tile.name}: {tile.error}" for tile in outcome.failed]
        if not bad:
            yield dg.MaterializeResult(metadata=metadata)
            return
        if outcome.good:
            key, partition = self._context.asset_key, self._context.partition_key
            self._context.log_event(dg.AssetMaterialization(key, metadata=metadata, partition=partition))
        more = f"; and {len(bad) - MAX_NAMED} more" if len(bad) > MAX_NAMED else ""
        text = f"{len(bad)} of {len(outcome.tiles)} tiles failed: {'; '.join(bad[:MAX_NAMED])}{more}"
        raise dg.Failure(text, outcome.counts(), allow_retries=False)


def readable_of(outcome: CellOutcome) -> CheckResult:
    """Whether every tile of a cell's run could be read and written."""
    bad = outcome.failed
    return CheckResult(
        TILES_READABLE, "every tile could be read and written", len(bad), bad[0].error if bad else None
    )


def check_metadata(result: CheckResult) -> dict[str, int | str]:
    """What Dagster shows beside the outcome of a catalogue check."""
    return {"violations": result.violations, "first": result.example or "none"}


def index_metadata(*, built_now: bool) -> dict[str, bool]:
    """What Dagster shows beside a vector index."""
    return {"built_now": built_now}


def _check_result(result: CheckResult) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=result.passed, check_name=result.name, metadata=check_metadata(result))
