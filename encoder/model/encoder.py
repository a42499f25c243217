"""The encoder: a release of weights, ready on a device to turn pictures into vectors and vote posteriors."""

import copy
import hashlib
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoder.anomalies.domain import DomainReference
from encoder.anomalies.score import AnomalyReference
from encoder.errors import WeightsError
from encoder.model.device import Precision, deterministic_arithmetic, pick_device
from encoder.model.forward import Forward
from encoder.model.gz_tree import Tree
from encoder.model.measured import Measured, find_shipped_measured
from encoder.model.network import Network, Prediction, fingerprint, fold_batch_norm
from encoder.model.projection import Projection
from encoder.model.recipe import ImageRecipe
from encoder.model.views import make_views, match_moments, scale_concentrations
from encoder.model.weights_file import read_weights

DEFAULT_WEIGHTS = "galcat-lite2-3.safetensors"
_CHUNK = 256
"""Pictures whose views are in memory at once."""


@dataclass(frozen=True)
class EncodedPictures:
    """What the encoder says of n pictures, on the CPU.

    Attributes:
        embedding: Vectors, the mean of the views' vectors, (n, d) float32.
        concentrations_alpha: Dirichlet parameters of the answers to each question of the tree, (n, n_answers)
            float32.
    """

    embedding: NDArray[np.float32]
    concentrations_alpha: NDArray[np.float32]


@dataclass(frozen=True)
class Encoder:
    """A release on a device.

    Attributes:
        name: Name of the release, as the catalogue shows it.
        backbone: The network's architecture, by timm's name for it.
        dimension: Width of the full embedding.
        tree: The Galaxy Zoo tree of the posteriors.
        recipe: How a cutout becomes the picture that the network sees.
        view_set: How many turned and mirrored views of a picture are averaged, 1 or 8.
        sha256: SHA-256 of the weights file, hexadecimal: the release's identity.
        training: What the release was trained on and how, as plain JSON values.
        projection: The linear map from the full embedding to the searched vector.
        anomaly: The sample that anomaly scores are measured against; None for releases older than the score.
        domain: The real training galaxies that domain distances are measured against; None where the release
            has none.
        measured: How the vote fractions did on real galaxies; None where that was not measured.
        scales: What the concentrations of each question are multiplied by; empty where they are the head's.
        device: The device that encodes; pictures on another one are moved to it.
        precision: `float32`; `bfloat16` is faster where the hardware has it and moves the vectors
            (median cosine above 0.999), so a catalogue should not mix the two.
    """

    name: str
    backbone: str
    dimension: int
    tree: Tree
    recipe: ImageRecipe
    view_set: int
    sha256: str
    training: dict[str, Any]
    projection: Projection
    anomaly: AnomalyReference | None
    domain: DomainReference | None
    measured: Measured | None
    scales: tuple[float, ...]
    device: torch.device
    precision: Precision
    _network: Network
    _forward: Forward

    @property
    def equal_length(self) -> bool:
        """Whether all its vectors have the same length, so that only their direction tells galaxies apart."""
        return self._network.equal_length

    @property
    def alpha_floor(self) -> float:
        """The least concentration that its head gives an answer."""
        return self._network.alpha_floor

    @property
    def fingerprint(self) -> str:
        """Hash of the network as it is, hexadecimal; another than that of the file."""
        return fingerprint(copy.deepcopy(self._network).cpu())

    def encode(self, rgb: Tensor) -> EncodedPictures:
        """Embed pictures: the same batch gives the same vectors, bit by bit.

        In another batch a picture's vector is the same to about 1e-6 of its size: a processor sums a batch of
        another size in another order. To know whether a galaxy changed, compare its picture.

        Runs in chunks, so memory does not grow with n beyond the pictures and the answer.

        Args:
            rgb: Pictures of n galaxies made by `recipe`, (n, 3, size, size) float32 in 0..1, on any device.

        Raises:
            ValueError: The pictures have another shape than the recipe's.
        """
        size = self.recipe.size
        if tuple(rgb.shape[1:]) != (3, size, size):
            raise ValueError(f"pictures of shape {tuple(rgb.shape)} where (n, 3, {size}, {size}) is wanted")
        chunks = [self._encode_chunk(chunk) for chunk in torch.split(rgb, _CHUNK) if len(chunk)]
        if not chunks:
            nothing = np.empty((0, self.dimension), np.float32)
            return EncodedPictures(nothing, np.empty((0, self.tree.n_answers), np.float32))
        return EncodedPictures(
            np.concatenate([c.embedding for c in chunks]),
            np.concatenate([c.concentrations_alpha for c in chunks]),
        )

    def with_head(self, head: nn.Linear, alpha_floor: float, scales: tuple[float, ...]) -> Self:
        """The same network with another head; the vectors stay.

        Args:
            head: Linear layer from vectors, as `features` gives them, to the answers of the tree.
            alpha_floor: The least concentration of an answer.
            scales: What the concentrations of each question are multiplied by; empty to leave them.
        """
        network = copy.deepcopy(self._network)
        network.head.load_state_dict(head.state_dict())
        network.alpha_floor = alpha_floor
        other = replace(self, scales=scales, _network=network)
        digest = hashlib.sha256(f"{other.fingerprint} {scales}".encode()).hexdigest()
        return replace(other, sha256=digest)

    def features(self, rgb: Tensor) -> NDArray[np.float32]:
        """What the head sees of pictures as they are given, (n, d) float32: no lengths are made equal.

        Args:
            rgb: Pictures of n galaxies as for `encode`; each is one view.
        """
        passes = torch.split(rgb.to(self.device, torch.float32), self._forward.batch)
        if not len(rgb):
            return np.empty((0, self.dimension), np.float32)
        found: NDArray[np.float32] = torch.cat(self._forward.each(self._pool, passes)).cpu().numpy()
        return found

    def _encode_chunk(self, rgb: Tensor) -> EncodedPictures:
        rgb = rgb.to(self.device, torch.float32)
        passes = [
            p for view in make_views(rgb, self.view_set) for p in torch.split(view, self._forward.batch)
        ]
        predictions = self._forward.each(self._predict, passes)
        embedding = torch.cat([p.embedding for p in predictions]).view(self.view_set, len(rgb), -1)
        alphas = torch.cat([p.alpha for p in predictions]).view(self.view_set, len(rgb), -1)
        matched = scale_concentrations(match_moments(alphas.cpu().numpy(), self.tree), self.scales, self.tree)
        return EncodedPictures(self._network.normalise(embedding.mean(dim=0)).cpu().numpy(), matched)

    def _predict(self, rgb: Tensor) -> Prediction:
        half = self.precision == "bfloat16"
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=half)
        with torch.inference_mode(), deterministic_arithmetic(), autocast:
            prediction: Prediction = self._network(rgb)
        return prediction

    def _pool(self, rgb: Tensor) -> Tensor:
        half = self.precision == "bfloat16"
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=half)
        with torch.inference_mode(), deterministic_arithmetic(), autocast:
            return self._network.pool(rgb)


