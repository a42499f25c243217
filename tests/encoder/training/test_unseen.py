"""The head fitted once more on galaxies that the network has not seen."""

from pathlib import Path

import numpy as np
import pytest
import torch

from encoder.errors import TrainingError
from encoder.evaluation.sets.real import FRESH_SEED
from encoder.evaluation.sets.samples import sample_of_simulated
from encoder.model.encoder import load_encoder
from encoder.model.gz_tree import GZD5
from encoder.model.loss import dirichlet_multinomial_loss
from encoder.training.pictures.simulated import simulated_galaxies
from encoder.training.train import train
from tests.encoder.training.small_runs import assert_same_tensors


def test_a_head_refitted_on_unseen_galaxies_leaves_the_vectors_and_surprises_less(
    configuration: Path, cache: Path
) -> None:
    as_trained = load_encoder(train(configuration), "cpu")
    configuration.write_text(
        configuration.read_text().replace("view_set = 1", "view_set = 1\nrefit_galaxies = 230")
    )
    refitted = load_encoder(train(configuration), "cpu")
    simulated = simulated_galaxies(100, FRESH_SEED + 3, cache)
    sample = sample_of_simulated("fresh", simulated, "1")
    rgb = torch.stack([sample.picture(i, refitted.recipe) for i in range(100)])
    before, after = as_trained.encode(rgb), refitted.encode(rgb)
    np.testing.assert_array_equal(before.embedding, after.embedding)
    votes = torch.from_numpy(simulated.votes)
    losses = [
        float(dirichlet_multinomial_loss(torch.from_numpy(said.concentrations_alpha), votes, GZD5.slices))
        for said in (before, after)
    ]
    assert losses[1] < losses[0] - 1


def test_a_refit_needs_no_simulated_source(configuration: Path, tmp_path: Path) -> None:
    (tmp_path / "run" / "cache").unlink()
    text = configuration.read_text().replace("view_set = 1", "view_set = 1\nrefit_galaxies = 20")
    head, _, attributes = text.split("[[source]]")
    configuration.write_text(f"{head}[[source]]{attributes}")
    assert load_encoder(train(configuration), "cpu").tree.name == "gzd5"
    assert len(list((tmp_path / "run" / "cache").glob("unseen-*-0-20.npz"))) == 1


def test_a_refit_that_was_killed_goes_on_and_names_a_damaged_file(
    configuration: Path, tmp_path: Path, cache: Path
) -> None:
    configuration.write_text(
        configuration.read_text().replace("view_set = 1", "view_set = 8\nrefit_galaxies = 230")
    )
    straight = tmp_path / "straight.safetensors"
    train(configuration).rename(straight)
    first, second, third = sorted(cache.glob("unseen-*-*.npz"), key=lambda file: file.stat().st_mtime_ns)[-3:]
    with np.load(third) as arrays:
        assert arrays["vectors"].shape == (2, 30, load_encoder(straight, "cpu").dimension)
    second.unlink()
    kept = first.stat().st_mtime_ns
    assert_same_tensors(train(configuration), straight)
    assert first.stat().st_mtime_ns == kept
    third.write_bytes(third.read_bytes()[:100])
    with pytest.raises(TrainingError, match=rf"{third.name} is damaged \(.*\): delete it and run again"):
        train(configuration)
