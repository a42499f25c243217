from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from encoder.errors import TrainingError
from encoder.model.gz_tree import GZD5, load_tree
from encoder.training.labels.efigi import (
    attribute_answers,
    attribute_values,
    attribute_votes,
    has_ring,
    hide_attributes,
    stratified_test_mask,
)

EFIGI = load_tree("efigi")
SURE = {
    "T": 4.0,
    "Inclination": 0.25,
    "Arm_Strength": 0.5,
    "Bar_Length": 0.75,
    "Bulge_to_Total": 0.25,
    "Arm_Curvature": 1.0,
    "Perturbation": 0.0,
    "Multiplicity": 0.0,
    "Contamination": 0.0,
}


def test_a_sure_galaxy_has_the_votes_worked_out_by_hand() -> None:
    votes = _votes(SURE)
    featured = 0.91 - 0.03 * 1 / 6  # stage 4 lies a sixth of the way from 3 to 9
    smooth, artifact = 0.06 + 0.02 / 6, 0.03 + 0.01 / 6
    total = featured + smooth + artifact
    expect = 20 * featured / total
    assert votes["smooth_or_featured_featured_or_disk"] == pytest.approx(expect, rel=1e-5)
    assert votes["disk_edge_on_no"] == pytest.approx(expect * 0.98, rel=1e-5)
    assert votes["has_spiral_arms_yes"] == pytest.approx(expect * 0.98 * 0.88, rel=1e-5)
    assert votes["bar_strong"] == pytest.approx(expect * 0.98 * 0.76, rel=1e-5)
    assert votes["bulge_size_small"] == pytest.approx(expect * 0.98 * 0.50, rel=1e-5)
    assert votes["edge_on_bulge_rounded"] == pytest.approx(expect * 0.02 * 0.60, rel=1e-5)
    assert votes["spiral_winding_tight"] == pytest.approx(expect * 0.98 * 0.88 * 0.88, rel=1e-5)


def test_independent_evidence_for_merging_is_multiplied() -> None:
    votes = _votes(SURE | {"Perturbation": 0.5, "Multiplicity": 0.5, "Contamination": 0.5})
    perturbed, multiple = np.array([0.40, 0.42, 0.11, 0.07]), np.array([0.10, 0.18, 0.20, 0.52])
    product = perturbed * multiple * [0.26, 0.25, 0.24, 0.25]
    asked = votes["smooth_or_featured_smooth"] + votes["smooth_or_featured_featured_or_disk"]
    ours = [votes[f"merging_{a}"] for a in ("none", "minor_disturbance", "major_disturbance", "merger")]
    np.testing.assert_allclose(ours, asked * product / product.sum(), rtol=1e-5)


def test_doubtful_experts_halve_the_votes_of_their_question_and_leave_the_fractions() -> None:
    sure, doubtful = _votes(SURE), _votes(SURE, Bar_Length_inf=0.0, Bar_Length_sup=1.0)
    bars = ["bar_strong", "bar_weak", "bar_no"]
    np.testing.assert_allclose([doubtful[b] for b in bars], [sure[b] / 2 for b in bars], rtol=1e-5)
    assert doubtful["has_spiral_arms_yes"] == sure["has_spiral_arms_yes"]


def test_an_attribute_left_out_is_as_one_that_nobody_knows() -> None:
    whole = {question.name: 0.25 for question in EFIGI.questions} | SURE
    table = pd.concat([_table(whole), _table(whole | {"Perturbation": 1.0})], ignore_index=True)
    without = hide_attributes(table, ["Perturbation"])
    unknown = table.assign(Perturbation=-1.0)
    for tree, votes in ((GZD5, attribute_votes), (EFIGI, attribute_answers), (EFIGI, attribute_values)):
        np.testing.assert_array_equal(votes(without, tree), votes(unknown, tree))
        assert not np.array_equal(votes(table, tree), votes(unknown, tree), equal_nan=True)


def test_only_an_attribute_that_is_learnt_can_be_left_out() -> None:
    with pytest.raises(TrainingError, match="source efigi: without: 'Inner_Ring' is not one of Arm_Curv"):
        hide_attributes(_table(SURE), ["Inner_Ring"])


