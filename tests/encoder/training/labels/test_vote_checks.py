"""A table of votes that contradicts itself is one line that names the row; the real one is sound."""

from pathlib import Path

import pandas as pd
import pytest

from encoder.errors import LabelTableError
from encoder.training.labels.vote_checks import check_votes

REAL = Path(__file__).parents[4].parent / "shared" / "data" / "gz2_votes" / "labels.csv"
SOUND = pd.DataFrame(
    {
        "id": ["a", "b", "c"],
        "bar_yes_fraction": [0.333, 0.0, 1.0],
        "bar_no_fraction": [0.667, 0.0, 0.0],
        "bar_total-votes": [3, 0, 7],
        "bar_yes": [1.0, 0.0, 7.4],  # weighted counts, and the voters rounded
        "bar_no": [2.0, 0.0, 0.0],
    }
)


def test_rounded_fractions_weighted_counts_and_questions_nobody_was_asked_are_sound() -> None:
    check_votes(SOUND, Path("votes.csv"))
    check_votes(SOUND[["id", "bar_yes", "bar_total-votes"]], Path("votes.csv"))


@pytest.mark.parametrize(
    ("row", "column", "value", "told"),
    [
        (0, "bar_no_fraction", 0.9, "row 0, 'a': fractions of bar sum to 1.23, not to 1"),
        (2, "bar_total-votes", 5, "row 2, 'c': 7.4 votes on bar by 5 voters"),
        (1, "bar_yes", -1.0, "row 1, 'b': a negative number of votes on bar"),
    ],
)
def test_a_contradiction_names_its_row(row: int, column: str, value: float, told: str) -> None:
    table = SOUND.copy()
    table.loc[row, column] = value
    with pytest.raises(LabelTableError) as caught:
        check_votes(table, Path("votes.csv"))
    assert str(caught.value) == f"label table votes.csv, {told}"


@pytest.mark.skipif(not REAL.is_file(), reason="the shared data are not beside the checkout")
def test_the_published_votes_of_galaxy_zoo_2_are_sound_until_one_is_changed() -> None:
    table = pd.read_csv(REAL, dtype={"id": str})
    check_votes(table, REAL)
    table.loc[17, "smooth-or-featured_total-votes"] = 1
    with pytest.raises(LabelTableError, match=r"labels\.csv, row 17, "):
        check_votes(table, REAL)
