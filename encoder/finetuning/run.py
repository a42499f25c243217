"""The run of a fine-tuning: its two stages, from the probe to the best weights."""

import copy
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from encoder.finetuning.block_stage import backbone_blocks, block_epoch, block_optimiser, max_epochs
from encoder.finetuning.checkpoint import (
    BestWeights,
    TuningState,
    read_checkpoint,
    training_identity,
    write_checkpoint,
)
from encoder.finetuning.data import MIN_TO_HOLD_OUT, class_counts, hold_out, steps_of_epoch
from encoder.finetuning.head_stage import measure_epoch, train_head
from encoder.finetuning.report import BLOCKS, HEAD, Epoch, TuningReport
from encoder.finetuning.settings import TunedTask, TuningSettings, require
from encoder.finetuning.tuned_file import TunedEncoder
from encoder.inference.embed import encode_pictures
from encoder.model.encoder import Encoder
from encoder.model.network import fingerprint


class TuningRun:
    """One training of a copy of an encoder."""

    def __init__(
        self,
        encoder: Encoder,
        pictures: Tensor,
        shares: NDArray[np.float32],
        task: TunedTask,
        settings: TuningSettings,
    ) -> None:
        self._start, self._task, self._settings = encoder, task, settings
        self._galaxies = hold_out(pictures, shares, settings.seed)
        network = copy.deepcopy(encoder._network)  # noqa: SLF001 - it is what is trained
        self._network = network.requires_grad_(requires_grad=False)
        self._encoder = replace(encoder, _network=self._network)
        every = backbone_blocks(self._encoder)
        self._n_blocks = len(every)
        self._depth = self._n_blocks if settings.depth is None else settings.depth
        wrong = f"depth {self._depth} is more than the {self._n_blocks} blocks of {encoder.backbone}"
        require(self._depth <= self._n_blocks, wrong)
        trained = [parameter for block in every[self._n_blocks - self._depth :] for parameter in block]
        for parameter in trained:
            parameter.requires_grad = True
        self._head = nn.Linear(encoder.dimension, len(task.classes)).to(encoder.device)
        self._trained = [*trained, *self._head.parameters()]
        self._state = TuningState(BestWeights(self._trained), block_optimiser(trained, self._head, settings))
        self._max_epochs = max_epochs(self._galaxies, settings) if self._depth else 0

    @property
    def is_done(self) -> bool:
        """Whether all epochs are over, or the held-out loss has not fallen for long enough."""
        return self._state.epochs >= self._max_epochs or self._has_stalled

    def train_head(self, progress: Callable[[Epoch], None]) -> None:
        """The first stage; the second starts from its best head."""
        vectors = encode_pictures(self._encoder, self._galaxies.pictures)
        head, rows, best_epoch = train_head(vectors, self._galaxies, self._settings, progress)
        self._head.load_state_dict(head.state_dict())
        start = replace(rows[best_epoch], stage=BLOCKS if self._depth else HEAD, epoch=0, loss=None)
        best = self._state.best
        best.keep_if_better(start)
        if self._depth:
            rows.append(start)
        else:
            best.epoch = best_epoch
        self._state.rows = rows

    def train_epoch(self) -> Epoch:
        """One epoch of the second stage."""
        state = self._state
        state.epochs += 1
        loss = block_epoch(
            self._encoder, self._head, state.optimiser, self._galaxies, self._settings, state.epochs
        )
        vectors = self._held_out_vectors()
        row = measure_epoch(BLOCKS, state.epochs, loss, self._head, vectors, self._galaxies)
        state.best.keep_if_better(row)
        state.rows.append(row)
        return row

    def resume(self, file: Path) -> bool:
        """Load a checkpoint, if there is one."""
        if not file.exists():
            return False
        read_checkpoint(file, self._identity, self._state, self._encoder.device)
        return True

    def save(self, file: Path | None) -> None:
        """Write the checkpoint, if one is wanted."""
        if file is not None:
            write_checkpoint(file, self._identity, self._state)

    def result(self) -> TunedEncoder:
        """The best weights, and how they came to be."""
        self._state.best.restore()
        self._network.requires_grad_(requires_grad=False)
        head = copy.deepcopy(self._head).cpu().requires_grad_(requires_grad=False)
        return TunedEncoder(self._tuned_encoder(), head, self._task, self._recipe(), self._report())

    @property
    def _has_stalled(self) -> bool:
        return self._state.epochs - self._state.best.epoch >= self._settings.patience

    def _held_out_vectors(self) -> NDArray[np.float32]:
        held_out = self._galaxies.held_out
        if not len(held_out):
            return np.empty((0, self._encoder.dimension), np.float32)
        return encode_pictures(self._encoder, self._galaxies.pictures[held_out])

    @cached_property
    def _identity(self) -> str:
        return training_identity(self._start, self._task, self._settings, self._galaxies)

    def _tuned_encoder(self) -> Encoder:
        if not self._depth or not self._state.best.epoch:
            return self._encoder  # its vectors are still those of the release
        start, name = self._start, self._task.name
        return replace(
            self._encoder,
            name=f"{start.name}-{name}",
            sha256=fingerprint(copy.deepcopy(self._network).cpu()),
            training={**start.training, "tuned_from": self._origin, "tuned_to": name},
        )

    def _recipe(self) -> dict[str, Any]:
        return {
            **asdict(self._settings),
            "blocks_trained": self._depth,
            "blocks": self._n_blocks,
            "started_from": self._origin,
        }

    @property
    def _origin(self) -> dict[str, str]:
        return {"name": self._start.name, "sha256": self._start.sha256}

    def _report(self) -> TuningReport:
        classes, shares = self._task.classes, self._galaxies.shares
        held = shares[self._galaxies.held_out]
        every = [*self._network.backbone.parameters(), *self._head.parameters()]
        return TuningReport(
            epochs=tuple(self._state.rows),
            best_epoch=self._state.best.epoch,
            galaxies=dict(zip(classes, class_counts(shares), strict=True)),
            held_out=dict(zip(classes, class_counts(held), strict=True)),
            trained_parameters=sum(p.numel() for p in self._trained),
            parameters=sum(p.numel() for p in every),
            stopped=self._reason(),
        )

    def _reason(self) -> str:
        if not len(self._galaxies.held_out):
            few = f"a class has fewer than {MIN_TO_HOLD_OUT} galaxies, none are held out"
            steps = self._state.epochs * steps_of_epoch(len(self._galaxies.learnt), self._settings)
            return f"after {steps} fixed steps: {few}"
        if not self._depth:
            return "the head alone was trained"
        if self._has_stalled:
            return f"no lower held-out loss for {self._settings.patience} epochs"
        return f"after all {self._max_epochs} epochs"
