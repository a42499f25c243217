"""Zoobot's checkpoints as they are published or trained: a timm network, and sometimes the head of its votes.

Three forms: a Lightning `.ckpt` (keys `encoder.*` and `head.*`, the architecture among its hyperparameters),
a folder of the model hub (`config.json` beside the weights), and a bare timm state dict.
"""

import json
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import timm
import torch
from torch import Tensor

from encoder.errors import WeightsError
from encoder.model.gz_tree import Tree
from encoder.model.network import Network

HUB_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
HUB_PREFIXES = ("hf-hub:", "hf_hub:")
"""How timm and how Zoobot begin the name of a model of the hub."""
_CONVOLUTION_AXES = 4
CAMPAIGNS = ("", "-dr5", "-dr8")
"""What Zoobot appends to a question of the GZD-5 tree, by the campaign that asked it."""


@dataclass(frozen=True)
class CheckpointHead:
    """The last layer, before alpha = 100 * sigmoid + 1.

    Attributes:
        weight: Weights of the head, (n_answers, d).
        bias: What is added to each answer's logit, (n_answers,).
        labels: Name of each output, `QUESTION_ANSWER` in Zoobot's spelling; empty where the checkpoint does
            not say.
    """

    weight: Tensor
    bias: Tensor
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint of Zoobot or timm holds.

    Attributes:
        backbone: The network's architecture, by timm's name for it.
        channels: Channels of the pictures it sees: 1 for grey, 3 for colour.
        state: The backbone's tensors as timm names them.
        head: The last layer, which gives the votes; None where the checkpoint has none.
    """

    backbone: str
    channels: int
    state: dict[str, Tensor]
    head: CheckpointHead | None


def read_checkpoint(source: str, backbone: str | None = None) -> Checkpoint:
    """Read a checkpoint from a file, a folder, or the model hub.

    Args:
        source: Path of a Lightning `.ckpt` or timm state dict, of a folder as the hub has it, or the name of
            a model on the hub (`hf-hub:OWNER/NAME`, or `OWNER/NAME` where no such path is there).
        backbone: The network's architecture, by timm's name; None for the one that the checkpoint names.

    Raises:
        WeightsError: There is no such thing, it cannot be read or fetched, or it does not say its backbone.
    """
    path = Path(source)
    if source.startswith(HUB_PREFIXES) or (not path.exists() and _is_hub_name(source)):
        path = _from_hub(source)
    if not path.exists():
        raise WeightsError(f"no checkpoint {source}")
    if path.is_dir():
        return _from_folder(path, backbone)
    return _from_file(path, backbone)


def load_backbone(network: Network, checkpoint: Checkpoint, source: str) -> None:
    """Put a checkpoint's tensors into a network of the same backbone; a classifier among them is left out.

    Raises:
        WeightsError: A tensor is missing, left over, or of another shape; the first one is named.
    """
    backbone = network.backbone
    classifier = backbone.pretrained_cfg.get("classifier") or ()  # type: ignore[union-attr, operator]
    dropped = tuple(f"{name}." for name in ([classifier] if isinstance(classifier, str) else classifier))
    state = {
        key: tensor for key, tensor in checkpoint.state.items() if not key.startswith(dropped or ("\0",))
    }
    wanted = backbone.state_dict()
    for key, tensor in wanted.items():
        if key not in state:
            raise WeightsError(f"{source} is no {checkpoint.backbone}: it has no tensor {key}")
        if state[key].shape != tensor.shape:
            given, expected = tuple(state[key].shape), tuple(tensor.shape)
            raise WeightsError(f"{source} is no {checkpoint.backbone}: {key} is {given}, not {expected}")
    left_over = next((key for key in state if key not in wanted), None)
    if left_over is not None:
        raise WeightsError(f"{source} is no {checkpoint.backbone}: nothing there is called {left_over}")
    backbone.load_state_dict(state)


def load_head(network: Network, head: CheckpointHead, tree: Tree) -> bool:
    """Put the answers of a tree into a network's head; False where the checkpoint lacks some of them.

    Raises:
        WeightsError: The head is not one of this network.
    """
    width = head.weight.shape[1]
    if width != network.dimension:
        raise WeightsError(f"the head takes {width} numbers, its backbone gives {network.dimension}")
    if head.labels:
        rows = [_row(label, head.labels) for label in tree.labels]
    else:
        rows = list(range(tree.n_answers)) if len(head.bias) == tree.n_answers else [None]
    if None in rows:
        return False
    chosen = [row for row in rows if row is not None]
    with torch.no_grad():
        network.head.weight.copy_(head.weight[chosen])
        network.head.bias.copy_(head.bias[chosen])
    return True


def _row(label: str, labels: tuple[str, ...]) -> int | None:
    question, _, answer = label.partition("_")
    named = (f"{question}{campaign}_{answer}" for campaign in CAMPAIGNS)
    return next((labels.index(name) for name in named if name in labels), None)


def _is_hub_name(source: str) -> bool:
    owner, slash, name = source.partition("/")
    return bool(owner and slash and name) and "/" not in name and not Path(source).suffix


def _from_hub(name: str) -> Path:
    """The folder that the hub's files were fetched into, or lie in from an earlier call."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - asks the net for versions

    repository = name
    for prefix in HUB_PREFIXES:
        repository = repository.removeprefix(prefix)
    try:
        return Path(snapshot_download(repository, allow_patterns=["config.json", *HUB_WEIGHTS]))
    except Exception as error:  # the hub's client and the net each raise their own
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"{repository} cannot be had from the model hub: {type(error).__name__} {reason}"
        ) from error


