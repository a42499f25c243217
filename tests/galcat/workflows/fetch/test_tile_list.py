"""Which tiles hold a position or meet a cone, beside a count of many points."""

import numpy as np
import pytest
from astropy.coordinates import angular_separation

from galcat.workflows.fetch.tile_list import TileList


def whole_sky(step_deg: float = 10.0) -> TileList:
    """Tiles that share the sky among them, rows of equal height, as the Legacy Surveys' bricks do."""
    names, ra, dec = [], [], []
    for row, low in enumerate(np.arange(-90, 90, step_deg)):
        n = max(1, round(360 * np.cos(np.radians(low + step_deg / 2)) / step_deg))
        for column in range(n):
            names.append(f"{row:02}_{column:02}")
            # The first tile of a row lies half on either side of RA 0.
            ra.append([(column - 0.5) * 360 / n % 360, (column + 0.5) * 360 / n % 360 or 360.0])
            dec.append([low, low + step_deg])
    return TileList(np.array(names), np.array(ra), np.array(dec))


def points_in(tiles: TileList, row: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    width = (tiles.ra[row, 1] - tiles.ra[row, 0]) % 360 or 360
    ra = tiles.ra[row, 0] + np.linspace(0, width, n)
    dec = np.linspace(*tiles.dec[row], n)
    return np.repeat(ra, n), np.tile(dec, n)


def test_every_position_lies_in_the_tile_whose_limits_hold_it() -> None:
    tiles, rng = whole_sky(), np.random.default_rng(2)
    rows = rng.integers(0, len(tiles.name), 500)
    width = (tiles.ra[rows, 1] - tiles.ra[rows, 0]) % 360
    ra = (tiles.ra[rows, 0] + width * rng.uniform(0.001, 0.999, 500)) % 360
    dec = tiles.dec[rows, 0] + 10 * rng.uniform(0.001, 0.999, 500)
    np.testing.assert_array_equal(tiles.holding(ra, dec), rows)
    assert tiles.name[tiles.holding(np.array([0.0, 359.9, 12.0]), np.array([5.0, 5.0, 90.0]))].tolist() == [
        "09_00",
        "09_00",
        f"17_{round(12 / 360 * sum(name.startswith('17') for name in tiles.name)):02}",
    ]
    some = TileList(tiles.name[:50], tiles.ra[:50], tiles.dec[:50])
    assert some.holding(np.array([10.0]), np.array([80.0])).tolist() == [-1]


@pytest.mark.parametrize(
    ("ra", "dec", "radius"), [(0.0, 0.0, 7.0), (150.1, 2.2, 0.5), (200.0, 84.0, 8.0), (359.0, -61.0, 25.0)]
)
def test_a_cone_meets_the_tiles_of_which_it_holds_a_point(ra: float, dec: float, radius: float) -> None:
    tiles = whole_sky()
    met = set(tiles.touching(ra, dec, radius).tolist())
    for row in range(len(tiles.name)):
        away = np.degrees(angular_separation(*np.radians([ra, dec]), *np.radians(points_in(tiles, row))))
        if away.min() <= radius:
            assert row in met, tiles.name[row]
        elif away.min() > radius + 0.25:  # nearer to its limits than the points are to each other
            assert row not in met, tiles.name[row]


def test_a_tile_that_goes_once_around_a_pole_holds_all_of_it() -> None:
    tiles = TileList(
        np.array(["cap", "side"]), np.array([[0.0, 360.0], [10.0, 20.0]]), np.array([[-90.0, -89.0]] * 2)
    )
    assert tiles.holding(np.array([0.0, 123.4, 359.9]), np.array([-89.5, -90.0, -89.1])).tolist() == [0, 0, 0]
    assert tiles.touching(180.0, -88.95, 0.1).tolist() == [0]
