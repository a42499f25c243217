"""The best weights of a training so far."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from encoder.finetuning.report import Epoch


class Best:
    """The values with the lowest held-out loss so far; where nothing is held out, the last ones."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self._parameters = parameters
        self.epoch, self._loss = 0, math.inf
        self._values = self.now()

    def judge(self, row: Epoch) -> None:
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
        """Set the values."""
        for parameter, value in zip(self._parameters, values, strict=True):
            parameter.copy_(value)

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"epoch": self.epoch, "loss": self._loss, "values": self._values}

    def load(self, state: dict[str, Any]) -> None:
        """What `state` gave."""
        self.epoch, self._loss, self._values = state["epoch"], state["loss"], state["values"]
