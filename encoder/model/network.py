"""The network: any timm backbone by name, and a Dirichlet head over every answer of a Galaxy Zoo tree."""

import copy
import functools
import hashlib
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import timm
import torch
from timm.models import adapt_input_conv
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.transforms.v2.functional import rgb_to_grayscale

from encoder.errors import WeightsError

_COLOURS = 3


@dataclass(frozen=True)
class Prediction:
    """What the network says of n pictures.

    Attributes:
        embedding: Pooled features before the head, (n, d) float32; scaled, where the network says so.
        alpha: Dirichlet concentrations, (n, n_answers) float32, from the network's floor to 100 above it.
    """

    embedding: Tensor
    alpha: Tensor


class Network(nn.Module):
    """Pictures in 0..1 to features and vote posteriors; greying and normalising them is part of it.

    Args:
        backbone: The network's architecture, by timm's name for it.
        n_answers: Number of answers of the tree: the width of the head.
        input_mean: Mean that is subtracted from the pictures.
        input_deviation: Deviation that the pictures are then divided by.
        channels: That the backbone sees; pictures are in colour always, and for 1 made grey by their luma
            (0.299, 0.587, 0.114), as Zoobot's are.
        drop_path: Rate of stochastic depth.

    Attributes:
        equal_length: Whether embeddings are scaled to length sqrt(d), so that only their direction tells
            galaxies apart; the head sees them as they were. Of inference: training leaves it off.
        alpha_floor: The least concentration of an answer. With Zoobot's 1 no fraction is small where few are
            expected to vote alike; a head that is fitted for a lower one can say so.
    """

    def __init__(
        self,
        backbone: str,
        n_answers: int,
        input_mean: float,
        input_deviation: float,
        *,
        channels: int = 3,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.backbone = _create_backbone(backbone, channels, drop_path)
        self.dimension = _pooled_width(self.backbone)
        self.head = nn.Linear(self.dimension, n_answers)
        self.channels = channels
        self.input_mean = input_mean
        self.input_deviation = input_deviation
        self.equal_length = False
        self.alpha_floor = 1.0

    def forward(self, rgb: Tensor) -> Prediction:
        """Predict from pictures; the head and what follows are float32 even under autocast.

        Args:
            rgb: Pictures of n galaxies, (n, 3, size, size) float32 in 0..1.
        """
        features = self.pool(rgb)
        with torch.autocast(rgb.device.type, enabled=False):
            alpha = concentrations(self.head(features), self.alpha_floor)
            return Prediction(self.normalise(features), alpha)

    def pool(self, rgb: Tensor) -> Tensor:
        """Pooled features as the head sees them, (n, d) float32, of pictures (n, 3, size, size)."""
        seen = rgb if self.channels == _COLOURS else rgb_to_grayscale(rgb)
        pictures = ((seen - self.input_mean) / self.input_deviation).contiguous(
            memory_format=torch.channels_last
        )
        features: Tensor = self.backbone(pictures).float()
        return features

    def normalise(self, vectors: Tensor) -> Tensor:
        """Vectors, (n, d), as embeddings of this network are."""
        if not self.equal_length:
            return vectors
        return functional.normalize(vectors, dim=1) * math.sqrt(self.dimension)


def concentrations(output: Tensor, floor: float = 1.0) -> Tensor:
    """The head's output as Dirichlet concentrations, alpha = 100 * sigmoid + floor.

    The floor of Zoobot (Walmsley et al. 2022, section 2) is 1.
    """
    return 100 * torch.sigmoid(output) + floor


def fold_batch_norm(network: Network, size: int) -> Network:
    """A copy for inference with each batch normalisation folded into the convolution before it.

    Half as much again in images a second on a CPU. The copy is tried on pictures of noise: a backbone
    whose modules run in another order than they are listed in would come out wrong, and is then
    returned unfolded.
    """
    network = copy.deepcopy(network).eval().to(memory_format=torch.channels_last)
    candidate = copy.deepcopy(network)
    _fold_children(candidate.backbone)
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(2, 3, size, size, generator=generator)
    with torch.inference_mode():
        before, after = network(noise).embedding, candidate(noise).embedding
    same = torch.allclose(before, after, rtol=1e-3, atol=1e-3 * float(before.abs().max()))
    return candidate if same else network


def check_size(network: Network, size: int) -> None:
    """Try one picture: some backbones take only certain sizes.

    Args:
        network: The network to try; it may be training or not, and is left as it was.
        size: Width and height, pixels.

    Raises:
        WeightsError: The backbone does not take such pictures.
    """
    training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, _COLOURS, size, size))
    except (AssertionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"the backbone takes no pictures of {size} x {size} pixels: {reason}") from error
    finally:
        network.train(training)