def test_an_unknown_attribute_gives_its_question_and_those_after_it_no_votes() -> None:
    votes = _votes(SURE | {"Arm_Strength": -1.0})
    unanswered = [c for c in GZD5.columns if votes[c] == 0]
    prefixes = ("has_spiral_arms", "spiral_winding", "spiral_arm_count")
    assert unanswered == [c for c in GZD5.columns if c.startswith(prefixes)]


def test_the_votes_fall_along_the_tree_and_never_pass_twenty(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "efigi" / "attributes.csv")
    votes = attribute_votes(table, GZD5)
    totals = {q.name: votes[:, q.slice].sum(axis=1) for q in GZD5.questions}
    assert (votes >= 0).all()
    assert max(t.max() for t in totals.values()) <= 20 + 1e-4
    for question in GZD5.questions[1:9]:
        before = 20 * votes[:, GZD5.index(question.asked_after[0])] / totals["smooth-or-featured"]
        if question.asked_after[0].startswith("smooth"):
            assert (totals[question.name] <= before + 1e-4).all()
    stage = table["T"].to_numpy()
    assert (votes[stage <= -4, 0] > votes[stage <= -4, 1]).all()
    assert (votes[(stage >= 1) & (stage <= 9), 0] < votes[(stage >= 1) & (stage <= 9), 1]).all()


def test_rings_teach_nothing(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "efigi" / "attributes.csv").head(50)
    ringed = table.assign(**{c: 1.0 for c in table if "Ring" in c})
    np.testing.assert_array_equal(attribute_votes(ringed, GZD5), attribute_votes(table, GZD5))
    np.testing.assert_array_equal(attribute_answers(ringed, EFIGI), attribute_answers(table, EFIGI))
    assert not [q.name for q in EFIGI.questions if "Ring" in q.name]


def test_attribute_answers_are_ten_votes_about_the_experts_value(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "efigi" / "attributes.csv")
    votes = attribute_answers(table, EFIGI)
    for question in EFIGI.questions:
        value = table[question.name].to_numpy(np.float64)
        known = np.ones(len(table), np.bool_) if question.name == "T" else value >= 0
        answers = votes[:, question.slice]
        np.testing.assert_allclose(answers.sum(axis=1), 10.0 * known, rtol=1e-5)
        likeliest = np.array(question.answers, np.float64)[answers.argmax(axis=1)]
        np.testing.assert_array_equal(likeliest[known], value[known])


def test_ringed_and_other_galaxies_are_kept_for_tests_in_the_same_share(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "efigi" / "attributes.csv")
    kept, ringed = stratified_test_mask(table, 0.4), has_ring(table)
    expected = (table[["Inner_Ring", "Outer_Ring", "Pseudo_Ring"]] >= 0.5).any(axis=1).to_numpy()
    np.testing.assert_array_equal(ringed, expected)
    assert [kept[ringed].sum(), kept[~ringed].sum()] == [round(0.4 * n) for n in np.bincount(ringed)[::-1]]
    shuffled = table.sample(frac=1, random_state=1)
    names = set(table["PGCname"][kept])
    assert set(shuffled["PGCname"][stratified_test_mask(shuffled, 0.4)]) == names
    assert not stratified_test_mask(table, 0.0).any()


def test_a_missing_column_is_one_line() -> None:
    with pytest.raises(TrainingError, match="the EFIGI table has no column 'Bar_Length'"):
        attribute_votes(_table(SURE).drop(columns="Bar_Length"), GZD5)


def _votes(values: dict[str, float], **bounds: float) -> dict[str, float]:
    votes = attribute_votes(_table(values).assign(**bounds), GZD5)[0]
    return dict(zip(GZD5.columns, votes.tolist(), strict=True))


def _table(values: dict[str, float]) -> pd.DataFrame:
    columns = {f"{name}{end}": [value] for name, value in values.items() for end in ("", "_inf", "_sup")}
    return pd.DataFrame(columns)
