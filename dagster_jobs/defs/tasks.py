"""The assets of tasks: their columns, learnt from the labels of the moment."""

from collections.abc import Iterator
from warnings import catch_warnings, simplefilter

import dagster as dg

from catalog.tasks.tasks import find_task
from dagster_jobs.defs.assets import galaxies
from dagster_jobs.defs.resources import DatabaseResource, one_line
from galcat.workflows.tasks.task_checks import CHECKS, check_version
from galcat.workflows.writing import writing

TaskEvents = Iterator[dg.AssetCheckResult | dg.MaterializeResult]  # type: ignore[type-arg]

task_names = dg.DynamicPartitionsDefinition(name="tasks")


class LearnConfig(dg.Config):
    """Whether a model that recognises labels less well than the one shown replaces it all the same."""

    even_if_worse: bool = False


def _specs() -> list[dg.AssetCheckSpec]:
    with catch_warnings():
        simplefilter("ignore", dg.PreviewWarning)  # partitioned checks
        return [
            dg.AssetCheckSpec(name, asset="task_column", description=description, partitions_def=task_names)
            for name, description in CHECKS.items()
        ]


@dg.asset(partitions_def=task_names, deps=[galaxies], group_name="tasks", check_specs=_specs())
def task_column(
    context: dg.AssetExecutionContext, config: LearnConfig, database: DatabaseResource
) -> TaskEvents:
    """A task's columns in galcat.galaxy, of every galaxy; where no label is new, of the galaxies that are."""
    from galcat.workflows.tasks.interest_column import write_interest  # noqa: PLC0415 - imports torch; a sensor needs none
    from galcat.workflows.tasks.learn import learn  # noqa: PLC0415

    url, name = database.get_url(), context.partition_key
    with one_line():
        with writing(url) as connection:
            has_ratings = find_task(connection, name).kind == "interest"
        done = (
            write_interest(url, name) if has_ratings else learn(url, name, even_if_worse=config.even_if_worse)
        )
    for name, found in check_version(done.version).items():
        severity = dg.AssetCheckSeverity.ERROR if found.blocks else dg.AssetCheckSeverity.WARN
        yield dg.AssetCheckResult(
            passed=found.passed, check_name=name, severity=severity, metadata={"found": found.said}
        )
    yield dg.MaterializeResult(
        metadata={
            "version": done.version.version,
            "shown": done.version.refused is None,
            "learnt_now": done.is_new,
            "galaxies_scored": done.galaxies,
        }
    )