def _from_folder(folder: Path, backbone: str | None) -> Checkpoint:
    try:
        config = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError) as error:
        raise WeightsError(f"{folder}: no config.json that can be read: {error}") from error
    file = next((folder / name for name in HUB_WEIGHTS if (folder / name).exists()), None)
    if file is None:
        raise WeightsError(f"{folder}: none of {', '.join(HUB_WEIGHTS)} is there")
    named = config.get("architecture") if isinstance(config, dict) else None
    return _checkpoint(file, _tensors(_load(file), file), backbone or named, None)


def _from_file(path: Path, backbone: str | None) -> Checkpoint:
    loaded = _load(path)
    if not isinstance(loaded.get("state_dict"), Mapping):
        return _checkpoint(path, _tensors(loaded, path), backbone, None)
    state = _tensors(loaded["state_dict"], path)
    settings = loaded.get("hyper_parameters")
    settings = settings if isinstance(settings, Mapping) else {}
    encoder = {
        key.removeprefix("encoder.").removeprefix("_orig_mod."): tensor  # what torch.compile puts before it
        for key, tensor in state.items()
        if key.startswith("encoder.")
    }
    if not encoder:
        raise WeightsError(f"{path} is no Zoobot checkpoint: none of its tensors is called encoder.*")
    try:
        head = _head(state, settings)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    return _checkpoint(path, encoder, backbone or settings.get("architecture_name"), head)


def _head(state: Mapping[str, Tensor], settings: Mapping[str, Any]) -> CheckpointHead | None:
    weights = [key for key, t in state.items() if key.startswith("head.") and key.endswith(".weight")]
    if len(weights) != 1 or state[weights[0]].ndim != 2:  # noqa: PLR2004 - one linear layer
        return None
    bias = state.get(weights[0].removesuffix("weight") + "bias")
    if bias is None or bias.shape != state[weights[0]].shape[:1]:
        raise WeightsError(f"the bias of {weights[0]} is missing or of another length")
    pairs = settings.get("question_answer_pairs")
    listed = pairs.items() if isinstance(pairs, Mapping) else []
    labels = [f"{q}{a}" for q, answers in listed if isinstance(answers, list | tuple) for a in answers]
    if labels and len(labels) != len(bias):
        raise WeightsError(f"the head has {len(bias)} answers, its questions have {len(labels)}")
    return CheckpointHead(state[weights[0]], bias, tuple(labels))


def _checkpoint(
    path: Path, state: dict[str, Tensor], backbone: object, head: CheckpointHead | None
) -> Checkpoint:
    if not isinstance(backbone, str):
        raise WeightsError(f"{path} does not say its backbone: give it by --backbone")
    backbone = backbone.partition(".")[0]  # timm's pretrained tag
    if not timm.is_model(backbone):
        raise WeightsError(f"timm has no backbone called {backbone!r}")
    first = timm.get_pretrained_cfg_value(backbone, "first_conv")
    stem = state.get(f"{first}.weight")
    if stem is None:
        raise WeightsError(f"{path} is no {backbone}: it has no tensor {first}.weight")
    if stem.ndim != _CONVOLUTION_AXES or stem.shape[1] not in {1, 3}:
        shape = tuple(stem.shape)
        raise WeightsError(f"{path}: {first}.weight of shape {shape} sees neither grey pictures nor colour")
    for key, tensor in state.items():
        if not tensor.isfinite().all():
            raise WeightsError(f"{path}: {key} is not finite")
    return Checkpoint(backbone, stem.shape[1], state, head)


def _load(path: Path) -> dict[str, Any]:
    """What a file holds, without running anything that is in it."""
    try:
        if path.suffix == ".safetensors":
            return dict(safetensors.torch.load_file(path))
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} is damaged, or holds Python objects beside its tensors, which are not loaded for "
            "safety: save its state_dict alone, and give --backbone"
        ) from error
    except (OSError, EOFError, ValueError, RuntimeError, KeyError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"checkpoint {path} cannot be read: {type(error).__name__} {reason}") from error
    except safetensors.SafetensorError as error:
        raise WeightsError(f"checkpoint {path} cannot be read: {error}") from error
    if not isinstance(loaded, dict):
        raise WeightsError(f"{path} holds a {type(loaded).__name__}, not a dictionary of tensors")
    return loaded


def _tensors(loaded: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    for key, value in loaded.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise WeightsError(f"{path} is no state dict: {key} is a {type(value).__name__}, not a tensor")
    return {key: t.float() if t.is_floating_point() else t for key, t in loaded.items()}
