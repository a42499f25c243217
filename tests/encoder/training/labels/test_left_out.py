"""Galaxies that are judged on are found again in other sets."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from encoder.training.labels.left_out import gz2_parts, list_left_out

IN_A_SET = 12


def test_half_is_tested_on_an_eighth_chosen_by_and_a_galaxy_is_in_one_part() -> None:
    n = 4000
    ids = [str(i) for i in range(n)]
    groups = np.arange(n)
    groups[1::2] = groups[::2]  # each galaxy twice
    parts = gz2_parts(ids, groups)
    assert (parts[::2] == parts[1::2]).all()
    shares = {part: float((parts == part).mean()) for part in ("test", "validation", "training")}
    # A binomial of 2,000 galaxies deviates by 0.011.
    assert abs(shares["test"] - 0.5) < 0.045
    assert abs(shares["validation"] - 0.125) < 0.03
    assert sum(shares.values()) == 1


def test_a_judged_galaxy_is_left_out_of_every_set_that_shows_it(tmp_path: Path) -> None:
    votes = [str(i) for i in range(IN_A_SET)]
    part = gz2_parts(votes, np.arange(IN_A_SET))
    judged, trained = (np.flatnonzero(mask)[0] for mask in (part != "training", part == "training"))
    pictures = {
        name: [draw_galaxy(seed * 100 + i) for i in range(IN_A_SET)] for seed, name in enumerate(SETS)
    }
    pictures["gz2_kaggle"][3] = pictures["gz2_votes"][judged] + 1  # encoded again
    pictures["gz2_kaggle"][4] = pictures["gz2_votes"][trained]
    tables = {name: pd.DataFrame({"id": [f"{name}{i}" for i in range(IN_A_SET)]}) for name in SETS}
    tables["gz2_votes"]["id"] = votes
    tables["gz2_votes"]["dr7objid"] = [f"sdss{i}" for i in range(IN_A_SET)]
    tables["gz1_classes"].loc[5, "id"] = f"sdss{judged}"
    tables["gz1_spirals"]["ra"] = 10.0 + np.arange(IN_A_SET)
    tables["gz1_spirals"]["dec"] = 5.0
    tables["gz1_spirals"]["gzdecals_smooth"] = [4.0] + [np.nan] * (IN_A_SET - 1)
    tables["efigi"] = tables["efigi"].rename(columns={"id": "PGCname"})
    for column in ("Inner_Ring", "Outer_Ring", "Pseudo_Ring"):
        tables["efigi"][column] = 0.0
    for name in SETS:
        write_set(tmp_path / name, tables[name], pictures[name])
    rings = pd.DataFrame({"iauname": ["J1", "J2"], "ra": [12.0002, 200.0], "dec": [5.0, 5.0]})
    for folder in ("gz_decals_rings", "votes"):
        (tmp_path / folder).mkdir()
    rings.to_csv(tmp_path / "gz_decals_rings" / "labels.csv", index=False)
    rings[1:].to_csv(tmp_path / "votes" / "gz_decals_q1_votes.csv", index=False)

    found = list_left_out(tmp_path, tmp_path / "cache")

    of = {name: set(found["id"][found["set"] == name]) for name in found["set"].unique()}
    assert of["gz2_votes"] == {votes[i] for i in np.flatnonzero(part != "training")}
    assert "gz2_kaggle3" in of["gz2_kaggle"]
    assert "gz2_kaggle4" not in of["gz2_kaggle"]
    assert f"sdss{judged}" in of["gz1_classes"]
    assert {"gz1_spirals0", "gz1_spirals2"} <= of["gz1_spirals"]  # counted; 0.7 arcsec from a DECaLS picture
    assert of["gz_decals_rings"] == {"J2"}


SETS = ("gz2_votes", "gz2_kaggle", "gz1_classes", "gz1_spirals", "efigi")


def draw_galaxy(seed: int) -> NDArray[np.int64]:
    """A galaxy with clumps of its own, (60, 60, 3)."""
    rng = np.random.default_rng(seed)
    at = np.arange(60) - 29.5
    light = 150 * np.exp(-(at**2 + at[:, None] ** 2) / (2 * 8**2))
    for x, y in rng.normal(0, 8, (6, 2)):
        light += 60 * np.exp(-((at - x) ** 2 + (at[:, None] - y) ** 2) / (2 * 2.5**2))
    return np.repeat(light.clip(0, 250)[:, :, None], 3, axis=2).astype(np.int64)


def write_set(folder: Path, table: pd.DataFrame, pictures: list[NDArray[np.int64]]) -> None:
    (folder / "images").mkdir(parents=True)
    table["image"] = [f"{i}.png" for i in range(len(table))]
    for file, picture in zip(table["image"], pictures, strict=True):
        Image.fromarray(picture.astype(np.uint8)).save(folder / "images" / file)
    table.to_csv(folder / ("attributes.csv" if folder.name == "efigi" else "labels.csv"), index=False)
