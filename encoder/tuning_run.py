"""The run of a fine-tuning: what is trained, epoch by epoch, from the probe to the best weights.

Its state is small (the blocks trained, not the whole network), so it is saved after every epoch.
"""

import copy
import hashlib
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from timm.models import group_parameters
from torch import Tensor, nn

from encoder.device import repeatable_arithmetic
from encoder.encoder import Encoder
from encoder.errors import TaskError
from encoder.evaluation.probe import classifier
from encoder.network import fingerprint
from encoder.training.augment import Share, augmented
from encoder.tuned_file import Epoch, Tuned, TunedTask, TuningReport, write_whole

FEWEST_FOR_HOLDING_OUT = 10
"""Labels of the rarest class from which a part is held out."""
HELD_OUT = 0.2
_FEWEST_STEPS = 4
"""Of an epoch: few labels are shown several times in each."""
_ZOOM = Share(0.8, 1.1)
_CHUNK = 256
_HEAD, _BLOCKS = "head", "blocks"


@dataclass(frozen=True)
class TuningSettings:
    """How a task is learnt.

    The rates were chosen by the held-out loss of 2 draws of 79 + 79 EFIGI rings: at 1e-3 the head lost in an
    epoch what the probe knew, and at 1e-4 the blocks overfitted sooner than at 3e-5.

    Attributes:
        depth: Blocks trained, counted from the backbone's end as timm groups its layers (`group_matcher`): a
            residual or MBConv block is one; what follows the last one belongs to it, a downsampling to the
            block after it; the stem is the first. 0 for the head alone, None for all.
        epochs: Most of the second stage.
        head_epochs: Most of the first.
        patience: Epochs without a lower held-out loss after which a stage ends.
        fixed_steps: Of the second stage, where too few labels leave none to hold out.
        rate: Learning rate of the blocks at the start; it falls to 0 as a cosine.
        head_rate: The same of the head.
        weight_decay: Of AdamW.
        batch_size: Galaxies a step.
        seed: Of the held-out part, the order and the augmentation.
    """

    depth: int | None = 6
    epochs: int = 15
    head_epochs: int = 15
    patience: int = 5
    fixed_steps: int = 60
    rate: float = 3e-5
    head_rate: float = 1e-4
    weight_decay: float = 0.05
    batch_size: int = 32
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "patience", "fixed_steps", "rate", "head_rate", "batch_size"):
            check(getattr(self, name) > 0, f"tuning setting {name} = {getattr(self, name)} is not positive")
        for name in ("depth", "head_epochs", "weight_decay", "seed"):
            value = getattr(self, name)
            check(value is None or value >= 0, f"tuning setting {name} = {value} is negative")


