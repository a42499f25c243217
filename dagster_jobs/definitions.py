"""Everything Dagster loads: assets, checks, jobs, sensors, schedules and their resources."""

import dagster as dg

from dagster_jobs.defs.alarms import AlarmResource, failed_run
from dagster_jobs.defs.assets import (
    drop_folder_spec,
    galaxies,
    neighbour_graph,
    release_map,
    statistics,
    vector_index,
    weights_spec,
    whole_catalogue,
)
from dagster_jobs.defs.backfill import release_index, release_vectors
from dagster_jobs.defs.jobs import backfill, care, index_release, ingest, learn
from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource, EncoderResource
from dagster_jobs.defs.schedules import nightly_care, nightly_retry
from dagster_jobs.defs.sensors import missing_index, new_labels, new_tiles_sensor
from dagster_jobs.defs.tasks import task_column


def catalogue_definitions(scan_interval_s: int = 30, weights: str = "") -> dg.Definitions:
    """Put the definitions together.

    Args:
        scan_interval_s: Seconds between two scans of the drop folder.
        weights: Path of the weights file that a first release is made of; empty for the one that ships.
    """
    return dg.Definitions(
        assets=[
            drop_folder_spec,
            weights_spec,
            galaxies,
            vector_index,
            statistics,
            release_map,
            neighbour_graph,
            release_vectors,
            release_index,
            task_column,
        ],
        asset_checks=[whole_catalogue],
        jobs=[ingest, care, backfill, index_release, learn],
        sensors=[new_tiles_sensor(scan_interval_s), new_labels, missing_index, failed_run],
        schedules=[nightly_retry, nightly_care],
        resources={
            "database": DatabaseResource(),
            "encoder": EncoderResource(weights=weights),
            "drop_folder": DropFolderResource(),
            "alarms": AlarmResource(),
        },
    )


defs = catalogue_definitions()
