"""Fine-tuning on few labels: the last stages of the network learn what its frozen vectors do not say.

The head starts where the frozen probe ends, so the first step is no worse than that (Kumar et al. 2022,
arXiv:2202.10054); then head and last stages are trained together on turned, mirrored and zoomed pictures.
"""

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from sklearn.metrics import balanced_accuracy_score
from torch import Tensor, nn

from encoder.errors import EvaluationError
from encoder.evaluation.figures.contenders import Contender
from encoder.evaluation.figures.measures import Vectors
from encoder.evaluation.sets.real import EfigiSet
from encoder.heads.probe import Spread, draw_labels, make_classifier, possible_labels
from encoder.model.atomic_file import write_atomically
from encoder.model.encoder import Encoder
from encoder.model.network import Network
from encoder.training.augment import Share, augment

REPEATS = 5
_TRAINED = 0.75
"""Share of the backbone's weights, from its end, that is trained."""
_STEPS = 60
_BATCH = 32
_RATE = 1e-4
_HEAD_RATE = 1e-3
_DECAY = 0.05
_ZOOM = Share(0.8, 1.1)
_LOGIT_SPREAD = 1.0


def deep_table(
    efigi: EfigiSet,
    contenders: Sequence[Contender],
    vectors: Vectors,
    folder: Path,
    progress: Progress | None,
) -> pd.DataFrame:
    """Balanced accuracy on rings of fine-tuned networks, on the same draws of labels as the frozen ones.

    Args:
        efigi: EFIGI with its test split.
        contenders: The encoders whose networks are tuned.
        vectors: What each encoder says of all galaxies, by the contender's name.
        folder: Where the result of each draw is kept, so that a killed run goes on.
        progress: Where a progress bar is shown; None shows none.
    """
    labels = possible_labels(efigi.ringed)
    rows = []
    for contender in contenders:
        name, encoder = contender.name, contender.encoder
        total = len(labels) * REPEATS
        bar = progress.add_task(f"fine-tuning, {name}", total=total) if progress else None
        frozen = vectors[name].embedding[efigi.tested]
        pictures: Tensor | None = None
        for n in labels:
            scores = []
            for repeat, (learnt, tested) in enumerate(draw_labels(efigi.ringed, n, REPEATS)):
                file = folder / f"deep-{_key(encoder, efigi)}-{n}-{repeat}.json"
                if not file.exists():
                    if pictures is None:
                        pictures = efigi.sample.pictures(efigi.tested.nonzero()[0], encoder.recipe)
                    score = _measure_tuned(encoder, pictures, frozen, efigi.ringed, learnt, tested)
                    write_atomically(file, json.dumps(score).encode(), EvaluationError)
                scores.append(float(json.loads(file.read_text())))
                if progress and bar is not None:
                    progress.advance(bar)
            spread = asdict(Spread.of(np.array(scores)))
            rows.append({"encoder": name, "method": "deep", "labels": n, "repeats": REPEATS, **spread})
    return pd.DataFrame(rows)


def _measure_tuned(
    encoder: Encoder,
    pictures: Tensor,
    frozen: NDArray[np.float32],
    truth: NDArray[np.bool_],
    learnt: NDArray[np.int64],
    tested: NDArray[np.int64],
) -> float:
    network, head = tune(encoder, pictures[learnt], frozen[learnt], truth[learnt])
    rgb = pictures[tested].float() / 255
    embedding = replace(encoder, _network=network).encode(rgb).embedding
    with torch.inference_mode():
        said = head(torch.from_numpy(embedding)).numpy()[:, 0] > 0
    return float(balanced_accuracy_score(truth[tested], said))


def tune(
    encoder: Encoder, pictures: Tensor, frozen: NDArray[np.float32], truth: NDArray[np.bool_]
) -> tuple[Network, nn.Linear]:
    """A network and a head trained on a few labelled pictures; the same ones every time.

    Args:
        encoder: Whose network starts.
        pictures: (n, 3, size, size) uint8.
        frozen: (n, d) vectors of the untuned network.
        truth: (n,).
    """
    network = copy.deepcopy(encoder._network)  # noqa: SLF001 - a copy of it is trained
    head = _probe_head(frozen, truth).to(encoder.device)
    network.requires_grad_(requires_grad=False)
    last = _last_weights(network.backbone)
    for parameter in last:
        parameter.requires_grad = True
    groups = [{"params": last, "lr": _RATE}, {"params": list(head.parameters()), "lr": _HEAD_RATE}]
    optimiser = torch.optim.AdamW(groups, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _STEPS)
    target = torch.from_numpy(truth.astype(np.float32)).to(encoder.device)
    generator = torch.Generator().manual_seed(len(truth))
    size = encoder.recipe.size
    for _ in range(_STEPS):
        rows = torch.randperm(len(truth), generator=generator)[:_BATCH].tolist()
        rgb = torch.stack([augment(pictures[i], _ZOOM, size, generator) for i in rows]).to(encoder.device)
        logits = head(network(rgb).embedding)[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(logits, target[rows])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return network.eval(), head.cpu()


def _probe_head(frozen: NDArray[np.float32], truth: NDArray[np.bool_]) -> nn.Linear:
    """The frozen probe as one linear layer, its logits spread by 1 over the labelled galaxies."""
    scaler, regression = (step for _, step in make_classifier().fit(frozen, truth).steps)
    weight = regression.coef_ / scaler.scale_
    bias = regression.intercept_ - weight @ scaler.mean_
    spread = _LOGIT_SPREAD / max(float((frozen @ weight[0]).std()), 1e-6)
    head = nn.Linear(frozen.shape[1], 1)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight * spread))
        head.bias.copy_(torch.from_numpy(bias * spread))
    return head


def _last_weights(backbone: nn.Module) -> list[nn.Parameter]:
    """The parameters from the end of the backbone that hold three quarters of its weights."""
    every = list(backbone.parameters())
    wanted = _TRAINED * sum(p.numel() for p in every)
    last: list[nn.Parameter] = []
    for parameter in reversed(every):
        if sum(p.numel() for p in last) >= wanted:
            break
        last.append(parameter)
    return last


def _key(encoder: Encoder, efigi: EfigiSet) -> str:
    recipe = json.dumps(encoder.recipe.to_dict(), sort_keys=True)
    settings = (_TRAINED, _STEPS, _BATCH, _RATE, _HEAD_RATE, _DECAY, _ZOOM, _LOGIT_SPREAD)
    parts = (encoder.sha256, recipe, encoder.view_set, efigi.sample.version, settings)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
