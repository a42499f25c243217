"""Tables of votes with pictures: what is right is read, what is wrong is one line that names it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from encoder.errors import LabelTableError
from encoder.model.gz_tree import GZD5
from encoder.training.head.vote_table import read_vote_table

N = 60
SMOOTH = GZD5.questions[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for i in range(N):
        Image.new("RGB", (8, 8), (i, 0, 0)).save(tmp_path / "images" / f"g{i}.png")
    return tmp_path


def make_table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    smooth = rng.integers(0, 41, N)
    return pd.DataFrame(
        {
            "id": [f"g{i}" for i in range(N)],
            "image": [f"g{i}.png" for i in range(N)],
            "smooth-or-featured_smooth": smooth,
            "smooth-or-featured_featured-or-disk": 40 - smooth,
            "smooth-or-featured_artifact": 0,
            "smooth-or-featured_total-votes": 40,
            "gz2-bar_yes": 3.4,
            "gz2-bar_no": 1.6,
        }
    )


def test_counts_and_a_bar_of_yes_and_no_are_read(folder: Path) -> None:
    table = make_table()
    table.to_csv(folder / "votes.csv", index=False)
    read = read_vote_table(folder / "votes.csv", folder / "images")
    assert list(read.ids) == table["id"].tolist()
    assert read.files[3] == folder / "images" / "g3.png"
    assert read.questions == ("smooth-or-featured", "bar")
    np.testing.assert_array_equal(
        read.votes[:, SMOOTH.slice], table[list(SMOOTH.labels)].to_numpy(np.float32)
    )
    np.testing.assert_allclose(read.votes[:, 34:36], [[3.4, 1.6]] * N, rtol=1e-6)
    assert not read.votes[:, 3:34].any()


def test_fractions_with_totals_are_the_same_counts_and_pictures_may_go_by_the_id(folder: Path) -> None:
    table = make_table()
    table.to_csv(folder / "votes.csv", index=False)
    counted = read_vote_table(folder / "votes.csv", folder / "images")
    for label in SMOOTH.labels:
        table[f"{label}_fraction"] = table.pop(label) / 40
    table.drop(columns="image").to_parquet(folder / "votes.parquet")
    shared = read_vote_table(folder / "votes.parquet", folder / "images")
    np.testing.assert_allclose(shared.votes, counted.votes, rtol=1e-5)
    assert shared.files == counted.files


def _set(column: str, value: object, row: int = 7) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        changed = table.astype({column: object})
        changed.loc[row, column] = value
        return changed

    return change


def _fractions(table: pd.DataFrame) -> pd.DataFrame:
    for label in SMOOTH.labels:
        table[f"{label}_fraction"] = table[label] / 40
    table.loc[[7, 9], "smooth-or-featured_smooth_fraction"] += 0.4
    return table


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_fractions, r"row 7, 'g7': fractions of smooth-or-featured sum to 1\.4, not to 1 \(2 such rows\)"),
        (_set("smooth-or-featured_smooth", 90), r"row 7, 'g7': \d+ votes on smooth-or-featured by 40 voters"),
        (
            _set("smooth-or-featured_smooth", -1),
            "row 7, 'g7': a negative number of votes on smooth-or-featured",
        ),
        (_set("smooth-or-featured_smooth", "many"), "row 7: smooth-or-featured_smooth = 'many' is no number"),
        (_set("image", "gone.png"), "row 7, 'g7': no picture .*gone.png"),
        (_set("id", "g6"), "row 7: 'g6' occurs twice"),
        (lambda table: table.drop(columns="id"), "has no column 'id'"),
        (
            lambda table: table.drop(columns="smooth-or-featured_artifact"),
            "has smooth-or-featured_smooth and no column 'smooth-or-featured_artifact'",
        ),
        (lambda table: table[["id", "image"]], "has no question of Galaxy Zoo DECaLS: no column smooth-or"),
        (
            lambda table: table.assign(
                **{
                    "smooth-or-featured_smooth": 40,
                    "smooth-or-featured_featured-or-disk": 0,
                    "gz2-bar_yes": 0,
                    "gz2-bar_no": 0,
                }
            ),
            "all votes are smooth-or-featured_smooth: there is nothing to tell apart",
        ),
        (lambda table: table[:20], "20 galaxies have votes, at least 50 are needed"),
    ],
)
def test_a_wrong_table_is_one_line_that_names_it(
    folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame], told: str
) -> None:
    path = folder / "votes.csv"
    change(make_table()).to_csv(path, index=False)
    with pytest.raises(LabelTableError, match=told) as raised:
        read_vote_table(path, folder / "images")
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_id_without_a_picture_of_its_name_is_named(folder: Path) -> None:
    table = make_table().drop(columns="image")
    table.loc[7, "id"] = "stranger"
    table.to_csv(folder / "votes.csv", index=False)
    with pytest.raises(LabelTableError, match=r"row 7, 'stranger': no picture of that name in .*images"):
        read_vote_table(folder / "votes.csv", folder / "images")


def test_the_votes_of_galaxy_zoo_2_are_such_a_table(shared_data: Path) -> None:
    folder = shared_data / "gz2_votes"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    read = read_vote_table(folder / "labels.csv", folder / "images")
    assert len(read.ids) == 630
    assert read.questions == (
        "smooth-or-featured",
        "disk-edge-on",
        "has-spiral-arms",
        "how-rounded",
        "edge-on-bulge",
        "spiral-winding",
        "spiral-arm-count",
        "bar",
    )
