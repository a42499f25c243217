"""Training: a configuration in, a release of weights out."""

import time
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress

from encoder.training.campaigns import Campaigns
from encoder.training.config import read_config
from encoder.training.data import load_source
from encoder.training.release import make_release
from encoder.training.run import Run

_WATCHED = 500  # held-out galaxies of each source whose loss is logged every epoch


def train(config_file: Path, progress: Progress | None = None) -> Path:
    """Train a network, fit its projection, measure it on held-out galaxies, and write the release.

    A run that was killed resumes at its last whole epoch and ends with the same weights; a finished one
    only makes its release again, so that the inference size can be chosen afterwards.

    Args:
        config_file: A TOML file, see `encoder/configs/default.toml`.
        progress: Where bars are shown.

    Returns:
        The weights file; beside it lie `log.csv` and `held_out.json`.

    Raises:
        TrainingError: The configuration or a label table is wrong, or the run's folder holds another run.
    """
    config = read_config(Path(config_file))
    folder = Path(config.release.folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.loop.threads)
    campaigns = Campaigns.load((config.release.tree, *config.release.also_learnt))
    splits = [load_source(source, campaigns, folder / "cache").split() for source in config.sources]
    run = Run(config, campaigns, [training for training, _ in splits], progress)
    watched = [out.take(np.arange(min(_WATCHED, len(out.ids)))) for _, out in splits]
    for epoch in range(run.resume(), config.loop.epochs):
        began = time.monotonic()
        training_loss = run.one_epoch(epoch)
        held_out_losses = {f"held_out_{source.kind}": run.loss_on(source) for source in watched}
        run.log(
            {
                "epoch": epoch,
                "seconds": round(time.monotonic() - began, 1),
                "training": round(training_loss, 4),
                **held_out_losses,
            }
        )
        run.save(epoch + 1)
    return make_release(config, campaigns.release_tree, run.average, splits)
