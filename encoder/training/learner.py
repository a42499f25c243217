"""What a training run trains, as one module, and the moving average of its weights."""

import torch
from torch import Tensor, nn

from encoder.model.network import Network, Prediction
from encoder.training.vector_losses import AgreementLoss


class Learner(nn.Module):
    """All that is trained, as one module whose gradients are averaged together.

    Args:
        network: The network that is trained.
        agreement: The loss between two pictures of a galaxy, which has weights of its own; None leaves it
            out.
    """

    def __init__(self, network: Network, agreement: AgreementLoss | None) -> None:
        super().__init__()
        self.network, self.agreement = network, agreement

    def forward(self, rgb: Tensor) -> tuple[Prediction, Tensor]:
        """The prediction of (n, 3, h, w) pictures, and the loss between the two pictures of each galaxy."""
        prediction: Prediction = self.network(rgb)
        if self.agreement is None:
            return prediction, prediction.embedding.new_zeros(())
        with torch.autocast(rgb.device.type, enabled=False):
            return prediction, self.agreement(prediction.embedding)


def parameter_groups(learner: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """The parameters in two groups for the optimiser: biases and norms are not decayed."""
    matrices = [p for p in learner.parameters() if p.ndim > 1]
    others = [p for p in learner.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def update_average(average: Network, network: Network, decay: float) -> None:
    """Move the average of the weights a step towards them; what is counted, such as batches, is copied."""
    for old, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)
