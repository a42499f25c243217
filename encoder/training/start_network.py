"""The network that a training begins with: random, ImageNet's, one of timm's, or a release's."""

from pathlib import Path

import timm
import torch

from encoder.errors import TrainingError, WeightsError
from encoder.model.gz_tree import Tree
from encoder.model.imagenet import backbone_state
from encoder.model.network import Network, adapt_channels
from encoder.model.weights_file import Weights, read_weights
from encoder.training.campaigns import Campaigns
from encoder.training.config import TIMM_PREFIX, TrainingConfig


def make_start_network(config: TrainingConfig, campaigns: Campaigns) -> Network:
    """Make the network that a configuration begins with, its head as wide as the trees of all campaigns.

    Args:
        config: The configuration, whose `start` says where the weights come from: `random`, `imagenet`, a
            name of timm's, or the file of a release.
        campaigns: The trees that are learnt.

    Raises:
        TrainingError: The weights cannot be had, or are those of another network.
    """
    backbone, recipe = config.release.backbone, config.recipe
    network = Network(
        backbone,
        campaigns.joint_tree.n_answers,
        recipe.input_mean,
        recipe.input_deviation,
        channels=recipe.channels,
        drop_path=config.loop.drop_path,
    )
    match config.release.start:
        case "random":
            pass
        case "imagenet":
            network.backbone.load_state_dict(adapt_channels(backbone_state(backbone), network))
        case name if name.startswith(TIMM_PREFIX):
            _load_pretrained(name, network, backbone)
        case file:
            weights = _read_release(Path(file), backbone, campaigns.release_tree)
            _load_backbone(Path(file), weights, network)
            if config.release.start_head:
                _load_head(weights, network)
    return network


def _load_pretrained(start: str, network: Network, backbone: str) -> None:
    """Load weights that timm fetches from where it knows them to be, or has fetched before."""
    name = start.removeprefix(TIMM_PREFIX)
    try:
        pretrained = timm.create_model(name, pretrained=True, num_classes=0, in_chans=network.channels)
    except Exception as error:  # the hub, the net and timm each raise their own
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(f"start {start!r} cannot be had: {type(error).__name__} {reason}") from error
    try:
        network.backbone.load_state_dict(pretrained.state_dict())
    except RuntimeError as error:
        raise TrainingError(f"start {start!r} is no {backbone}: its layers are others") from error


def _read_release(file: Path, backbone: str, tree: Tree) -> Weights:
    """Read a release, which must be of the same backbone and tree."""
    weights = read_weights(file)
    if (weights.backbone, weights.tree.name) != (backbone, tree.name):
        held = f"{weights.backbone} for {weights.tree.name}"
        raise TrainingError(f"{file} holds {held}, not {backbone} for {tree.name}")
    return weights


def _load_backbone(file: Path, weights: Weights, network: Network) -> None:
    try:
        network.backbone.load_state_dict(adapt_channels(weights.network.backbone.state_dict(), network))
    except WeightsError as error:
        raise TrainingError(f"{file}: {error}") from error


def _load_head(weights: Weights, network: Network) -> None:
    """Load a release's head; the answers that it lacks keep their random start."""
    n_answers = weights.tree.n_answers
    with torch.no_grad():
        network.head.weight[:n_answers] = weights.network.head.weight
        network.head.bias[:n_answers] = weights.network.head.bias
