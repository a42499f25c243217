"""The state of a fine-tuning after an epoch, with its best weights so far, and the file that holds it.

It is small (the blocks trained, not the whole network), so it is saved after every epoch.
"""

import hashlib
import io
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from encoder.errors import LearningError
from encoder.finetuning.data import TuningGalaxies
from encoder.finetuning.report import Epoch
from encoder.finetuning.settings import TunedTask, TuningSettings
from encoder.model.atomic_file import write_atomically
from encoder.model.encoder import Encoder


class BestWeights:
    """The values with the lowest held-out loss so far; where nothing is held out, the last ones."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self._parameters = parameters
        self.epoch, self._loss = 0, math.inf
        self._values = self.now()

    def keep_if_better(self, row: Epoch) -> None:
        """Remember the values as they are now, if they are better."""
        if row.held_out_loss is None or row.held_out_loss < self._loss:
            self.epoch, self._values = row.epoch, self.now()
            self._loss = math.inf if row.held_out_loss is None else row.held_out_loss

    def restore(self) -> None:
        """Go back to the best values."""
        self.copy(self._values)

    def now(self) -> list[Tensor]:
        """A copy of the values as they are."""
        return [parameter.detach().clone() for parameter in self._parameters]

    @torch.no_grad()
    def copy(self, values: list[Tensor]) -> None:
        """Set the parameters to these values, in the order in which `now` gives them."""
        for parameter, value in zip(self._parameters, values, strict=True):
            parameter.copy_(value)

    def state(self) -> dict[str, Any]:
        """The best epoch, its loss and its weights, to be kept in a checkpoint."""
        return {"epoch": self.epoch, "loss": self._loss, "values": self._values}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.epoch, self._loss, self._values = state["epoch"], state["loss"], state["values"]


@dataclass
class TuningState:
    """What changes from epoch to epoch.

    Attributes:
        best: The best values so far of blocks and head.
        optimiser: The optimiser of the second stage.
        rows: Reports of the epochs of both stages.
        epochs: Number of epochs of the second stage that are over.
    """

    best: BestWeights
    optimiser: Optimizer
    rows: list[Epoch] = field(default_factory=list)
    epochs: int = 0

    def content(self) -> dict[str, Any]:
        """Everything that the second stage needs to go on, to be kept in a checkpoint."""
        return {
            "epochs": self.epochs,
            "rows": [asdict(row) for row in self.rows],
            "trained": self.best.now(),
            "best": self.best.state(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load(self, content: dict[str, Any]) -> None:
        """Go on from what `content` gave; the parameters are set too."""
        self.best.load(content["best"])
        self.epochs, self.rows = content["epochs"], [Epoch(**row) for row in content["rows"]]
        self.optimiser.load_state_dict(content["optimiser"])
        self.best.copy(content["trained"])


def training_identity(
    start: Encoder, task: TunedTask, settings: TuningSettings, galaxies: TuningGalaxies
) -> str:
    """What must not change between a checkpoint and its resumption."""
    about = (start.sha256, start.recipe, start.view_set, task, settings)
    digest = hashlib.sha256(repr(about).encode())
    digest.update(galaxies.pictures.contiguous().numpy().tobytes())
    digest.update(galaxies.shares.tobytes())
    return digest.hexdigest()


def write_checkpoint(file: Path, training: str, state: TuningState) -> None:
    """Write it whole, or not at all.

    Args:
        file: The file to write.
        training: Hash of what must be the same when the training goes on, from `training_identity`.
        state: The state after an epoch.

    Raises:
        LearningError: The file cannot be written.
    """
    content = io.BytesIO()
    torch.save({"training": training, **state.content()}, content)
    write_atomically(file, content.getvalue(), LearningError)


def read_checkpoint(file: Path, training: str, state: TuningState, device: torch.device) -> None:
    """Bring a state to where `write_checkpoint` left it.

    Args:
        file: Path of the checkpoint.
        training: Hash of what must be the same when the training goes on, from `training_identity`.
        state: The state to change in place.
        device: The device of its parameters.

    Raises:
        LearningError: The file is damaged or of another training.
    """
    try:
        content = torch.load(file, map_location=device, weights_only=True)
        if content["training"] != training:
            raise LearningError(f"{file} is of other galaxies, labels or settings; choose another file")
        state.load(content)
    except (OSError, EOFError, RuntimeError, KeyError, TypeError, ValueError, UnpicklingError) as error:
        reason = f"{type(error).__name__} {' '.join(str(error).split())[:120]}"
        raise LearningError(f"{file} is no whole checkpoint, delete it to begin anew: {reason}") from error
