"""What labels of real galaxies say as votes, and that they say nothing else."""

import numpy as np
import pandas as pd
import pytest

from encoder.model.gz_tree import GZD5, load_tree
from encoder.training.campaigns import Campaigns
from encoder.training.labels.real_votes import (
    LABEL_READERS,
    Votes,
    gz1_classes,
    gz1_spirals,
    gz2_kaggle,
    gz2_votes,
)
from encoder.training.labels.summed_answers import SUMMED, summed_matrix

GZ2 = load_tree("gz2")


def votes_on(votes: Votes, question: str, row: int = 0) -> list[float]:
    part = next(q.slice for q in GZD5.questions if q.name == question)
    return [float(v) for v in votes["gzd5"][row, part]]


def kaggle(largest: str | None = None, of_70: str | None = None) -> Votes:
    return gz2_kaggle(
        pd.DataFrame({"largest_of_37": [largest], "class_of_70_percent": [of_70]}, dtype=object)
    )


def counts(**given: float) -> pd.DataFrame:
    """One galaxy's counts as the table spells them, 0 where not given."""
    names = [label for q in GZD5.questions for label in q.labels]
    names += [f"gz2-bar_{a}" for a in ("yes", "no")] + [f"gz2-odd_{a}" for a in ("yes", "no")]
    names += [f"gz2-bulge-prominence_{a}" for a in ("none", "just-noticeable", "obvious", "dominant")]
    names += [f"gz2-odd-feature_{a}" for a in ("disturbed", "irregular", "merger")]
    return pd.DataFrame([dict.fromkeys(names, 0.0) | given])


def test_counts_of_the_same_question_are_taken_as_they_are() -> None:
    table = counts(**{"smooth-or-featured_smooth": 27.7, "smooth-or-featured_featured-or-disk": 10.3})
    assert votes_on(gz2_votes(table), "smooth-or-featured") == pytest.approx([27.7, 10.3, 0])


def test_a_bar_of_galaxy_zoo_2_is_strong_or_weak_and_a_vote_on_neither() -> None:
    votes = gz2_votes(counts(**{"gz2-bar_yes": 6, "gz2-bar_no": 4}))
    assert votes_on(votes, "bar") == [0, 0, 0]
    assert votes[SUMMED.name][0, :2].tolist() == [6, 4]


def test_who_saw_nothing_odd_voted_for_no_merger_with_half_a_vote() -> None:
    table = counts(**{"gz2-odd_yes": 10, "gz2-odd_no": 30, "gz2-odd-feature_merger": 6})
    table["gz2-odd-feature_disturbed"] = 2
    assert gz2_votes(table)[SUMMED.name][0, 2:].tolist() == [16, 1, 3]


def test_an_argmax_of_smooth_is_all_but_unanimous_and_one_of_not_odd_says_nothing_of_it() -> None:
    smooth = votes_on(kaggle("smooth"), "smooth-or-featured")
    assert smooth[0] / sum(smooth) > 0.9
    not_odd = kaggle("not-odd")
    assert not not_odd["gzd5"].any()
    assert not_odd["gz2"][0, GZ2.index("something-odd_no")] > 0


@pytest.mark.parametrize(
    ("of_70", "answer"),
    [("elliptical", "smooth"), ("spiral", "featured-or-disk"), ("edge-spiral", "featured-or-disk")],
)
def test_a_class_of_seventy_percent_has_at_least_so_many_on_its_path(of_70: str, answer: str) -> None:
    votes = votes_on(kaggle(of_70=of_70), "smooth-or-featured")
    assert votes[GZD5.questions[0].answers.index(answer)] / sum(votes) >= 0.7


def test_an_edge_on_class_says_nothing_of_arms_and_a_gz1_spiral_nothing_of_edge_on() -> None:
    edge_on = gz1_classes(pd.DataFrame({"gz1_class": ["edge-on"]}))
    assert votes_on(edge_on, "disk-edge-on")[0] > votes_on(edge_on, "disk-edge-on")[1]
    assert votes_on(edge_on, "has-spiral-arms") == [0, 0]
    spiral = gz1_spirals(
        pd.DataFrame({"gz1_class": ["spiral"], "galaxy10_class": [None], "nair_bar": [np.nan]})
    )
    assert sum(votes_on(spiral, "smooth-or-featured")) > 0
    assert votes_on(spiral, "disk-edge-on") == [0, 0]


def test_a_nuclear_bar_is_no_bar_and_an_unjudged_galaxy_has_no_vote() -> None:
    table = pd.DataFrame(
        {"gz1_class": ["spiral"] * 4, "galaxy10_class": [None] * 4, "nair_bar": [8, 64, 0, np.nan]}
    )
    bar = gz1_spirals(table)[SUMMED.name][:, :2]
    assert (bar[:, 0] > bar[:, 1]).tolist() == [True, False, False, False]
    assert bar.sum(axis=1).tolist() == [5, 5, 5, 0]


def test_dont_know_and_an_unknown_label_say_nothing() -> None:
    votes = gz1_classes(pd.DataFrame({"gz1_class": ["dont-know", None]}))
    assert not any(table.any() for table in votes.values())
    assert not any(table.any() for table in kaggle().values())


def test_votes_on_sums_are_columns_behind_those_of_the_network() -> None:
    campaigns = Campaigns.load(("gzd5", "gz2"))
    votes = campaigns.votes(LABEL_READERS["gz2_votes"](counts(**{"gz2-bar_yes": 3})))
    assert votes.shape == (1, GZD5.n_answers + GZ2.n_answers + SUMMED.n_answers)
    assert campaigns.slices[-2] == slice(votes.shape[1] - 5, votes.shape[1] - 3)
    assert votes[0, campaigns.slices[-2]].tolist() == [3, 0]
    # The alpha of a sum is the sum of alphas.
    alpha = np.arange(campaigns.joint_tree.n_answers, dtype=np.float32)
    yes = alpha[GZD5.index("bar_strong")] + alpha[GZD5.index("bar_weak")]
    assert (alpha @ summed_matrix(campaigns.joint_tree.n_answers).numpy())[0] == yes
