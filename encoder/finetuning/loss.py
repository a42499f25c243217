"""The loss that a training lowers: cross entropy with the shares of the votes."""

import math

from torch import Tensor, nn
from torch.optim import Optimizer

from encoder.finetuning.check import check


def vote_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Of logits and shares, both (n, n_classes): nats a galaxy."""
    return nn.functional.cross_entropy(logits, shares)


def step(optimiser: Optimizer, loss: Tensor) -> float:
    """Lower a loss by one step of the optimiser.

    Returns:
        The loss before the step.

    Raises:
        TaskError: It is no number.
    """
    value = float(loss.detach())
    check(math.isfinite(value), f"the loss is {value}: try a lower rate")
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return value
