"""Run every benchmark and print its table; nothing else should run meanwhile."""

from tests.benchmarks import cutout_accuracy, embedding, pipeline, search, sky_peers, sky_regions, writer

for benchmark in (writer, cutout_accuracy, pipeline, embedding, sky_regions, sky_peers, search):
    benchmark.main()
