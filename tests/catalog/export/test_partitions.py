"""The sky is parted into cells of few enough galaxies, none of them in two."""

from itertools import pairwise

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from cdshealpix.nested import healpix_to_skycoord, skycoord_to_healpix

from catalog.export.partitions import MAX_ORDER, ORDER, SkyCell, margin_ranges, part_sky


@pytest.mark.parametrize("max_rows", [1, 7, 100, 10_000])
def test_every_galaxy_is_in_one_cell_and_no_cell_could_be_wider(max_rows: int) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 12 * 4**4, 2_000) << 2 * (MAX_ORDER - 4)  # some cells of order 4 have several
    pixels += rng.integers(0, 4 ** (MAX_ORDER - 4), 2_000)
    counts = dict(zip(*(part.tolist() for part in np.unique(pixels, return_counts=True)), strict=True))
    cells = part_sky(counts, max_rows)

    def held(cell: SkyCell) -> int:
        shift = 2 * (MAX_ORDER - cell.order)
        return sum(n for pixel, n in counts.items() if pixel >> shift == cell.pixel)

    assert sum(map(held, cells)) == 2_000
    for cell, following in pairwise(cells):
        assert cell.end <= following.first
    for cell in cells:
        assert 0 < held(cell) <= max_rows or cell.order == MAX_ORDER
        if cell.order:
            assert held(SkyCell(cell.order - 1, cell.pixel >> 2)) > max_rows
    assert part_sky({}, max_rows) == []


def test_a_cell_spans_its_indices() -> None:
    cell = SkyCell(2, 5)
    assert (cell.first >> 2 * (ORDER - 2), cell.end >> 2 * (ORDER - 2)) == (5, 6)


@pytest.mark.parametrize("margin_arcsec", [10.0, 3_600.0, 36_000.0])
@pytest.mark.parametrize("order", [0, 3, 6, MAX_ORDER])
def test_what_is_near_a_cell_lies_in_it_or_in_its_margin_however_small_it_is(
    order: int, margin_arcsec: float
) -> None:
    rng = np.random.default_rng(order)
    for pixel in {0, 12 * 4**order - 1, *rng.integers(0, 12 * 4**order, 8).tolist()}:
        cell = SkyCell(order, pixel)
        ranges = list(margin_ranges(cell, margin_arcsec))
        inside = healpix_to_skycoord(rng.integers(cell.first, cell.end, 400).astype(np.uint64), ORDER)
        place = SkyCoord(inside).directional_offset_by(
            rng.uniform(0, 360, 400) * units.deg, rng.uniform(0, margin_arcsec, 400) * units.arcsec
        )
        for index in skycoord_to_healpix(place, ORDER).tolist():
            assert sum(low <= index < end for low, end in [*ranges, (cell.first, cell.end)]) == 1
        for one, following in pairwise(ranges):
            assert one[0] < one[1] < following[0]
        assert all(end <= cell.first or low >= cell.end for low, end in ranges)
