"""The jobs: ingest a cell, and care for the catalogue as a whole."""

import dagster as dg

from dagster_jobs.defs.assets import galaxies, statistics, vector_index
from dagster_jobs.defs.checks import whole_catalogue
from dagster_jobs.defs.partitions import sky_cells

# In one process: a process a step would import torch, and load the encoder, each time.
ingest = dg.define_asset_job(
    "ingest", selection=[galaxies], partitions_def=sky_cells, executor_def=dg.in_process_executor
)
care = dg.define_asset_job(
    "care",
    selection=dg.AssetSelection.assets(vector_index, statistics) | dg.AssetSelection.checks(whole_catalogue),
    executor_def=dg.in_process_executor,
)
