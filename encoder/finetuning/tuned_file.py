"""A tuned encoder as one file: network, head, task and where they came from in one safetensors, float32.

Unlike a release the weights are not rounded to float16: what is read back says the same to the bit.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from encoder.errors import LearningError, WeightsError
from encoder.finetuning.report import Epoch, TuningReport
from encoder.finetuning.settings import TunedTask
from encoder.model.atomic_file import write_atomically
from encoder.model.device import pick_device
from encoder.model.encoder import Encoder
from encoder.model.forward import Forward
from encoder.model.gz_tree import check_answer_order, load_tree
from encoder.model.network import Network, fold_batch_norm
from encoder.model.projection import Projection
from encoder.model.recipe import ImageRecipe
from encoder.model.tensor_file import read_tensors, take_part

FORMAT = "galcat-tuned-1"
_PROJECTION = ("mean", "components", "deviations")


@dataclass(frozen=True)
class TunedEncoder:
    """A network tuned to a task.

    Attributes:
        encoder: The encoder with the tuned network. Its vectors are not those of the release it came from,
            and its sha256 says so; its vote posteriors and its projection are still those fitted before the
            tuning.
        head: Linear layer from a vector to one logit a class, on the CPU.
        task: The task that was learnt.
        recipe: How it was learnt, as plain JSON values: settings, blocks, `started_from` (name and sha256).
        report: How the training went.
    """

    encoder: Encoder
    head: nn.Linear
    task: TunedTask
    recipe: dict[str, Any]
    report: TuningReport

    def probability(self, rgb: Tensor) -> NDArray[np.float32]:
        """The probability of each class, from the vector averaged over the release's views, as the probe's.

        Args:
            rgb: Pictures of m galaxies made by the encoder's recipe, (m, 3, size, size) float32 in 0..1, on
                any device.

        Returns:
            Probability of each class, (m, n_classes); rows add up to 1.

        Raises:
            ValueError: The pictures have another shape than the recipe's.
        """
        return predict_probability(self.head, self.encoder.encode(rgb).embedding)

    def save(self, path: Path) -> None:
        """Write it, whole or not at all; the same model gives the same bytes.

        Raises:
            LearningError: The file cannot be written.
        """
        tensors = _tensors(self)
        encoder = self.encoder
        about: dict[str, Any] = {
            "format": FORMAT,
            "task": asdict(self.task),
            "recipe": self.recipe,
            "report": asdict(self.report),
            "encoder": {
                "name": encoder.name,
                "sha256": encoder.sha256,
                "backbone": encoder.backbone,
                "tree": encoder.tree.name,
                "answers": list(encoder.tree.labels),
                "recipe": encoder.recipe.to_dict(),
                "view_set": encoder.view_set,
                "equal_length": encoder.equal_length,
                "training": encoder.training,
                "projection_scale": encoder.projection.scale,
            },
        }
        if encoder.scales:
            about["encoder"]["scales"] = list(encoder.scales)
        if encoder.alpha_floor != 1:
            about["encoder"]["alpha_floor"] = encoder.alpha_floor
        about["content_sha256"] = _content_hash(about, tensors)
        # One entry: safetensors writes several in no fixed order.
        write_atomically(
            path, save(tensors, metadata={"galcat": json.dumps(about, sort_keys=True)}), LearningError
        )


def predict_probability(head: nn.Linear, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """The probability of each class, (n, n_classes), that a head gives vectors (n, d)."""
    with torch.inference_mode():
        probability: NDArray[np.float32] = head(torch.from_numpy(embedding)).softmax(dim=1).numpy()
    return probability


def load_tuned(path: Path, device: str | None = None) -> TunedEncoder:
    """Read what `TunedEncoder.save` wrote.

    Args:
        path: Path of the file.
        device: The device to load to, as `load_encoder` takes it; None for the best of this machine.

    Raises:
        LearningError: The file is missing, damaged, or holds something else; the line names it.
        EncoderError: This machine has no such device.
    """
    where = pick_device(device)
    about, tensors = read_tensors(path, FORMAT, "tuned encoder", "tuned encoder", LearningError)
    try:
        if about.pop("content_sha256") != _content_hash(about, tensors):
            raise LearningError(f"{path} is damaged: its content is not what was written")
        return _assemble(about, tensors, where)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, WeightsError) as error:
        reason = " ".join(str(error).split())[:200]
        raise LearningError(f"{path} is no whole tuned encoder: {type(error).__name__} {reason}") from error


def _tensors(tuned: TunedEncoder) -> dict[str, Tensor]:
    network = tuned.encoder._network  # noqa: SLF001 - it is what is stored
    parts = {f"network.{key}": tensor for key, tensor in network.state_dict().items()}
    parts |= {f"head.{key}": tensor for key, tensor in tuned.head.state_dict().items()}
    parts |= {f"projection.{k}": torch.from_numpy(getattr(tuned.encoder.projection, k)) for k in _PROJECTION}
    return {key: tensor.detach().cpu().contiguous() for key, tensor in parts.items()}


def _content_hash(about: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for key in sorted(tensors):
        digest.update(f"{key} {tuple(tensors[key].shape)} {tensors[key].dtype}".encode())
        digest.update(tensors[key].contiguous().numpy().tobytes())
    return digest.hexdigest()


def _assemble(about: dict[str, Any], tensors: dict[str, Tensor], device: torch.device) -> TunedEncoder:
    task = TunedTask(**about["task"])
    encoder = _encoder(about["encoder"], tensors, device)
    head = nn.Linear(encoder.dimension, len(task.classes))
    head.load_state_dict(take_part(tensors, "head."))
    head.requires_grad_(requires_grad=False)
    report = TuningReport(**about["report"])
    epochs = tuple(Epoch(**epoch) for epoch in about["report"]["epochs"])
    return TunedEncoder(encoder, head, task, about["recipe"], replace(report, epochs=epochs))


def _encoder(about: dict[str, Any], tensors: dict[str, Tensor], device: torch.device) -> Encoder:
    recipe, tree = ImageRecipe.from_dict(about["recipe"]), load_tree(about["tree"])
    check_answer_order(tree, about.get("answers"))
    projection = {key: tensor.numpy() for key, tensor in take_part(tensors, "projection.").items()}
    network = _network(about["backbone"], tree.n_answers, recipe, take_part(tensors, "network."))
    network.equal_length = about["equal_length"]
    network.alpha_floor = about.get("alpha_floor", 1.0)
    return Encoder(
        name=about["name"],
        backbone=about["backbone"],
        dimension=network.dimension,
        tree=tree,
        recipe=recipe,
        view_set=about["view_set"],
        sha256=about["sha256"],
        training=about["training"],
        projection=Projection(**projection, scale=about["projection_scale"]),
        anomaly=None,  # vectors of another network
        domain=None,  # the same
        measured=None,
        scales=tuple(about.get("scales", ())),
        device=device,
        precision="float32",
        _network=network.to(device),
        _forward=Forward(device),
    )


def _network(backbone: str, n_answers: int, recipe: ImageRecipe, state: dict[str, Tensor]) -> Network:
    """The network as it was tuned: batch normalisation folded away, or where that cannot be, in place."""
    with torch.random.fork_rng(devices=[]):
        whole = Network(
            backbone, n_answers, recipe.input_mean, recipe.input_deviation, channels=recipe.channels
        )
    whole = whole.eval().to(memory_format=torch.channels_last)
    fused = fold_batch_norm(whole, recipe.size)
    network = fused if fused.state_dict().keys() == state.keys() else whole
    network.load_state_dict(state)
    return network.requires_grad_(requires_grad=False)
