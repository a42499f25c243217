"""Run the Dagster assets in this process: what `galcat ingest` and `backfill` do, without a daemon."""

from collections.abc import Mapping

import dagster as dg

from dagster_jobs.defs.assets import IngestConfig, galaxies, statistics, vector_index
from dagster_jobs.defs.backfill import BackfillConfig, release_index, release_vectors
from dagster_jobs.defs.resources import DatabaseResource, EncoderResource, sky_cells
from galcat.errors import JobError
from galcat.workflows.ingest.outcome import Report, TileOutcome

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def ingest_cell(url: str, weights: str, config: IngestConfig, cell: str, report: Report) -> list[str]:
    """Materialise the galaxies of one cell; tiles that fail are told to `report` and not raised.

    Returns:
        A line for each check of the catalogue that the tiles break.

    Raises:
        JobError: The run itself could not go on.
    """
    resources = {"database": DatabaseResource(url=url), "encoder": EncoderResource(weights=weights)}
    return _materialise_cell(galaxies, config, cell, resources, report)


def backfill_cell(url: str, config: BackfillConfig, cell: str, report: Report) -> list[str]:
    """Materialise a release's vectors of one cell; tiles that fail are told to `report` and not raised.

    Returns:
        A line for each check of the catalogue that the tiles break.

    Raises:
        JobError: The run itself could not go on.
    """
    return _materialise_cell(release_vectors, config, cell, {"database": DatabaseResource(url=url)}, report)


def finish(url: str) -> None:
    """Build the vector index where there is none, and ANALYZE."""
    _materialise([vector_index, statistics], url, {})


def finish_backfill(url: str, release: str) -> None:
    """Build the vector index of a release where there is none, and ANALYZE."""
    _materialise([release_index, statistics], url, {"release_index": {"config": {"release": release}}})


def _materialise_cell(
    asset: dg.AssetsDefinition,
    config: dg.Config,
    cell: str,
    resources: Mapping[str, object],
    report: Report,
) -> list[str]:
    told: list[TileOutcome] = []

    def tell(outcome: TileOutcome) -> None:
        told.append(outcome)
        report(outcome)

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(sky_cells.name), [cell])
        result = dg.materialize(
            [asset],
            partition_key=cell,
            instance=instance,
            run_config=QUIET | {"ops": {asset.op.name: {"config": config.model_dump()}}},
            resources={**resources, "report": dg.ResourceDefinition.hardcoded_resource(tell)},
            raise_on_error=False,
        )
    if not result.success and not any(outcome.state == "failed" for outcome in told):
        raise JobError(_reason(result))
    return [
        f"{check.check_name}: {check.metadata['violations'].value} violations, "
        f"the first: {check.metadata['first'].value}"
        for check in result.get_asset_check_evaluations()
        if not check.passed
    ]


def _materialise(assets: list[dg.AssetsDefinition], url: str, ops: dict[str, object]) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            assets,
            instance=instance,
            run_config=QUIET | {"ops": ops},
            resources={"database": DatabaseResource(url=url)},
            raise_on_error=False,
        )
    if not result.success:
        raise JobError(_reason(result))


def _reason(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data is not None and failure.user_failure_data.description:
                return str(failure.user_failure_data.description)
            cause = failure.error
            while cause is not None and cause.cause is not None:
                cause = cause.cause
            if cause is not None:
                return str(cause.message).strip().splitlines()[-1]
    return "the run failed without a reason"
