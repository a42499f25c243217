"""Training: a configuration in, a release of weights out."""

import time
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress

from encoder.errors import TrainingError
from encoder.model.atomic_file import make_folder
from encoder.training.campaigns import Campaigns
from encoder.training.config_file import read_config
from encoder.training.data import LabelledGalaxies
from encoder.training.ranks import ProcessGroup, join_process_group
from encoder.training.release import CACHE, make_release, projection_sample
from encoder.training.run import TrainingRun
from encoder.training.sources import load_sources

_WATCHED = 500  # held-out galaxies of each source whose loss is logged every epoch


def train(config_file: Path, progress: Progress | None = None) -> Path | None:
    """Train a network, fit its projection, and write the release; `encoder.evaluation.evaluate` measures it.

    Started by `torchrun`, each of its processes takes a share of every epoch, on a GPU of its own where
    there are some. A run that was killed resumes at its last whole epoch and ends with the same weights; a
    finished one only makes its release again, so that the inference size can be chosen afterwards.

    Args:
        config_file: A TOML file, see `encoder/configs/default.toml`.
        progress: Where progress bars are shown; None shows none.

    Returns:
        The weights file, beside which `log.csv` lies; None in a process that is not the first.

    Raises:
        TrainingError: The configuration or a label table is wrong, or the run's folder holds another run.
    """
    config = read_config(Path(config_file))
    folder = Path(config.release.folder)
    make_folder(folder, TrainingError)
    torch.set_num_threads(config.loop.threads)
    campaigns = Campaigns.load((config.release.tree, *config.release.also_learnt))
    with join_process_group() as ranks:
        if not ranks.is_first:
            ranks.wait()  # the first draws the simulated galaxies
        sources = load_sources(config.sources, campaigns, folder / CACHE)
        splits = [source.split() for source in sources]
        if ranks.is_first:
            ranks.wait()
        shown = [
            training
            for source, (training, _) in zip(config.sources, splits, strict=True)
            for _ in range(source.repeat)
        ]
        projection_sample(splits)  # says now what it would say after the last epoch
        watched = [out.take(np.arange(min(_WATCHED, len(out.ids)))) for _, out in splits if out.ids]
        if config.loop.patience and not watched:
            raise TrainingError("patience needs galaxies that are held out, and no source has some")
        run = TrainingRun(config, campaigns, shown, ranks, progress if ranks.is_first else None)
        for epoch in range(run.resume(), config.loop.epochs):
            if run.has_stalled:
                break
            _epoch(run, epoch, ranks, watched)
        run.restore_best()
        if not ranks.is_first:
            return None
    return make_release(config, campaigns, run.average, splits, progress)


def _epoch(run: TrainingRun, epoch: int, ranks: ProcessGroup, watched: list[LabelledGalaxies]) -> None:
    began = time.monotonic()
    training = run.train_epoch(epoch)
    losses = ranks.broadcast({s.name: run.held_out_loss_of(s) for s in watched} if ranks.is_first else {})
    run.keep_if_better(epoch + 1, sum(losses.values()))
    if ranks.is_first:
        seconds = round(time.monotonic() - began, 1)
        held_out = {f"held_out_{name}": loss for name, loss in losses.items()}
        run.log({"epoch": epoch, "seconds": seconds, "training": round(training, 4), **held_out})
        run.save()
    ranks.wait()  # a checkpoint that some processes are ahead of could not be resumed
