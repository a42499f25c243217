"""Which blocks of a backbone a depth trains."""

from dataclasses import replace

import numpy as np
import pytest

from encoder.finetuning.block_stage import backbone_blocks
from encoder.finetuning.finetune import finetune
from encoder.inference.embed import encode_pictures
from encoder.model.encoder import Encoder
from encoder.model.network import Network
from tests.encoder.finetuning.ring_blobs import (
    QUICK,
    TASK,
    find_changed_tensors,
    make_ring_blobs,
    make_whole_network,
)


def test_depth_0_leaves_every_bit_of_the_network_alone(encoder: Encoder) -> None:
    pictures, votes = make_ring_blobs(40)
    tuned = finetune(encoder, pictures, votes, TASK, replace(QUICK, depth=0))
    assert find_changed_tensors(encoder, tuned.encoder) == set()
    assert (tuned.encoder.sha256, tuned.encoder.name) == (encoder.sha256, encoder.name)
    assert tuned.report.trained_parameters == sum(p.numel() for p in tuned.head.parameters())
    np.testing.assert_array_equal(
        encode_pictures(tuned.encoder, pictures), encode_pictures(encoder, pictures)
    )


@pytest.mark.parametrize(
    ("depth", "prefixes"),
    [
        (1, ("conv_head",)),
        (2, ("blocks.5.0", "conv_head")),
        (4, ("blocks.4.1", "blocks.4.2", "blocks.5.0", "conv_head")),
    ],
)
def test_depth_n_changes_just_the_last_n_blocks(
    encoder: Encoder, depth: int, prefixes: tuple[str, ...]
) -> None:
    pictures, votes = make_ring_blobs(12)  # too few to hold any out, so that the last weights are kept
    tuned = finetune(encoder, pictures, votes, TASK, replace(QUICK, depth=depth))
    every = dict(encoder._network.backbone.named_parameters())
    last = {name for name in every if name.startswith(prefixes)}
    assert find_changed_tensors(encoder, tuned.encoder) == {f"backbone.{name}" for name in last}
    assert tuned.report.trained_parameters == sum(every[name].numel() for name in last) + sum(
        p.numel() for p in tuned.head.parameters()
    )
    assert tuned.encoder.sha256 != encoder.sha256
    assert tuned.recipe["started_from"] == {"name": "test", "sha256": encoder.sha256}


def test_no_depth_trains_all_blocks(encoder: Encoder) -> None:
    pictures, votes = make_ring_blobs(12)
    tuned = finetune(encoder, pictures, votes, TASK, replace(QUICK, depth=None))
    names = {f"backbone.{name}" for name, _ in encoder._network.backbone.named_parameters()}
    assert find_changed_tensors(encoder, tuned.encoder) == names


@pytest.mark.parametrize(
    ("backbone", "last", "first"),
    [
        ("tf_efficientnet_lite0", ["blocks.6.0", "conv_head", "bn2"], ["conv_stem", "bn1"]),
        ("convnext_atto", ["head.norm"], ["stem"]),
        ("resnet18", ["layer4.1"], ["conv1", "bn1"]),
    ],
)
def test_blocks_of_other_backbones_are_in_order_and_hold_every_parameter_once(
    encoder: Encoder, backbone: str, last: list[str], first: list[str]
) -> None:
    other = replace(encoder, backbone=backbone, _network=Network(backbone, 2, 0.5, 0.5).eval())
    names = {id(p): name for name, p in other._network.backbone.named_parameters()}
    found = [[names[id(p)] for p in block] for block in backbone_blocks(other)]
    assert sorted(name for block in found for name in block) == sorted(names.values())
    for block, prefixes in ((found[-1], last), (found[0], first)):
        assert {prefix for prefix in prefixes for name in block if name.startswith(prefix)} == set(prefixes)
        assert all(name.startswith(tuple(prefixes)) for name in block)
    assert len(found) == {"tf_efficientnet_lite0": 17, "convnext_atto": 14, "resnet18": 9}[backbone]


def test_running_statistics_stay_where_batch_normalisation_could_not_be_folded(encoder: Encoder) -> None:
    unfolded = replace(encoder, _network=make_whole_network())
    pictures, votes = make_ring_blobs(12)
    tuned = finetune(unfolded, pictures, votes, TASK, replace(QUICK, depth=2))
    changed = find_changed_tensors(unfolded, tuned.encoder)
    assert {"backbone.blocks.5.0.bn1.weight", "backbone.conv_head.weight"} <= changed
    assert not any("running" in name or "num_batches" in name for name in changed)
