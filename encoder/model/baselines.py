"""Encoders to compare with: a release's network as ImageNet left it, and untrained."""

from dataclasses import replace

import torch

from encoder.model.encoder import Encoder
from encoder.model.imagenet import BACKBONE, backbone_state, has_imagenet
from encoder.model.network import Network, fingerprint, fold_batch_norm
from encoder.model.recipe import ImageRecipe

IMAGENET = "ImageNet"
SCRATCH = "scratch"
_SEED = 1


def imagenet_encoder(like: Encoder) -> Encoder:
    """The network as ImageNet left it, for pictures of another release's size and field.

    EfficientNet-Lite0 where there are no such weights of the release's own network.

    Raises:
        TrainingError: The package with the weights is not installed.
    """
    usual = ImageRecipe(like.recipe.size)
    recipe = replace(
        like.recipe,
        input_mean=usual.input_mean,
        input_deviation=usual.input_deviation,
        channels=usual.channels,
    )
    backbone = like.backbone if has_imagenet(like.backbone) else BACKBONE
    network = _seeded_network(backbone, like.tree.n_answers, recipe)
    network.backbone.load_state_dict(backbone_state(backbone))
    return _baseline(IMAGENET, like, backbone, network, recipe)


def untrained_encoder(like: Encoder) -> Encoder:
    """The network of another release as it is before any training."""
    network = _seeded_network(like.backbone, like.tree.n_answers, like.recipe)
    return _baseline(SCRATCH, like, like.backbone, network, like.recipe)


def _seeded_network(backbone: str, n_answers: int, recipe: ImageRecipe) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        return Network(
            backbone, n_answers, recipe.input_mean, recipe.input_deviation, channels=recipe.channels
        ).eval()


def _baseline(name: str, like: Encoder, backbone: str, network: Network, recipe: ImageRecipe) -> Encoder:
    network.equal_length = like.equal_length
    return replace(
        like,
        name=name,
        backbone=backbone,
        dimension=network.dimension,
        recipe=recipe,
        sha256=fingerprint(network),
        training={},
        scales=(),
        measured=None,
        _network=fold_batch_norm(network, recipe.size).to(like.device),
    )
