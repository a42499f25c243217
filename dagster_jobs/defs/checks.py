"""The nightly look at the whole catalogue; what each run checks of its own tiles stands with its asset."""

from collections.abc import Iterable

import dagster as dg

from catalog.check import CHECKS, run_checks
from dagster_jobs.catalogue import writing
from dagster_jobs.defs.assets import check_result, statistics
from dagster_jobs.defs.resources import DatabaseResource


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(name, asset=statistics, description=description)
        for name, (description, _) in CHECKS.items()
    ]
)
def whole_catalogue(database: DatabaseResource) -> Iterable[dg.AssetCheckResult]:
    """Row count = cutout count, finite vectors, fractions that sum to 1, no orphan rows: everywhere."""
    with writing(database.get_url()) as connection:
        yield from map(check_result, run_checks(connection))
