"""Whole trainings: from a configuration to a release, alone and in several processes."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from encoder.model.encoder import load_encoder
from encoder.model.gz_tree import load_tree
from encoder.training.train import train
from tests.encoder.evaluation.made_efigi import EFIGI_GALAXIES
from tests.encoder.releases import galaxies
from tests.encoder.training.small_runs import (
    assert_same_tensors,
    compare_vectors,
    new_configuration,
    torchrun,
)

pytestmark = pytest.mark.xdist_group("trainings")  # they share a finished run, and simulated pictures


def test_training_gives_a_release_with_its_projection_and_a_log(plain_run: Path) -> None:
    encoder = load_encoder(plain_run, "cpu")
    assert encoder.name == "tiny"
    assert encoder.recipe.size == 40
    assert encoder.training["configuration"] == plain_run.parents[1].joinpath("run.toml").read_text()
    assert sum(encoder.training[k]["efigi"] for k in ("galaxies", "held_out")) == EFIGI_GALAXIES
    searched = encoder.projection.apply(encoder.encode(galaxies(20, 40)).embedding)
    assert searched.shape == (20, 40)
    with (plain_run.parent / "log.csv").open() as log:
        rows = list(csv.DictReader(log))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"training", "held_out_simulated", "held_out_efigi", "seconds"} <= set(rows[0])


def test_the_same_seed_gives_the_same_file(configuration: Path, plain_run: Path) -> None:
    assert_same_tensors(train(configuration), plain_run)


def test_a_repeated_source_is_shown_that_often_in_every_epoch(configuration: Path, tmp_path: Path) -> None:
    text = configuration.read_text()
    configuration.write_text(text.replace('kind = "efigi"', 'kind = "efigi"\nrepeat = 3'))
    train(configuration)
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    steps = {int(moments["step"]) for moments in state["optimiser"]["state"].values()}
    training = load_encoder(tmp_path / "run" / "tiny.safetensors", "cpu").training["galaxies"]
    assert steps == {2 * ((training["simulated"] + 3 * training["efigi"]) // 8)}


def test_two_processes_share_every_epoch_and_write_one_release(configuration: Path, tmp_path: Path) -> None:
    torchrun(configuration)
    folder = tmp_path / "run"
    assert len((folder / "log.csv").read_text().splitlines()) == 1 + 2
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    steps = {int(moments["step"]) for moments in state["optimiser"]["state"].values()}
    training = load_encoder(folder / "tiny.safetensors", "cpu").training["galaxies"]
    assert steps == {2 * (sum(training.values()) // (2 * 8))}  # epochs x steps: half as many as alone


@pytest.mark.long
def test_two_processes_give_the_same_file_for_the_same_seed(
    configuration: Path, tmp_path: Path, efigi: Path, cache: Path
) -> None:
    torchrun(configuration)
    torchrun(new_configuration(tmp_path, efigi, cache, "again"))
    assert_same_tensors(tmp_path / "run" / "tiny.safetensors", tmp_path / "again" / "tiny.safetensors")


@pytest.mark.long
def test_processes_that_compare_vectors_see_two_pictures_of_half_as_many_galaxies(
    configuration: Path, tmp_path: Path, efigi: Path
) -> None:
    compare_vectors(configuration, efigi)
    torchrun(configuration)
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    steps = {int(moments["step"]) for moments in state["optimiser"]["state"].values()}
    training = load_encoder(tmp_path / "run" / "tiny.safetensors", "cpu").training["galaxies"]
    assert training["images"] == EFIGI_GALAXIES
    assert steps == {2 * (sum(training.values()) // (2 * 4))}


def test_a_release_of_equal_lengths_has_them(configuration: Path, plain_run: Path) -> None:
    text = configuration.read_text()
    plain = load_encoder(plain_run, "cpu").encode(galaxies(5, 40)).embedding
    configuration.write_text(text.replace("view_set = 1", "view_set = 1\nequal_length = true"))
    encoder = load_encoder(train(configuration), "cpu")
    assert encoder.equal_length
    scaled = encoder.encode(galaxies(5, 40)).embedding
    expected = plain / np.linalg.norm(plain, axis=1, keepdims=True) * np.sqrt(encoder.dimension)
    np.testing.assert_allclose(scaled, expected, rtol=1e-5)


def test_a_grey_network_trains_into_a_grey_release(configuration: Path) -> None:
    configuration.write_text(configuration.read_text().replace("size = 40", "size = 40\nchannels = 1"))
    encoder = load_encoder(train(configuration), "cpu")
    assert encoder.recipe.channels == 1
    assert encoder._network.backbone.conv_stem.weight.shape[1] == 1
    assert encoder.encode(galaxies(4, 40)).embedding.shape == (4, encoder.dimension)


def test_two_tables_of_votes_keep_their_own_counts(configuration: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    sources = ""
    for tree, n in (("gzd5", 60), ("gz2", 44)):
        folder = tmp_path / tree
        folder.mkdir()
        for i in range(n):
            Image.fromarray(rng.integers(0, 255, (20, 20, 3), np.uint8)).save(folder / f"{tree}{i}.png")
        labels = load_tree(tree).labels
        votes = pd.DataFrame(rng.integers(0, 20, (n, len(labels))), columns=list(labels))
        votes.insert(0, "iauname", [f"{tree}{i}" for i in range(n)])
        votes.to_parquet(folder / "volunteers.parquet")
        sources += f"""
[[source]]
kind = "votes"
table = "{folder}/volunteers.parquet"
folder = "{folder}"
tree = "{tree}"
share = [0.8, 1.0]
held_out = 0.3
"""
    text = configuration.read_text().replace('also_learnt = ["efigi"]', 'also_learnt = ["gz2"]')
    configuration.write_text(text.partition("[[source]]")[0] + sources)
    file = train(configuration)
    about = load_encoder(file, "cpu").training
    names = ["volunteers", "volunteers-2"]
    assert [about["galaxies"][name] + about["held_out"][name] for name in names] == [60, 44]
    header = (file.parent / "log.csv").read_text().splitlines()[0]
    assert header == "epoch,seconds,training,held_out_volunteers,held_out_volunteers-2"


def test_nothing_held_out_still_gives_a_release(configuration: Path) -> None:
    configuration.write_text(configuration.read_text().replace("held_out = 0.3", "held_out = 0.0"))
    assert load_encoder(train(configuration), "cpu").training["held_out"] == {"simulated": 0, "efigi": 0}
