"""The jobs: ingest a cell, fill a cell of another release and index it, learn a task, care for the whole."""

import dagster as dg

from dagster_jobs.defs.assets import galaxies, statistics, vector_index, whole_catalogue
from dagster_jobs.defs.backfill import release_index, release_vectors
from dagster_jobs.defs.tasks import task_column

# Only failures that may pass are tried again (defs/resources.py): 20, 40, 80 s for a database to come back.
when_database_was_away = dg.RetryPolicy(max_retries=3, delay=20, backoff=dg.Backoff.EXPONENTIAL)

# In one process: a process a step would import torch, and load the encoder, each time.
ingest = dg.define_asset_job(
    "ingest",
    selection=[galaxies],
    executor_def=dg.in_process_executor,
    op_retry_policy=when_database_was_away,
)
backfill = dg.define_asset_job(
    "backfill",
    selection=[release_vectors],
    executor_def=dg.in_process_executor,
    op_retry_policy=when_database_was_away,
)
index_release = dg.define_asset_job(
    "index_release",
    selection=[release_index],
    executor_def=dg.in_process_executor,
    op_retry_policy=when_database_was_away,
)
learn = dg.define_asset_job(
    "learn",
    selection=[task_column],
    executor_def=dg.in_process_executor,
    op_retry_policy=when_database_was_away,
)
care = dg.define_asset_job(
    "care",
    selection=dg.AssetSelection.assets(vector_index, statistics) | dg.AssetSelection.checks(whole_catalogue),
    executor_def=dg.in_process_executor,
    op_retry_policy=when_database_was_away,
)
