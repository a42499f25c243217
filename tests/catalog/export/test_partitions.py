"""The sky is parted into cells of few enough galaxies, none of them in two."""

from itertools import pairwise

import numpy as np
import pytest

from catalog.export.partitions import MAX_ORDER, ORDER, SkyCell, part_sky


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
