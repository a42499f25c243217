"""A training run: weights, their moving average and the optimiser, saved after every epoch."""

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.utils.data import DataLoader

from encoder.errors import TrainingError
from encoder.model.device import has_fast_bfloat16
from encoder.model.loss import dirichlet_multinomial_loss
from encoder.model.network import Prediction, check_size, keep_depthwise_float32
from encoder.training.campaigns import Campaigns
from encoder.training.config import TrainingConfig
from encoder.training.data import LabelledGalaxies, PictureDataset, TrainingExample
from encoder.training.learner import Learner, parameter_groups, update_average
from encoder.training.pictures.augment import AUGMENTATIONS
from encoder.training.ranks import ProcessGroup
from encoder.training.start_network import make_start_network
from encoder.training.vector_losses import AgreementLoss, likeness_loss

_CHECKPOINT = "checkpoint.pt"
_LOG = "log.csv"
_MAX_GRADIENT_NORM = 10.0


class TrainingRun:
    """The state of one training run: weights, their moving average, the optimiser.

    Args:
        config: The configuration of the run.
        campaigns: The trees that are learnt.
        sources: Galaxies to train on.
        ranks: The processes that share the work.
        progress: Where progress bars are shown; None shows none.

    Attributes:
        average: The moving average of the weights, which is released.
    """

    def __init__(
        self,
        config: TrainingConfig,
        campaigns: Campaigns,
        sources: Sequence[LabelledGalaxies],
        ranks: ProcessGroup,
        progress: Progress | None,
    ) -> None:
        loop = config.loop
        torch.manual_seed(loop.seed)
        self._config, self._campaigns, self._sources = config, campaigns, sources
        self._ranks, self._progress = ranks, progress
        self._folder = Path(config.release.folder)
        self._device = ranks.device
        self._epochs = 0
        self._best: dict[str, Any] = {"loss": math.inf, "epochs": 0}
        self._bfloat16 = has_fast_bfloat16(self._device)
        self._batch = loop.batch_size // loop.pictures_of_each
        self._steps = sum(s.n_shown for s in sources) // (self._batch * ranks.size)
        if not self._steps:
            raise TrainingError(
                f"fewer training galaxies than one batch of {self._batch} for each of {ranks.size} processes"
            )
        self._network = make_start_network(config, campaigns)
        for size in {loop.size_in(epoch) for epoch in range(loop.epochs)} | {config.recipe.size}:
            check_size(self._network, size)
        self._network.to(self._device)
        self._network.to(memory_format=torch.channels_last)  # a step takes two thirds of the time
        self.average = (
            make_start_network(config, campaigns).to(self._device).eval().requires_grad_(requires_grad=False)
        )
        self.average.load_state_dict(self._network.state_dict())
        if self._device.type == "cpu" and self._bfloat16:
            keep_depthwise_float32(self._network)
        agreement = AgreementLoss(self._network.dimension) if loop.agreement else None
        self._learner = Learner(self._network, agreement).to(self._device)
        self._shared = ranks.average_gradients(self._learner)
        self._optimiser = torch.optim.AdamW(
            parameter_groups(self._learner, loop.weight_decay), lr=loop.learning_rate
        )

    def resume(self) -> int:
        """Load the last checkpoint, if there is one; the epochs that are done."""
        file = self._folder / _CHECKPOINT
        if not file.exists():
            return 0
        try:
            state = torch.load(file, map_location=self._device, weights_only=True)
            if _without_zeros(state["run"]) != _without_zeros(self._identity):
                raise TrainingError(f"{file} is of another training configuration; choose another folder")
            self._learner.load_state_dict(state["learner"])
            self.average.load_state_dict(state["average"])
            self._optimiser.load_state_dict(state["optimiser"])
            self._best, self._epochs = state["best"], state["epochs"]
        except (OSError, EOFError, RuntimeError, KeyError, TypeError, ValueError, UnpicklingError) as error:
            reason = f"{type(error).__name__} {' '.join(str(error).split())[:120]}"
            raise TrainingError(
                f"{file} is no whole checkpoint, delete it to begin anew: {reason}"
            ) from error
        if "average" not in self._best:  # patience begins now
            self._best["epochs"] = self._epochs
        if self._ranks.is_first:
            self._truncate_log(self._epochs)
        return self._epochs

    @property
    def has_stalled(self) -> bool:
        """Whether the held-out loss has not fallen for `patience` epochs."""
        patience = self._config.loop.patience
        return 0 < patience <= self._epochs - int(self._best["epochs"])

    def keep_if_better(self, epochs: int, loss: float) -> None:
        """Remember the weights with the lowest held-out loss, where early stopping is on."""
        self._epochs = epochs
        if self._config.loop.patience and loss < self._best["loss"]:
            average = {key: tensor.clone() for key, tensor in self.average.state_dict().items()}
            self._best = {"loss": loss, "epochs": epochs, "average": average}

    def restore_best(self) -> None:
        """Where early stopping is on, return to the weights with the lowest held-out loss."""
        if self._config.loop.patience and "average" in self._best:
            self.average.load_state_dict(self._best["average"])

    def save(self) -> None:
        """Write the checkpoint; the old one stays whole until the new one is."""
        state = {
            "run": self._identity,
            "epochs": self._epochs,
            "best": self._best,
            "learner": self._learner.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        unfinished = self._folder / f"{_CHECKPOINT}.part"
        torch.save(state, unfinished)
        unfinished.replace(self._folder / _CHECKPOINT)

    def train_epoch(self, epoch: int) -> float:
        """Train on every galaxy once; the mean loss, nats a galaxy."""
        loop, ranks = self._config.loop, self._ranks
        seed = loop.seed * 1009 + epoch
        torch.manual_seed(seed * 1013 + ranks.rank)  # stochastic depth
        pictures = PictureDataset(
            self._sources, loop.size_in(epoch), seed, AUGMENTATIONS[loop.augment], loop.pictures_of_each
        )
        order = pictures.epoch_order(seed)
        loader = DataLoader(
            pictures,
            self._batch,
            sampler=order[ranks.rank : self._steps * self._batch * ranks.size : ranks.size],
            drop_last=True,
            num_workers=loop.workers,
        )
        bar = self._progress.add_task(f"epoch {epoch + 1}", total=self._steps) if self._progress else None
        total = 0.0
        self._shared.train()
        for i, shown in enumerate(_batches(loader)):
            loss = self._step(epoch * self._steps + i, shown)
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss is {loss} in step {i + 1} of epoch {epoch + 1}: try a lower learning_rate"
                )
            total += loss
            if self._progress and bar is not None:
                self._progress.update(
                    bar, advance=1, description=f"epoch {epoch + 1}, loss {total / (i + 1):.2f}"
                )
        return self._ranks.mean(total / self._steps)

    @torch.inference_mode()
    def held_out_loss_of(self, source: LabelledGalaxies) -> float:
        """Mean vote loss of the averaged weights on plain pictures of held-out galaxies, nats a galaxy."""
        loader = DataLoader(
            PictureDataset([source], self._config.loop.size, None), self._config.loop.batch_size
        )
        total = 0.0
        for shown in _batches(loader):
            loss = self._vote_loss(self._predict(self.average, shown.rgb[:, 0]), shown.votes)
            total += float(loss) * len(shown.votes)
        return round(total / max(1, len(source.ids)), 4)

    def log(self, row: dict[str, float]) -> None:
        """Append one epoch to the log."""
        file = self._folder / _LOG
        new = not file.exists()
        with file.open("a", newline="") as out:
            writer = csv.DictWriter(out, list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)

    def _step(self, step: int, shown: TrainingExample) -> float:
        rate = self._config.loop.learning_rate * self._schedule(step)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        loss = self._loss(shown)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._learner.parameters(), _MAX_GRADIENT_NORM)
        self._optimiser.step()
        # A short memory at first, or the average would remember the start for ever.
        decay = min(self._config.loop.ema_decay, (step + 1) / (step + 10))
        update_average(self.average, self._network, decay)
        return float(loss.detach())

    def _loss(self, shown: TrainingExample) -> Tensor:
        """The losses of a batch: first pictures of all its galaxies, then, where there are, second ones."""
        loop = self._config.loop
        rgb = shown.rgb.transpose(0, 1).flatten(0, 1)
        prediction, disagreement = self._predict(self._shared, rgb)
        loss = self._vote_loss(prediction, shown.votes.repeat(loop.pictures_of_each, 1))
        if loop.likeness:
            traits = shown.traits.repeat(loop.pictures_of_each, 1).to(self._device)
            loss = loss + loop.likeness * likeness_loss(prediction.embedding, traits)
        total: Tensor = loss + loop.agreement * disagreement
        return total

    def _predict(self, network: nn.Module, rgb: Tensor) -> Any:  # noqa: ANN401 - what the network gives
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16):
            return network(rgb.to(self._device))

    def _vote_loss(self, prediction: Prediction, votes: Tensor) -> Tensor:
        alpha = self._campaigns.with_sums(prediction.alpha)
        return dirichlet_multinomial_loss(alpha, votes.to(self._device), self._campaigns.slices)

    def _schedule(self, step: int) -> float:
        warmup = self._config.loop.warmup_epochs * self._steps
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if self._config.loop.cooldown_epochs:
            left = self._config.loop.epochs * self._steps - step
            return min(1.0, left / (self._config.loop.cooldown_epochs * self._steps))
        done = (step - warmup) / max(1, self._config.loop.epochs * self._steps - warmup)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    @property
    def _identity(self) -> str:
        """What must not change between a checkpoint and its resumption; the inference recipe may."""
        c = self._config
        loop = replace(c.loop, workers=0, threads=0, patience=0)
        if loop.cooldown_epochs:  # until it begins, nothing depends on the end
            loop = replace(loop, epochs=0, size=0, cooldown_epochs=1.0)
        release = (c.release.backbone, c.release.start, c.release.tree, c.release.also_learnt)
        start = () if c.release.start_head else ("without its head",)
        return repr((*release, *start, c.recipe.channels, loop, c.sources))

    def _truncate_log(self, epochs: int) -> None:
        """Drop log lines of an epoch that was logged but not saved."""
        file = self._folder / _LOG
        if file.exists():
            lines = file.read_text().splitlines(keepends=True)
            file.write_text("".join(lines[: epochs + 1]))


def _without_zeros(identity: str) -> str:
    """1.0 as 1: earlier checkpoints spell a number as its configuration did."""
    return re.sub(r"(\d)\.0\b", r"\1", identity)


def _batches(loader: DataLoader[TrainingExample]) -> Iterator[TrainingExample]:
    """Batches; an error of ours that a worker met is again the one line it was."""
    try:
        yield from loader
    except TrainingError as error:
        raise TrainingError(str(error).strip().splitlines()[-1].rpartition("TrainingError: ")[2]) from None
