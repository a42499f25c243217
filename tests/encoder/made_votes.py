"""Small sets of galaxies with labels as real ones come: their votes follow from size and shape."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from encoder.model.gz_tree import GZD5

_GZ2_COLUMNS = [
    *(f"gz2-bulge-prominence_{answer}" for answer in ("none", "just-noticeable", "obvious", "dominant")),
    *(f"gz2-odd-feature_{name}" for name in ("disturbed", "irregular", "merger")),
    *("gz2-odd_yes", "gz2-odd_no", "gz2-bar_yes", "gz2-bar_no"),
]


def write_gz2_votes(folder: Path, n: int) -> Path:
    """`labels.csv` with Galaxy Zoo 2's columns, and pictures of galaxies: the larger, the smoother."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(6)
    table = pd.DataFrame(0.0, index=range(n), columns=[*GZD5.labels, *_GZ2_COLUMNS])
    at = np.arange(60) - 29.5
    for i in range(n):
        width, axis_ratio = rng.uniform(3, 8), rng.uniform(0.2, 1)
        light = 200 * np.exp(-((at / axis_ratio) ** 2 + at[:, None] ** 2) / (2 * width**2))
        pixels = np.repeat((light + rng.normal(20, 2, (60, 60)))[:, :, None], 3, axis=2)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{i}.png")
        smooth, edge_on = rng.binomial(40, (width - 2) / 7), rng.binomial(20, 1.1 - axis_ratio)
        table.loc[i, list(GZD5.questions[0].labels[:2])] = smooth, 40 - smooth
        table.loc[i, list(GZD5.questions[1].labels)] = edge_on, 20 - edge_on
    table["id"], table["image"] = [str(i) for i in range(n)], [f"{i}.png" for i in range(n)]
    table.to_csv(folder / "labels.csv", index=False)
    return folder