class TuningRun:
    """The state of one training: network, head, optimiser, the best weights so far."""

    def __init__(
        self,
        encoder: Encoder,
        pictures: Tensor,
        shares: NDArray[np.float32],
        task: TunedTask,
        settings: TuningSettings,
    ) -> None:
        self._pictures, self._shares, self._task, self._settings = pictures.cpu(), shares, task, settings
        self._start = encoder
        network = copy.deepcopy(encoder._network).requires_grad_(requires_grad=False)  # noqa: SLF001
        self._encoder = replace(encoder, _network=network)
        self._network = network
        every = blocks(self._encoder)
        depth = len(every) if settings.depth is None else settings.depth
        wrong = f"depth {depth} is more than the {len(every)} blocks of {encoder.backbone}"
        check(depth <= len(every), wrong)
        self._blocks = [parameter for block in every[len(every) - depth :] for parameter in block]
        self._depth, self._n_blocks = depth, len(every)
        self._head = nn.Linear(encoder.dimension, len(task.classes)).to(encoder.device)
        groups: list[dict[str, Any]] = [
            {"params": self._blocks, "lr": settings.rate},
            {"params": list(self._head.parameters()), "lr": settings.head_rate},
        ]
        self._rates = [group["lr"] for group in groups]
        for parameter in self._blocks:
            parameter.requires_grad = True
        self._optimiser = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
        self._best = _Best([*self._blocks, *self._head.parameters()])
        self._learnt, self._held_out = _split(shares, settings.seed)
        self._steps = max(_FEWEST_STEPS, math.ceil(len(self._learnt) / settings.batch_size))
        most = settings.epochs if len(self._held_out) else max(1, settings.fixed_steps // self._steps)
        self._most_epochs = most if depth else 0
        self._epochs = 0
        self._rows: list[Epoch] = []

    @property
    def is_done(self) -> bool:
        """Whether all epochs are over, or the held-out loss has not fallen for long enough."""
        return self._epochs >= self._most_epochs or self._has_stalled

    @property
    def _has_stalled(self) -> bool:
        return self._epochs - self._best.epoch >= self._settings.patience

    def train_head(self, progress: Callable[[Epoch], None]) -> None:
        """The first stage, on vectors of the frozen network; it starts as the probe."""
        vectors = embed(self._encoder, self._pictures)
        head = _probe_head(
            fit_probe(vectors[self._learnt], self._shares[self._learnt]), vectors[self._learnt]
        )
        optimiser = torch.optim.AdamW(
            head.parameters(), lr=self._settings.head_rate, weight_decay=self._settings.weight_decay
        )
        best = _Best(list(head.parameters()))
        for epoch in range(1 + self._settings.head_epochs * bool(len(self._held_out))):
            loss = None if epoch == 0 else self._head_epoch(head, optimiser, vectors, epoch)
            row = self._row(_HEAD, epoch, loss, head, vectors[self._held_out])
            best.judge(row)
            self._rows.append(row)
            progress(row)
            if epoch - best.epoch >= self._settings.patience:
                break
        best.restore()
        self._head.load_state_dict(head.state_dict())
        start = replace(self._rows[best.epoch], stage=_BLOCKS if self._depth else _HEAD, epoch=0, loss=None)
        self._best.judge(start)
        if self._depth:
            self._rows.append(start)
        else:
            self._best.epoch = best.epoch

    def one_epoch(self) -> Epoch:
        """One epoch of the second stage."""
        self._epochs += 1
        total = 0.0
        batches = _batches(len(self._learnt), self._steps, self._settings, _BLOCKS, self._epochs)
        for i, (rows, generator) in enumerate(batches):
            done = ((self._epochs - 1) * self._steps + i) / (self._most_epochs * self._steps)
            for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
                group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done))
            galaxies = self._learnt[rows]
            size, device = self._encoder.recipe.size, self._encoder.device
            seen = [augmented(self._pictures[int(k)], _ZOOM, size, generator) for k in galaxies]
            rgb, shares = torch.stack(seen).to(device), torch.from_numpy(self._shares[galaxies]).to(device)
            with repeatable_arithmetic():
                loss = _loss(self._head(self._network(rgb).embedding), shares)
                total += _step(self._optimiser, loss)
        vectors = self._held_out_vectors()
        row = self._row(_BLOCKS, self._epochs, total / self._steps, self._head, vectors)
        self._best.judge(row)
        self._rows.append(row)
        return row

    def result(self) -> Tuned:
        """The best weights, and how they came to be."""
        self._best.restore()
        head = copy.deepcopy(self._head).cpu().requires_grad_(requires_grad=False)
        network = self._network.requires_grad_(requires_grad=False)
        start, encoder = self._start, self._encoder
        origin = {"name": start.name, "sha256": start.sha256}
        recipe = {
            **asdict(self._settings),
            "blocks_trained": self._depth,
            "blocks": self._n_blocks,
            "started_from": origin,
        }
        if self._depth and self._best.epoch:  # else its vectors are still those of the release
            encoder = replace(
                encoder,
                name=f"{start.name}-{self._task.name}",
                sha256=fingerprint(copy.deepcopy(network).cpu()),
                training={**start.training, "tuned_from": origin, "tuned_to": self._task.name},
            )
        return Tuned(encoder, head, self._task, recipe, self._report())

    def resume(self, file: Path) -> bool:
        """Load a checkpoint, if there is one."""
        if not file.exists():
            return False
        try:
            state = torch.load(file, map_location=self._encoder.device, weights_only=True)
            if state["training"] != self._identity:
                raise TaskError(f"{file} is of other galaxies, labels or settings; choose another file")
            self._best.load(state["best"])
            self._epochs, self._rows = state["epochs"], [Epoch(**row) for row in state["rows"]]
            self._optimiser.load_state_dict(state["optimiser"])
            self._best.copy(state["trained"])
        except (OSError, EOFError, RuntimeError, KeyError, TypeError, ValueError, UnpicklingError) as error:
            reason = f"{type(error).__name__} {' '.join(str(error).split())[:120]}"
            raise TaskError(f"{file} is no whole checkpoint, delete it to begin anew: {reason}") from error
        return True

    def save(self, file: Path | None) -> None:
        """Write the checkpoint, if one is wanted."""
        if file is None:
            return
        content = io.BytesIO()
        state = {
            "training": self._identity,
            "epochs": self._epochs,
            "rows": [asdict(row) for row in self._rows],
            "trained": self._best.now(),
            "best": self._best.state(),
            "optimiser": self._optimiser.state_dict(),
        }
        torch.save(state, content)
        write_whole(file, content.getvalue())

    @cached_property
    def _identity(self) -> str:
        """What must not change between a checkpoint and its resumption."""
        start = self._start
        about = (start.sha256, start.recipe, start.view_set, self._task, self._settings)
        digest = hashlib.sha256(repr(about).encode())
        digest.update(self._pictures.contiguous().numpy().tobytes())
        digest.update(self._shares.tobytes())
        return digest.hexdigest()

    def _head_epoch(
        self, head: nn.Linear, optimiser: torch.optim.Optimizer, vectors: NDArray[np.float32], epoch: int
    ) -> float:
        total = 0.0
        for rows, _ in _batches(len(self._learnt), self._steps, self._settings, _HEAD, epoch):
            galaxies = self._learnt[rows]
            logits = head(torch.from_numpy(vectors[galaxies]))
            total += _step(optimiser, _loss(logits, torch.from_numpy(self._shares[galaxies])))
        return total / self._steps

    def _held_out_vectors(self) -> NDArray[np.float32]:
        if not len(self._held_out):
            return np.empty((0, self._encoder.dimension), np.float32)
        return embed(self._encoder, self._pictures[self._held_out])

    def _row(
        self, stage: str, epoch: int, loss: float | None, head: nn.Linear, vectors: NDArray[np.float32]
    ) -> Epoch:
        """One line of the report, from the vectors of the held-out galaxies."""
        if not len(vectors):
            return Epoch(stage, epoch, loss, None, None)
        shares = torch.from_numpy(self._shares[self._held_out])
        with torch.inference_mode():
            logits = copy.deepcopy(head).cpu()(torch.from_numpy(vectors))
            right = (logits.argmax(dim=1) == shares.argmax(dim=1)).float().mean()
            return Epoch(stage, epoch, loss, float(_loss(logits, shares)), float(right))

    def _report(self) -> TuningReport:
        classes, held = self._task.classes, self._shares[self._held_out]
        trained = [*self._blocks, *self._head.parameters()]
        every = [*self._network.backbone.parameters(), *self._head.parameters()]
        return TuningReport(
            epochs=tuple(self._rows),
            best_epoch=self._best.epoch,
            galaxies=dict(zip(classes, class_counts(self._shares), strict=True)),
            held_out=dict(zip(classes, class_counts(held), strict=True)),
            trained_parameters=sum(p.numel() for p in trained),
            parameters=sum(p.numel() for p in every),
            stopped=self._reason(),
        )

    def _reason(self) -> str:
        if not len(self._held_out):
            few = f"a class has fewer than {FEWEST_FOR_HOLDING_OUT} galaxies, none are held out"
            return f"after {self._epochs * self._steps} fixed steps: {few}"
        if not self._depth:
            return "the head alone was trained"
        if self._has_stalled:
            return f"no lower held-out loss for {self._settings.patience} epochs"
        return f"after all {self._most_epochs} epochs"


