"""Run every benchmark and print its table; nothing else should run meanwhile."""

from tests.benchmarks import cutout_accuracy, pipeline, writer

for benchmark in (writer, cutout_accuracy, pipeline):
    benchmark.main()
