"""Where the tiles lie on the sky and what became of them, as numbers for a drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_DOTS = 2_000
_STATES = ("done", "failed", "waiting")
_BIN_DEG = 1.0
_BORDER = 0.08


@dataclass(frozen=True)
class TileSky:
    """The drawing of the tiles: right ascension grows to the left, north is up.

    Attributes:
        box: Left, top, width and height of the drawing.
        size: Radius of the dot of each tile, in units of the drawing.
        dots: x, y and the state of each dot: done, failed or waiting.
        ra_range: The least and the greatest right ascension, degrees, as they stand in the drawing.
        dec_range: The least and the greatest declination, degrees.
        is_binned: Whether a dot stands for all tiles of a square degree; one that failed makes it failed.
    """

    box: tuple[float, float, float, float]
    size: float
    dots: list[tuple[float, float, str]]
    ra_range: tuple[float, float]
    dec_range: tuple[float, float]
    is_binned: bool


def draw_tiles(rows: Sequence[dict[str, object]]) -> TileSky | None:
    """The drawing of tiles by their ra, dec and state; None where none has a place on the sky."""
    if not rows:
        return None
    ra, dec = (np.array([float(str(row[name])) for row in rows]) for name in ("ra", "dec"))
    state = np.array([_STATES.index(str(row["state"] or "waiting")) for row in rows])
    middle = _middle(ra)
    away = (ra - middle + 180) % 360 - 180
    is_binned = len(rows) > MOST_DOTS
    if is_binned:
        away, dec, state = _bin(away, dec, state)
    squeeze = np.cos(np.radians(dec))
    x, y = -away * squeeze, -dec
    width, height = max(float(np.ptp(x)), 0.5), max(float(np.ptp(y)), 0.5)
    border = _BORDER * max(width, height)
    box = (
        float(x.min() + x.max() - width) / 2 - border,
        float(y.min() + y.max() - height) / 2 - border,
        width + 2 * border,
        height + 2 * border,
    )
    order = np.argsort(np.array([0, 2, 1])[state], kind="stable")  # the failed ones above the others
    dots = [(round(float(x[i]), 4), round(float(y[i]), 4), _STATES[state[i]]) for i in order]
    size = min(max(box[2], box[3]) / 90, _spacing(x, y) / 2)
    ends = (float((away.min() + middle) % 360), float((away.max() + middle) % 360))
    return TileSky(box, round(size, 5), dots, ends, (float(dec.min()), float(dec.max())), is_binned)


def _middle(ra: NDArray[np.float64]) -> float:
    """The middle right ascension on the circle."""
    turn = np.radians(ra)
    return float(np.degrees(np.arctan2(np.sin(turn).sum(), np.cos(turn).sum())) % 360)


def _bin(
    away: NDArray[np.float64], dec: NDArray[np.float64], state: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """One dot a square degree; the worst state counts: failed, then waiting, then done."""
    rank = np.array([0, 2, 1])[state]
    squares = np.stack([np.floor(away / _BIN_DEG), np.floor(dec / _BIN_DEG)], axis=1)
    unique, where = np.unique(squares, axis=0, return_inverse=True)
    worst = np.zeros(len(unique), np.int64)
    np.maximum.at(worst, where.ravel(), rank)
    return (unique[:, 0] + 0.5) * _BIN_DEG, (unique[:, 1] + 0.5) * _BIN_DEG, np.array([0, 2, 1])[worst]


def _spacing(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """How far the nearest dots are apart as a rule, so that dots do not hide each other."""
    area = max(float(np.ptp(x)), 0.5) * max(float(np.ptp(y)), 0.5)
    return float(np.sqrt(area / len(x)))