def adapt_channels(state: Mapping[str, Tensor], network: Network) -> dict[str, Tensor]:
    """A backbone's weights for colour pictures as those of a network that sees `network.channels`.

    For grey ones the first convolution is summed over its colours: a grey picture is answered as before.

    Raises:
        WeightsError: The weights are of grey pictures, and the network sees colours.
    """
    stem = str(network.backbone.pretrained_cfg["first_conv"]) + ".weight"  # type: ignore[index]
    wanted, given = network.backbone.state_dict()[stem].shape[1], state[stem].shape[1]
    if wanted > given:
        raise WeightsError(f"the weights see {given} channel, grey; the network {wanted}")
    return {**state, stem: adapt_input_conv(wanted, state[stem])}


def keep_first_answers(network: Network, n: int) -> Network:
    """A copy whose head gives only the first n answers."""
    network = copy.deepcopy(network)
    head = nn.Linear(network.dimension, n)
    head.load_state_dict({"weight": network.head.weight[:n], "bias": network.head.bias[:n]})
    network.head = head
    return network


def fingerprint(network: Network) -> str:
    """Hash of all that its vectors and posteriors depend on, hexadecimal."""
    digest = hashlib.sha256(b"equal length" if network.equal_length else b"")
    if network.alpha_floor != 1:
        digest.update(f"alpha floor {network.alpha_floor!r}".encode())
    for key, tensor in network.state_dict().items():
        digest.update(key.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def keep_depthwise_float32(network: Network) -> None:
    """Leave depthwise convolutions out of autocast while training on a CPU.

    Their bfloat16 gradients are three times slower than float32 there, all other layers' faster; a step
    takes half the time so (EfficientNet-Lite0, 112 px, AVX512-BF16).
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1:
            module.forward = functools.partial(_without_autocast, module.forward)  # type: ignore[method-assign]


def _without_autocast(forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        return forward(x.float())


def _create_backbone(name: str, channels: int, drop_path: float) -> nn.Module:
    if not timm.is_model(name):
        raise WeightsError(f"timm has no backbone called {name!r}")
    options: dict[str, Any] = {"drop_path_rate": drop_path} if drop_path else {}
    try:
        backbone: nn.Module = timm.create_model(
            name, pretrained=False, num_classes=0, in_chans=channels, **options
        )
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"timm cannot make the backbone {name} so: {reason}") from error
    return backbone.to(memory_format=torch.channels_last)


def _pooled_width(backbone: nn.Module) -> int:
    # Some timm families widen the features once more before the classifier.
    return int(getattr(backbone, "head_hidden_size", None) or backbone.num_features)  # type: ignore[arg-type]


def _fold_children(module: nn.Module) -> None:
    children = list(module.named_children())
    for (conv_name, conv), (norm_name, norm) in itertools.pairwise(children):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, conv_name, fuse_conv_bn_eval(conv, norm))
            # timm keeps the activation inside its normalisation layer.
            setattr(module, norm_name, getattr(norm, "act", nn.Identity()))
    for _, child in children:
        _fold_children(child)
