"""When it runs: the workflows as Dagster's assets, jobs, sensors and schedules."""
