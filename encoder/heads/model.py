"""A head: one inner product a class on stored vectors, its uncertainty, and its form as bytes."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from encoder.errors import LearningError
from encoder.heads.calibration import probabilities
from encoder.heads.laplace import WeightPosterior, probability_deviations
from encoder.heads.report import HeadReport
from encoder.model.projection import Projection

FORMAT = "galcat-head-1"
_POSTERIOR = ("centre", "scale", "directions", "variances")


@dataclass(frozen=True)
class Scores:
    """What a head says about m galaxies.

    Attributes:
        probability: Probability of each class, (m, n_classes) float32; rows add up to 1.
        uncertainty: Standard deviation of each probability, (m, n_classes) float32.
    """

    probability: NDArray[np.float32]
    uncertainty: NDArray[np.float32]


@dataclass(frozen=True)
class TaskHead:
    """A question learnt from labels, on vectors of a frozen encoder.

    Attributes:
        classes: Names of the classes, in the order of the probabilities.
        weight: Weights of the logits with the calibration included, (k, d) float32; k is 1 for two classes,
            the logit of the second, else their number (softmax).
        bias: What is added to each of the k logits, (k,) float32.
        posterior: The uncertainty of the weights.
        report: What was measured while fitting.
    """

    classes: tuple[str, ...]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    posterior: WeightPosterior
    report: HeadReport

    def score(self, vectors: NDArray[np.float32]) -> Scores:
        """Probability of every class with its uncertainty; takes memory of O(m d), so give it chunks.

        Args:
            vectors: Vectors of m galaxies, (m, d), float16 or float32.

        Raises:
            LearningError: A vector is not finite.
        """
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            raise LearningError(f"the vector of galaxy {finite.argmin()} to score is not finite")
        single = vectors.astype(np.float32, copy=False)
        probability = probabilities((single @ self.weight.T + self.bias).astype(np.float64))
        uncertainty = probability_deviations(probability, self.posterior.logit_variance(single))
        return Scores(probability.astype(np.float32), uncertainty.astype(np.float32))

    def project(self, projection: Projection) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The logits as a linear function of the searched vector, the nearest to these in least squares.

        What lies outside the projection's components is taken at the mean of its sample.

        Returns:
            Weights of searched vectors of n axes, (k, n) float32, and what is added to each logit, (k,)
            float32.
        """
        weight = self.weight.astype(np.float64)
        turned = weight @ projection.components.T.astype(np.float64) / projection.scale
        bias = weight @ projection.mean.astype(np.float64) + self.bias
        return turned.astype(np.float32), bias.astype(np.float32)

    def to_bytes(self) -> bytes:
        """The whole head as a safetensors file; the same head gives the same bytes."""
        about = {
            "format": FORMAT,
            "classes": self.classes,
            "report": asdict(self.report),
            "outside": self.posterior.outside,
            "least": self.posterior.min_variance,
        }
        tensors = {"weight": self.weight, "bias": self.bias}
        tensors |= {name: getattr(self.posterior, name) for name in _POSTERIOR}
        contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
        # One entry: safetensors writes several in no fixed order.
        return save(contiguous, metadata={"galcat": json.dumps(about, sort_keys=True)})

    @classmethod
    def from_bytes(cls, content: bytes) -> "TaskHead":
        """Read what `to_bytes` wrote, exactly.

        Raises:
            LearningError: It is damaged or something else.
        """
        try:
            tensors = load(content)
            about = _metadata(content)
            if about["format"] != FORMAT:
                raise LearningError(f"a stored head is of format {about['format']!r}, not {FORMAT!r}")
            return _assemble(about, tensors)
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise LearningError(f"a stored head cannot be read: {type(error).__name__} {reason}") from error


def _metadata(content: bytes) -> dict[str, Any]:
    """What safetensors.numpy.load leaves out; https://github.com/huggingface/safetensors#format."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    about: dict[str, Any] = json.loads(header["__metadata__"]["galcat"])
    return about


def _assemble(about: dict[str, Any], tensors: dict[str, NDArray[np.float32]]) -> TaskHead:
    report = about["report"]
    report["per_class"] = tuple(report["per_class"])
    parts = {name: tensors[name] for name in _POSTERIOR}
    return TaskHead(
        classes=tuple(about["classes"]),
        weight=tensors["weight"],
        bias=tensors["bias"],
        posterior=WeightPosterior(**parts, outside=about["outside"], min_variance=about["least"]),
        report=HeadReport(**report),
    )
