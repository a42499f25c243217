import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.training.vector_losses import AgreementLoss, likeness_loss


def _some(n: int, d: int, seed: int) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_likeness_is_the_divergence_of_a_plain_double_loop() -> None:
    vectors = _some(12, 7, 0)
    traits = torch.rand(12, 6, generator=torch.Generator().manual_seed(1))
    traits[2, 3] = traits[5, :2] = torch.nan
    traits[8, 3:] = torch.nan  # three known traits say nothing
    traits[9] = torch.nan
    plain = _plain_likeness(vectors.numpy().astype(np.float64), traits.numpy().astype(np.float64))
    assert float(likeness_loss(vectors, traits)) == pytest.approx(plain, rel=1e-4)


def test_likeness_is_nothing_where_nobody_is_known_and_leaves_no_gradient() -> None:
    vectors = _some(4, 5, 2).requires_grad_()
    loss = likeness_loss(vectors, torch.full((4, 0), torch.nan))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert vectors.grad is not None
    assert not vectors.grad.any()


def test_likeness_pulls_twins_together_and_pushes_others_away() -> None:
    traits = torch.tensor([[0.0] * 5, [0.0] * 5, [1.0] * 5, [1.0] * 5])
    vectors = _some(4, 16, 3).requires_grad_()
    optimiser = torch.optim.SGD([vectors], lr=1.0)
    for _ in range(200):
        optimiser.zero_grad()
        likeness_loss(vectors, traits).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    unit = torch.nn.functional.normalize(vectors.detach(), dim=1)
    cosine = unit @ unit.T
    assert min(cosine[0, 1], cosine[2, 3]) > max(cosine[0, 2], cosine[0, 3], cosine[1, 2], cosine[1, 3]) + 0.5


def test_agreement_is_the_plain_cross_entropy_of_the_partner() -> None:
    torch.manual_seed(4)
    module = AgreementLoss(9)
    vectors = _some(10, 9, 5)
    first, _, second = module._projector
    hidden = np.maximum(vectors.numpy() @ first.weight.detach().numpy().T + first.bias.detach().numpy(), 0)
    projected = hidden @ second.weight.detach().numpy().T + second.bias.detach().numpy()
    unit = projected / np.linalg.norm(projected, axis=1, keepdims=True)
    losses = []
    for i in range(10):
        scores = {j: float(unit[i] @ unit[j]) / 0.2 for j in range(10) if j != i}
        losses.append(math.log(sum(math.exp(s) for s in scores.values())) - scores[(i + 5) % 10])
    torch.testing.assert_close(float(module(vectors).detach()), float(np.mean(losses)), rtol=1e-5, atol=1e-6)


def _plain_likeness(vectors: NDArray[np.float64], traits: NDArray[np.float64]) -> float:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    parts = []
    for i in range(len(vectors)):
        wanted, found = {}, {}
        for j in range(len(vectors)):
            both = np.isfinite(traits[i]) & np.isfinite(traits[j])
            if j != i and both.sum() >= 4:
                difference = ((traits[i] - traits[j])[both] ** 2).mean()
                wanted[j] = math.exp(-difference / (2 * 0.175**2))
                found[j] = math.exp(float(unit[i] @ unit[j]) / 0.1)
        if sum(wanted.values()) > 1.2e-7:
            p = {j: w / sum(wanted.values()) for j, w in wanted.items()}
            q = {j: f / sum(found.values()) for j, f in found.items()}
            parts.append(sum(p[j] * math.log(p[j] / q[j]) for j in p))
    return float(np.mean(parts))
