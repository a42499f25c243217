"""A release as one file: network, recipe, projection and references in one safetensors, checked.

Convolutions and matrices are stored as float16 (half the bytes; the rounding is part of the release), the
few thousand numbers of normalisations, biases and the projection as float32, as is a calibrated head.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from encoder.anomalies.domain import DomainReference
from encoder.anomalies.score import AnomalyReference
from encoder.errors import TrainingError, WeightsError
from encoder.model.atomic_file import write_atomically
from encoder.model.gz_tree import Tree, check_answer_order, load_tree
from encoder.model.measured import Measured
from encoder.model.network import Network
from encoder.model.projection import Projection
from encoder.model.recipe import ImageRecipe
from encoder.model.tensor_file import read_tensors, take_part
from encoder.model.views import VIEW_SETS

FORMAT = "galcat-encoder-1"
_NETWORK = "network."
_PROJECTION = "projection."
_ANOMALY = "anomaly."
_DOMAIN = "domain."


@dataclass(frozen=True)
class Weights:
    """Everything needed to embed one more galaxy the same way.

    Attributes:
        name: Short name of the release.
        backbone: The network's architecture, by timm's name for it.
        tree: The Galaxy Zoo tree of the head's outputs.
        recipe: How a cutout becomes the picture that the network sees.
        view_set: How many turned and mirrored views of a picture are averaged, 1 or 8.
        training: What the release was trained on and how, as plain JSON values.
        network: The network, float32, in eval mode.
        projection: The linear map from the full embedding to the searched vector.
        anomaly: The sample that anomaly scores are measured against; None for releases older than the score.
        domain: The real training galaxies that domain distances are measured against; None for older
            releases, and where no real galaxies were trained on.
        measured: How the vote fractions did on real galaxies; None where that was not measured.
        scales: What the concentrations of each question are multiplied by, in the tree's order, so that
            intervals hold what they promise; empty where they are the head's own.
    """

    name: str
    backbone: str
    tree: Tree
    recipe: ImageRecipe
    view_set: int
    training: dict[str, Any]
    network: Network
    projection: Projection
    anomaly: AnomalyReference | None = None
    domain: DomainReference | None = None
    measured: Measured | None = None
    scales: tuple[float, ...] = ()


def write_weights(path: Path, weights: Weights) -> None:
    """Write a release, whole or not at all; the same release gives the same bytes.

    Raises:
        WeightsError: A weight is no number, or larger than float16 holds; or the file cannot be written.
    """
    scaled = bool(weights.scales)  # such a head was fitted to few galaxies by small differences of vectors
    tensors = {
        _NETWORK + key: _to_storage(t, half=t.ndim > 1 and not (scaled and key.startswith("head.")))
        for key, t in weights.network.state_dict().items()
    }
    for key in ("mean", "components", "deviations"):
        tensors[_PROJECTION + key] = _to_storage(
            torch.from_numpy(getattr(weights.projection, key)), half=False
        )
    if weights.anomaly is not None:
        arrays = weights.anomaly.to_arrays()
        tensors |= {_ANOMALY + key: _to_storage(torch.from_numpy(a), half=False) for key, a in arrays.items()}
    if weights.domain is not None:
        arrays = weights.domain.to_arrays()
        tensors |= {_DOMAIN + key: _to_storage(torch.from_numpy(a), half=False) for key, a in arrays.items()}
    about = {
        "format": FORMAT,
        "name": weights.name,
        "backbone": weights.backbone,
        "tree": weights.tree.name,
        "answers": weights.tree.labels,
        "recipe": weights.recipe.to_dict(),
        "view_set": weights.view_set,
        "equal_length": weights.network.equal_length,
        "training": weights.training,
        "projection_scale": weights.projection.scale,
        **({} if weights.measured is None else {"measured": weights.measured.to_dict()}),
    }
    if weights.network.alpha_floor != 1:
        about["alpha_floor"] = weights.network.alpha_floor
    if weights.scales:
        names = [question.name for question in weights.tree.questions]
        about["concentration_scales"] = dict(zip(names, weights.scales, strict=True))
    # One entry: safetensors writes several in no fixed order.
    content = save(tensors, metadata={"galcat": json.dumps(about, sort_keys=True)})
    write_atomically(path, content, WeightsError)


def read_weights(path: Path) -> Weights:
    """Read what `write_weights` wrote.

    Raises:
        WeightsError: The file is missing, damaged, or holds something else; the line names it.
    """
    about, tensors = _open(path)
    try:
        return _assemble(about, tensors)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, TrainingError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path} is no whole galcat encoder: {type(error).__name__} {reason}") from error


def _open(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    about, tensors = read_tensors(path, FORMAT, "weights file", "galcat encoder", WeightsError)
    for key, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise WeightsError(f"{path}: {key} is not finite: the training that wrote it had failed")
    return about, tensors


def _assemble(about: dict[str, Any], tensors: dict[str, Tensor]) -> Weights:
    recipe = ImageRecipe.from_dict(about["recipe"])
    tree = load_tree(about["tree"])
    check_answer_order(tree, about.get("answers"))
    if about["view_set"] not in VIEW_SETS:
        raise WeightsError(f"view set {about['view_set']!r} is not one of {VIEW_SETS}")
    network = Network(
        about["backbone"],
        tree.n_answers,
        recipe.input_mean,
        recipe.input_deviation,
        channels=recipe.channels,
    )
    network.equal_length = bool(about.get("equal_length"))  # the first releases had no such entry
    network.alpha_floor = _positive(about.get("alpha_floor", 1.0), "alpha_floor")
    network.load_state_dict(take_part(tensors, _NETWORK))
    return Weights(
        name=about["name"],
        backbone=about["backbone"],
        tree=tree,
        recipe=recipe,
        view_set=about["view_set"],
        training=about["training"],
        network=network.eval(),
        projection=_projection(take_part(tensors, _PROJECTION), about["projection_scale"], network.dimension),
        anomaly=_anomaly(take_part(tensors, _ANOMALY)),
        domain=_domain(take_part(tensors, _DOMAIN)),
        measured=Measured.from_dict(about["measured"]) if "measured" in about else None,
        scales=_scales(about.get("concentration_scales"), tree),
    )


def _scales(by_question: dict[str, Any] | None, tree: Tree) -> tuple[float, ...]:
    if by_question is None:
        return ()
    names = [question.name for question in tree.questions]
    if sorted(by_question) != sorted(names):
        raise WeightsError(f"its concentration_scales are not those of the questions of tree {tree.name}")
    return tuple(_positive(by_question[name], f"concentration_scales of {name}") for name in names)


def _positive(value: object, label: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise WeightsError(f"its {label} = {value!r} is no positive number")
    return float(value)


def _projection(tensors: dict[str, Tensor], scale: float, dimension: int) -> Projection:
    projection = Projection(**{key: tensor.numpy() for key, tensor in tensors.items()}, scale=float(scale))
    if len(projection.mean) != dimension:
        raise WeightsError(f"projection from {len(projection.mean)} d, but the network has {dimension}")
    return projection


def _anomaly(tensors: dict[str, Tensor]) -> AnomalyReference | None:
    if not tensors:
        return None
    return AnomalyReference.from_arrays({key: tensor.numpy() for key, tensor in tensors.items()})


def _domain(tensors: dict[str, Tensor]) -> DomainReference | None:
    if not tensors:
        return None
    return DomainReference.from_arrays({key: tensor.numpy() for key, tensor in tensors.items()})


def _to_storage(tensor: Tensor, *, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    stored = tensor.half() if half and tensor.is_floating_point() else tensor
    if not stored.isfinite().all():
        raise WeightsError("a weight is not finite, or too large for float16: nothing was written")
    return stored
