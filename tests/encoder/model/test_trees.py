"""Every tree that ships: whole, and what was published."""

import csv
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from encoder.model.gz_tree import load_tree

NAMES = sorted(
    file.name.removesuffix(".json")
    for file in (resources.files("encoder") / "trees").iterdir()
    if file.name.endswith(".json")
)
# Questions and answers: Walmsley et al. 2022 (tables of both campaigns) and 2023; Willett et al. 2013 count
# 11 questions and 37 answers, 7 of them what is odd.
PUBLISHED_TOTALS = {"gzd1_2": (10, 30), "gzd5": (10, 34), "gz_desi": (10, 34), "gz2": (11 - 1, 37 - 7)}


def test_all_campaigns_are_here() -> None:
    assert set(PUBLISHED_TOTALS) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_tree_asks_each_question_once_and_only_after_an_earlier_one(name: str) -> None:
    tree = load_tree(name)
    assert tree.name == name
    assert tree.title
    assert tree.reference
    assert len(set(tree.columns)) == tree.n_answers
    assert len(set(tree.question_columns)) == len(tree.questions)
    known: set[str] = set()
    for question in tree.questions:  # in this order no cycle is possible
        assert set(question.asked_after) <= known, question.name
        assert len({label.rpartition("_")[0] for label in question.asked_after}) <= 1
        assert len(question.answers) > 1
        known |= set(question.labels)


@pytest.mark.parametrize("name", sorted(PUBLISHED_TOTALS))
def test_a_tree_has_the_published_number_of_questions_and_answers(name: str) -> None:
    tree = load_tree(name)
    assert (len(tree.questions), tree.n_answers) == PUBLISHED_TOTALS[name]
    sure = np.zeros((1, tree.n_answers), np.float32)
    for label in ("smooth-or-featured_featured-or-disk", "disk-edge-on_no", "has-spiral-arms_yes"):
        sure[0, tree.index(label)] = 1
    asked = dict(zip((q.name for q in tree.questions), tree.proportion_asked(sure)[0], strict=True))
    assert {q for q, p in asked.items() if p == 0} <= {"how-rounded", "edge-on-bulge", "bulge-shape"}
    assert asked["spiral-winding"] == asked["bar"] == asked["bulge-size"] == 1


@pytest.mark.parametrize(
    ("name", "table"),
    [("gzd1_2", "gz_decals_volunteers_1_and_2.csv"), ("gzd5", "gz_decals_volunteers_5.csv")],
)
def test_a_tree_has_exactly_the_answers_of_the_published_table(
    shared_data: Path, name: str, table: str
) -> None:
    with (shared_data / "gz_decals_dr5_fixture" / table).open() as file:
        header = next(csv.reader(file))
    published = {column.removesuffix("_fraction") for column in header if column.endswith("_fraction")}
    assert set(load_tree(name).labels) == published


@pytest.mark.parametrize("name", ["gzd1_2", "gzd5"])
def test_volunteers_of_the_published_table_walked_along_the_tree(shared_data: Path, name: str) -> None:
    """Nobody answers a question more often than the answers that lead to it were given."""
    file = {"gzd1_2": "gz_decals_volunteers_1_and_2.csv", "gzd5": "gz_decals_volunteers_5.csv"}[name]
    with (shared_data / "gz_decals_dr5_fixture" / file).open() as lines:
        rows = list(csv.DictReader(lines))
    walked = [
        (int(row[f"{q.name}_total-votes"]), sum(int(row[label]) for label in q.asked_after))
        for row in rows
        for q in load_tree(name).questions
        if q.asked_after
    ]
    assert all(answered <= led for answered, led in walked)
    assert sum(answered for answered, _ in walked) > 0.9 * sum(led for _, led in walked)
