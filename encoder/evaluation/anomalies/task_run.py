"""One evaluation of the tasks: how much is measured, where results are kept, and what must be said of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from encoder.evaluation.anomalies.search import BATCHES
from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.figures.few_labels import REPEATS
from encoder.evaluation.sets.real import load_simulated_votes
from encoder.evaluation.sets.samples import Sample
from encoder.evaluation.sets.vectors import encode_sample

SIMULATED = 20_000


@dataclass(frozen=True)
class Protocol:
    """How much is measured.

    Attributes:
        repeats: How often each search is repeated, with other halves and seeds.
        batches: Batches of 10 galaxies that are rated in each search.
        simulated: Galaxies of the simulated survey; 0 for none.
        reference: Simulated galaxies, judged nowhere, that projections and anomaly scores are fitted on
            together with EFIGI's training split.
        splits: How often labelled and tested galaxies are drawn anew for the few labels.
        deep_splits: The first of them, on which networks are tuned; 0 for none.
    """

    repeats: int = 15
    batches: int = BATCHES
    simulated: int = SIMULATED
    reference: int = 500
    splits: int = REPEATS
    deep_splits: int = 0


@dataclass
class TaskRun:
    """What all parts of an evaluation share.

    Attributes:
        cache: Folder that vectors, isophotes and trainings are kept in.
        protocol: How much is measured.
        progress: Where progress bars are shown; None shows none.
        skipped: What is missing, with the reason; grows.
        notes: What must be known to read the figures; grows.
    """

    cache: Path
    protocol: Protocol
    progress: Progress | None
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _encoded: dict[tuple[str, str], NDArray[np.float32]] = field(default_factory=dict)

    def bar(self, label: str, total: int) -> Callable[[int], None]:
        """A progress bar of `total` steps, as the function that moves it on by so many."""
        if self.progress is None:
            return lambda _: None
        progress, task = self.progress, self.progress.add_task(label, total=total)
        return lambda n: progress.advance(task, n)

    def vectors(self, sample: Sample, contender: Contender) -> NDArray[np.float32]:
        """The vectors of a sample, (n, d); samples and contenders are told apart by their names."""
        key = sample.name, contender.name
        if key not in self._encoded:
            advance = self.bar(f"encoding {sample.name}, {contender.name}", len(sample.ids))
            self._encoded[key] = encode_sample(sample, contender.encoder, self.cache, advance).embedding
        return self._encoded[key]

    @cached_property
    def reference(self) -> Sample:
        """Simulated galaxies of the usual kinds, those of `galcat evaluate` where as many are wanted."""
        return load_simulated_votes(self.protocol.reference, self.cache)[0].sample
