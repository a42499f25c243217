"""The checkpoint of a training: its state after an epoch.

It is small (the blocks trained, not the whole network), so it is saved after every one.
"""

import hashlib
import io
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch.optim import Optimizer

from encoder.errors import TaskError
from encoder.finetuning.best import Best
from encoder.finetuning.data import Galaxies
from encoder.finetuning.report import Epoch
from encoder.finetuning.settings import TuningSettings
from encoder.finetuning.task import TunedTask
from encoder.model.atomic_file import write_whole
from encoder.model.encoder import Encoder


@dataclass
class State:
    """What changes from epoch to epoch.

    Attributes:
        best: Of blocks and head.
        optimiser: Of the second stage.
        rows: Of both stages.
        epochs: Of the second stage that are over.
    """

    best: Best
    optimiser: Optimizer
    rows: list[Epoch] = field(default_factory=list)
    epochs: int = 0

    def content(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "epochs": self.epochs,
            "rows": [asdict(row) for row in self.rows],
            "trained": self.best.now(),
            "best": self.best.state(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load(self, content: dict[str, Any]) -> None:
        """What `content` gave; the parameters too."""
        self.best.load(content["best"])
        self.epochs, self.rows = content["epochs"], [Epoch(**row) for row in content["rows"]]
        self.optimiser.load_state_dict(content["optimiser"])
        self.best.copy(content["trained"])


def training_identity(start: Encoder, task: TunedTask, settings: TuningSettings, galaxies: Galaxies) -> str:
    """What must not change between a checkpoint and its resumption."""
    about = (start.sha256, start.recipe, start.view_set, task, settings)
    digest = hashlib.sha256(repr(about).encode())
    digest.update(galaxies.pictures.contiguous().numpy().tobytes())
    digest.update(galaxies.shares.tobytes())
    return digest.hexdigest()


def write_checkpoint(file: Path, training: str, state: State) -> None:
    """Write it whole, or not at all.

    Args:
        file: Where to.
        training: As `training_identity` says it.
        state: After an epoch.

    Raises:
        TaskError: The file cannot be written.
    """
    content = io.BytesIO()
    torch.save({"training": training, **state.content()}, content)
    write_whole(file, content.getvalue(), TaskError)


def read_checkpoint(file: Path, training: str, state: State, device: torch.device) -> None:
    """Bring a state to where `write_checkpoint` left it.

    Args:
        file: The checkpoint.
        training: As `training_identity` says it.
        state: Is changed.
        device: Of its parameters.

    Raises:
        TaskError: The file is damaged or of another training.
    """
    try:
        content = torch.load(file, map_location=device, weights_only=True)
        if content["training"] != training:
            raise TaskError(f"{file} is of other galaxies, labels or settings; choose another file")
        state.load(content)
    except (OSError, EOFError, RuntimeError, KeyError, TypeError, ValueError, UnpicklingError) as error:
        reason = f"{type(error).__name__} {' '.join(str(error).split())[:120]}"
        raise TaskError(f"{file} is no whole checkpoint, delete it to begin anew: {reason}") from error
