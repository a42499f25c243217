"""The nightly look at the whole catalogue; what each run checks of its own tiles stands with its asset."""

from collections.abc import Iterable

import dagster as dg

from catalog.checks.integrity import run_checks
from dagster_jobs.defs.assets import check_result, check_specs
from dagster_jobs.defs.failures import one_line
from dagster_jobs.defs.resources import DatabaseResource
from galcat.workflows.writing import writing


@dg.multi_asset_check(specs=check_specs("statistics"))
def whole_catalogue(database: DatabaseResource) -> Iterable[dg.AssetCheckResult]:
    """Row count = cutout count, finite vectors, fractions that sum to 1, no orphan rows: everywhere."""
    with one_line(), writing(database.get_url()) as connection:
        results = run_checks(connection)
    yield from map(check_result, results)
