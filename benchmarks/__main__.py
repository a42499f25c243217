"""Run every benchmark and print its table; nothing else should run meanwhile."""

from benchmarks import (
    interest,
    pipeline,
    search,
    sky_peers,
    sky_regions,
    tap,
    tasks,
    writer,
)
from benchmarks.encoder import anomaly_scores, cutout_accuracy, embedding

for benchmark in (
    writer,
    cutout_accuracy,
    pipeline,
    embedding,
    sky_regions,
    sky_peers,
    search,
    anomaly_scores,
    interest,
    tasks,
    tap,
):
    benchmark.main()
