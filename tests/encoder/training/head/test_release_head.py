"""The head fitted anew on the frozen network, on galaxies that the network has not seen among others."""

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
from encoder.training.head import samples
from encoder.training.pictures.simulated import draw_galaxies
from encoder.training.train import train
from tests.encoder.made_votes import write_gz2_votes
from tests.encoder.training.small_runs import assert_same_tensors

pytestmark = pytest.mark.xdist_group("trainings")  # they share a finished run, and simulated pictures


def test_a_head_refitted_on_unseen_galaxies_leaves_the_vectors_and_surprises_less(
    configuration: Path, cache: Path, plain_run: Path
) -> None:
    as_trained = load_encoder(plain_run, "cpu")
    configuration.write_text(
        configuration.read_text().replace("view_set = 1", "view_set = 1\nrefit_galaxies = 100")
    )
    refitted = load_encoder(train(configuration), "cpu")
    simulated = draw_galaxies(60, FRESH_SEED + 3, cache)
    sample = sample_of_simulated("fresh", simulated, "1")
    rgb = torch.stack([sample.picture(i, refitted.recipe) for i in range(60)])
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
    assert len(list((tmp_path / "run" / "cache").glob("head-simulated-*-0-20.npz"))) == 1


def test_a_refit_that_was_killed_goes_on_and_names_a_damaged_file(
    configuration: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "CHUNK", 10)
    configuration.write_text(
        configuration.read_text().replace("view_set = 1", "view_set = 8\nrefit_galaxies = 23")
    )
    straight = tmp_path / "straight.safetensors"
    train(configuration).rename(straight)
    first, second, third = sorted(
        cache.glob("head-simulated-*-*.npz"), key=lambda file: file.stat().st_mtime_ns
    )[-3:]
    with np.load(third) as arrays:
        assert arrays["plain"].shape == (2, 3, load_encoder(straight, "cpu").dimension)
    second.unlink()
    kept = first.stat().st_mtime_ns
    assert_same_tensors(train(configuration), straight)
    assert first.stat().st_mtime_ns == kept
    third.write_bytes(third.read_bytes()[:100])
    with pytest.raises(TrainingError, match=rf"{third.name} is damaged \(.*\): delete it and run again"):
        train(configuration)


@pytest.fixture
def voted(tmp_path: Path) -> Path:
    """Ninety galaxies with votes, 71 of which are left out of the training."""
    parts = ["test"] * 50 + ["validation"] * 20
    rows = [f"gz2_votes,{i + 20},{part}" for i, part in enumerate(parts)]
    (tmp_path / "left_out.csv").write_text("\n".join(["set,id,reason", *rows, "gz2_votes,0,alike another"]))
    return write_gz2_votes(tmp_path / "gz2_votes", 90)


def test_a_head_is_fitted_on_galaxies_left_out_of_the_training_and_says_on_which(
    configuration: Path, voted: Path, tmp_path: Path
) -> None:
    text = configuration.read_text()
    source = (
        f'[[source]]\nkind = "gz2_votes"\nfolder = "{voted}"\nframed = true\nshare = [0.6, 0.7]\n'
        f'left_out = "{tmp_path / "left_out.csv"}"\n'
    )
    head = (
        '[head]\nsimulated = 20\nbridged = 1\nalpha_floor = 0.05\njudged = "gz2_votes"\n'
        "[head.weights]\ngz2_votes = 1.0\nsimulated = 0.1\n"
    )
    configuration.write_text(f"{head}\n{text}\n{source}")
    encoder = load_encoder(train(configuration), "cpu")
    assert encoder.alpha_floor == 0.05
    assert len(encoder.scales) == len(GZD5.questions)
    about = encoder.training["head"]
    assert about["galaxies"] == {"gz2_votes": 89, "simulated": 20}  # one is like a galaxy that is judged on
    assert about["judged"] == {
        "source": "gz2_votes",
        "scaled_by": 70,
        "scales_measured": ["smooth-or-featured", "disk-edge-on"],
    }
    assert encoder.training["galaxies"]["gz2_votes"] == 19
    left_out = encoder.training["left_out"]["gz2_votes"]
    assert {reason: len(names) for reason, names in left_out.items()} == {
        "test": 50,
        "validation": 20,
        "alike another": 1,
    }


def test_a_head_that_nothing_can_judge_is_refused(configuration: Path, voted: Path) -> None:
    text = configuration.read_text()
    source = f'[[source]]\nkind = "gz2_votes"\nfolder = "{voted}"\nshare = [0.6, 0.7]\n'
    head = '[head]\njudged = "gz2_votes"\n[head.weights]\ngz2_votes = 1.0\n'
    configuration.write_text(f"{head}\n{text}\n{source}")
    with pytest.raises(TrainingError, match="the network saw all of gz2_votes"):
        train(configuration)