def class_counts(shares: NDArray[np.float32]) -> list[int]:
    """Galaxies of each class, by the class with most votes; the first of equal ones."""
    return [int(n) for n in np.bincount(shares.argmax(axis=1), minlength=shares.shape[1])]


def fit_probe(embedding: NDArray[np.float32], shares: NDArray[np.float32]) -> Pipeline:
    """The linear probe of vectors (n, d); a galaxy counts for each class by its share of the votes."""
    rows, classes = shares.nonzero()
    weight = shares[rows, classes]
    return classifier().fit(
        embedding[rows],
        classes,
        standardscaler__sample_weight=weight,
        logisticregression__sample_weight=weight,
    )


def embed(encoder: Encoder, pictures: Tensor) -> NDArray[np.float32]:
    """Vectors, (n, d), of uint8 pictures, not all of which are turned to floats at once."""
    return np.concatenate(
        [encoder.encode(chunk.float() / 255).embedding for chunk in torch.split(pictures, _CHUNK)]
    )


def blocks(encoder: Encoder) -> list[list[nn.Parameter]]:
    """The parameters of each block of its backbone, first to last, as `TuningSettings.depth` counts them.

    Raises:
        TaskError: timm does not say which blocks the backbone has.
    """
    backbone = encoder._network.backbone  # noqa: SLF001 - its parts are counted
    matcher = getattr(backbone, "group_matcher", None)
    if matcher is None:
        raise TaskError(
            f"backbone {encoder.backbone} cannot be tuned by blocks: timm does not group its layers"
        )
    parameters = dict(backbone.named_parameters())
    groups = group_parameters(backbone, matcher(coarse=False))
    return [[parameters[name] for name in names] for names in groups.values()]