def load_encoder(
    path: Path | None = None, device: str | None = None, precision: Precision = "float32"
) -> Encoder:
    """Load a release of weights.

    Args:
        path: A weights file; None for the encoder that ships with the package.
        device: `cpu`, `cuda`, `cuda:1`, `mps`; None for the best of this machine.
        precision: Arithmetic of the backbone.

    Raises:
        WeightsError: The file is missing, damaged, or holds something else.
        EncoderError: This machine has no such device.
    """
    where = pick_device(device)
    if path is None:
        with resources.as_file(resources.files("encoder") / "weights" / DEFAULT_WEIGHTS) as shipped:
            return _load(shipped, where, precision)
    return _load(Path(path), where, precision)


def _load(path: Path, device: torch.device, precision: Precision) -> Encoder:
    weights = read_weights(path)
    sha256 = _sha256(path)
    return Encoder(
        name=weights.name,
        backbone=weights.backbone,
        dimension=weights.network.dimension,
        tree=weights.tree,
        recipe=weights.recipe,
        view_set=weights.view_set,
        sha256=sha256,
        training=weights.training,
        projection=weights.projection,
        anomaly=weights.anomaly,
        domain=weights.domain,
        measured=weights.measured or find_shipped_measured(sha256),
        scales=weights.scales,
        device=device,
        precision=precision,
        _network=fold_batch_norm(weights.network, weights.recipe.size).to(device),
        _forward=Forward(device),
    )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"weights file {path} cannot be read: {error.strerror}") from error
