import itertools

import numpy as np
import torch

from encoder.model.gz_tree import GZD5, load_tree
from encoder.model.loss import dirichlet_multinomial_loss
from encoder.training.campaigns import Campaigns

EFIGI = load_tree("efigi")
BOTH = Campaigns.load(("gzd5", "efigi"))


def test_all_questions_follow_each_other_under_their_own_names() -> None:
    joined = BOTH.joint_tree
    assert joined.labels == GZD5.labels + tuple(f"efigi:{label}" for label in EFIGI.labels)
    assert joined.n_answers == GZD5.n_answers + EFIGI.n_answers
    ends = [(part.start, part.stop) for part in joined.slices]
    assert ends[0][0] == 0
    assert all(before[1] == after[0] for before, after in itertools.pairwise(ends))
    assert joined.questions[3].asked_after == GZD5.questions[3].asked_after


def test_a_campaign_with_the_same_questions_keeps_its_path() -> None:
    twice = Campaigns((EFIGI, GZD5)).joint_tree
    asked = twice.proportion_asked(np.random.default_rng(0).random((4, twice.n_answers)).astype(np.float32))
    assert (asked[:, : len(EFIGI.questions)] == 1).all()
    bar = next(i for i, q in enumerate(twice.questions) if q.name == "gzd5:bar")
    assert (asked[:, bar] < 1).all()


def test_a_galaxy_of_one_campaign_adds_only_its_questions_to_the_loss() -> None:
    rng = np.random.default_rng(1)
    votes = rng.integers(0, 20, (5, EFIGI.n_answers)).astype(np.float32)
    table = BOTH.votes({"efigi": votes, "gz2": rng.random((5, 3)).astype(np.float32)})
    alpha = torch.from_numpy(rng.uniform(1, 50, (5, BOTH.joint_tree.n_answers)).astype(np.float32))
    alone = dirichlet_multinomial_loss(
        alpha[:, GZD5.n_answers :], torch.from_numpy(votes), tuple(q.slice for q in EFIGI.questions)
    )
    together = dirichlet_multinomial_loss(alpha, torch.from_numpy(table), BOTH.joint_tree.slices)
    torch.testing.assert_close(together, alone)