class _Best:
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


def _probe_head(probe: Pipeline, vectors: NDArray[np.float32]) -> nn.Linear:
    """The probe as one linear layer; over the vectors the logits of two classes differ by 1 (rms)."""
    scaler, regression = (step for _, step in probe.steps)
    weight, bias = regression.coef_ / scaler.scale_, regression.intercept_
    bias = bias - weight @ scaler.mean_
    if len(weight) == 1:  # two classes: one logit, of the second
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    logits = vectors @ weight.T
    centred = logits - logits.mean(axis=1, keepdims=True)
    spread = math.sqrt(2 / (len(weight) - 1) * float(centred.var(axis=0).sum()))
    head = nn.Linear(vectors.shape[1], len(weight))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight / max(spread, 1e-6)))
        head.bias.copy_(torch.from_numpy(bias / max(spread, 1e-6)))
    return head


def _split(shares: NDArray[np.float32], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to learn from and rows held out, a fifth of each class; none where a class is too small."""
    rows = np.arange(len(shares))
    if min(class_counts(shares)) < FEWEST_FOR_HOLDING_OUT:
        return rows, rows[:0]
    rng = np.random.default_rng(seed)
    truth = shares.argmax(axis=1)
    each = [rng.permutation(np.flatnonzero(truth == k)) for k in range(shares.shape[1])]
    held_out = np.sort(np.concatenate([of[: round(HELD_OUT * len(of))] for of in each]))
    return np.setdiff1d(rows, held_out), held_out


def _batches(
    n: int, steps: int, settings: TuningSettings, stage: str, epoch: int
) -> Iterator[tuple[NDArray[np.int64], torch.Generator]]:
    """Rows of each step of an epoch, and the source of its further randomness."""
    sequence = np.random.SeedSequence([settings.seed, (_HEAD, _BLOCKS).index(stage), epoch])
    generator = torch.Generator().manual_seed(int(sequence.generate_state(1)[0]))
    size = min(settings.batch_size, n)
    times = math.ceil(steps * size / n)
    order = torch.cat([torch.randperm(n, generator=generator) for _ in range(times)])
    for rows in torch.split(order[: steps * size], size):
        yield rows.numpy(), generator


def _loss(logits: Tensor, shares: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits, shares)


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> float:
    value = float(loss.detach())
    check(math.isfinite(value), f"the loss is {value}: try a lower rate")
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return value


def check(ok: bool, message: str) -> None:
    """Raise `TaskError` with a message unless all is well."""
    if not ok:
        raise TaskError(message)
