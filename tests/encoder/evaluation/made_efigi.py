"""A folder laid out as EFIGI: pictures and expert attributes of galaxies that are made up."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from encoder.model.gz_tree import load_tree

EFIGI_GALAXIES = 90


def write_efigi(folder: Path, n: int = EFIGI_GALAXIES) -> Path:
    """A table of ellipticals that are round and red, and spirals that are flat and blue."""
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    names = [f"PGC{i}" for i in range(n)]
    flat = rng.random(n) < 0.6
    axis = np.linspace(-1, 1, 44)
    for name, is_flat in zip(names, flat, strict=True):
        radius = axis[:, None] ** 2 * (9 if is_flat else 1) + axis[None, :] ** 2
        colour = [90, 120, 230] if is_flat else [230, 150, 90]
        pixels = np.exp(-4 * radius)[..., None] * colour + rng.uniform(0, 20, (44, 44, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{name}.jpg")
    table = pd.DataFrame({"PGCname": names, "image": [f"{name}.jpg" for name in names]})
    attributes = [question.name for question in load_tree("efigi").questions[1:]]
    rings = ("Inner_Ring", "Outer_Ring", "Pseudo_Ring")
    for column in (*attributes, *rings):
        value = rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], n)
        if column in rings:  # half of all have one
            value = np.where(rng.random(n) < 0.7, 0.0, value)
        table[column] = table[f"{column}_inf"] = table[f"{column}_sup"] = value
    table["T"] = table["T_inf"] = table["T_sup"] = np.where(flat, 4, -5)
    table.to_csv(folder / "attributes.csv", index=False)
    return folder
