"""The HEALPix cells that the galaxies are parted into, so that no part is too large, and their margins."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import psycopg

ORDER = 29
"""Order of the stored HEALPix indices."""
MAX_ORDER = 10
"""No cell is smaller: one of order 10 is 3.4 arcminutes wide."""


class SkyCell(NamedTuple):
    """A nested HEALPix cell."""

    order: int
    pixel: int

    @property
    def first(self) -> int:
        """The lowest index of order 29 in it."""
        return self.pixel << 2 * (ORDER - self.order)

    @property
    def end(self) -> int:
        """The index of order 29 behind its last."""
        return (self.pixel + 1) << 2 * (ORDER - self.order)


def count_galaxies(connection: psycopg.Connection) -> dict[int, int]:
    """Numbers of galaxies by cell of order `MAX_ORDER`, of those that have one."""
    shift = 2 * (ORDER - MAX_ORDER)
    rows = connection.execute(
        "SELECT healpix29 >> %s::int AS cell, count(*) FROM galcat.galaxy GROUP BY 1 ORDER BY 1", [shift]
    )
    return {int(cell): int(n) for cell, n in rows if cell is not None}


def part_sky(counts: Mapping[int, int], max_rows: int) -> list[SkyCell]:
    """Cells with galaxies, as large as they can be with so many of them at most, in order on the sky.

    Args:
        counts: Numbers of galaxies by cell of order `MAX_ORDER`, which are parted no further.
        max_rows: How many galaxies a cell may hold.
    """
    levels = [dict(counts)]
    for _ in range(MAX_ORDER):
        wider: dict[int, int] = {}
        for pixel, n in levels[0].items():
            wider[pixel >> 2] = wider.get(pixel >> 2, 0) + n
        levels.insert(0, wider)
    found = []
    waiting = [SkyCell(0, pixel) for pixel in levels[0]]
    while waiting:
        cell = waiting.pop()
        if levels[cell.order][cell.pixel] <= max_rows or cell.order == MAX_ORDER:
            found.append(cell)
            continue
        inner = (SkyCell(cell.order + 1, 4 * cell.pixel + i) for i in range(4))
        waiting += [one for one in inner if one.pixel in levels[one.order]]
    return sorted(found, key=lambda cell: cell.first)


def margin_ranges(cell: SkyCell, margin_arcsec: float) -> Iterator[tuple[int, int]]:
    """Ranges of HEALPix indices of order 29 that hold all within a margin around a cell, but nothing of it.

    Args:
        cell: The cell whose surroundings are wanted.
        margin_arcsec: How far beyond its edges the margin reaches at least, arcsec, 30 degrees at most.

    Returns:
        The lowest index of each range and the one behind its last, in order.
    """
    import cdshealpix  # noqa: PLC0415 - optional

    # Nowhere is a cell of order k narrower than 0.6 times the root of its area.
    finest = math.floor(math.log2(0.6 * math.sqrt(math.pi / 3) / math.radians(margin_arcsec / 3600)))
    order = max(0, min(ORDER, finest))
    # Cells of the size of a small one would reach less far than the margin: the wider cell has its ring.
    around = cell if order >= cell.order else SkyCell(order, cell.pixel >> 2 * (cell.order - order))
    edges, corners = cdshealpix.external_neighbours(around.pixel, around.order, order - around.order)
    ring = [SkyCell(order, int(pixel)) for pixel in (*edges[0], *corners[0]) if pixel >= 0]
    beside = [(around.first, cell.first), (cell.end, around.end)]
    yield from _join([*((one.first, one.end) for one in ring), *beside])


def _join(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Ranges in order, those that touch as one and none that is empty."""
    first = end = None
    for low, behind in sorted(ranges):
        if low == behind:
            continue
        if low == end:
            end = behind
            continue
        if first is not None and end is not None:
            yield first, end
        first, end = low, behind
    if first is not None and end is not None:
        yield first, end
