"""A map of galaxies by what they look like: pictures on the first two principal components."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from encoder.evaluation.report.plots import save

_CELLS = 26
_GREY = "#999999"

Cell = tuple[int, int]
"""Column and row of a cell, from the origin of the components."""


def map_cells(search: NDArray[np.float32]) -> dict[Cell, int]:
    """For each cell of the map that has any galaxy, the one nearest to its centre.

    The central 99 % of the galaxies span 26 cells either way.

    Args:
        search: Searched vectors of n galaxies, (n, 2) or wider.

    Returns:
        Rows of `search` by cell.
    """
    place = search[:, :2] / _cell_size(search)
    cell = np.floor(place).astype(int)
    from_centre = np.linalg.norm(place - cell - 0.5, axis=1)
    best: dict[Cell, int] = {}
    for i in np.argsort(from_centre, kind="stable"):
        best.setdefault((int(cell[i, 0]), int(cell[i, 1])), int(i))
    return best


def plot_map(search: NDArray[np.float32], pictures: Mapping[Cell, NDArray[np.uint8]], file: Path) -> None:
    """One picture in each cell that has galaxies.

    Args:
        search: Searched vectors of n galaxies, (n, 2) or wider.
        pictures: Picture of each cell, (h, w, 3) uint8.
        file: Path of the PNG to write.
    """
    figure = Figure((11, 11), layout="constrained", facecolor="black")
    axes = figure.subplots()
    width, height = (float(side) for side in _cell_size(search))
    for (column, row), picture in pictures.items():
        left, bottom = column * width, row * height
        extent = (left, left + width, bottom, bottom + height)
        axes.imshow(picture, extent=extent, aspect="auto", interpolation="bilinear")
    columns, rows = zip(*pictures, strict=True)
    axes.set_xlim((min(columns) - 0.5) * width, (max(columns) + 1.5) * width)
    axes.set_ylim((min(rows) - 0.5) * height, (max(rows) + 1.5) * height)
    axes.set_facecolor("black")
    axes.tick_params(colors=_GREY)
    for side in axes.spines.values():
        side.set_color("#444444")
    axes.set_xlabel("first principal component", color=_GREY)
    axes.set_ylabel("second principal component", color=_GREY)
    save(figure, file)


def _cell_size(search: NDArray[np.float32]) -> NDArray[np.float64]:
    low, high = np.percentile(search[:, :2], [0.5, 99.5], axis=0)
    size: NDArray[np.float64] = np.maximum((high - low) / _CELLS, np.finfo(np.float32).eps)
    return size
