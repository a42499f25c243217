"""A look at the headers of a FITS file before astropy's: damaged ones can make it count for ever."""

import re
from gzip import GzipFile
from typing import IO

from table_files.errors import TableError

MAX_AXES = 999
"""As the FITS standard has it."""
MAX_HEADER_BLOCKS = 10_000
_FARTHEST = 2**62
_BLOCK = 2880
_CARD = 80
_NUMBER = re.compile(rb"(NAXIS\d*|BITPIX|PCOUNT|GCOUNT) *= *([+-]?\d+)")


def refuse_absurd_headers(file: IO[bytes] | GzipFile) -> None:
    """Refuse a file with a header whose sizes no file can have; the others are astropy's to judge.

    Args:
        file: The file at its beginning, where it stands again afterwards; what is no FITS is let pass.

    Raises:
        TableError: A header has more than 999 axes, or an axis of negative length.
    """
    try:
        if file.read(6) != b"SIMPLE":
            return
        number, at = 0, 0
        while (following := _next_header(file, at, number)) is not None:
            number, at = number + 1, following
    finally:
        file.seek(0)


def _next_header(file: IO[bytes] | GzipFile, at: int, number: int) -> int | None:
    """Where the HDU after this one begins; None where there is no more header."""
    if at > _FARTHEST:
        return None
    file.seek(at)
    cards: dict[bytes, int] = {}
    for block in range(1, MAX_HEADER_BLOCKS + 1):
        text = file.read(_BLOCK)
        if len(text) < _BLOCK:
            return None
        for start in range(0, _BLOCK, _CARD):
            card = text[start : start + _CARD]
            if found := _NUMBER.match(card):
                cards.setdefault(found[1], int(found[2]))
            elif card.rstrip() == b"END":
                return at + block * _BLOCK + _data_size(cards, number)
    return None


def _data_size(cards: dict[bytes, int], number: int) -> int:
    n_axes = cards.get(b"NAXIS", 0)
    if not 0 <= n_axes <= MAX_AXES:
        raise TableError(f"damaged, the header of HDU {number} has {n_axes} axes")
    sizes = [cards.get(b"NAXIS%d" % axis, 0) for axis in range(1, n_axes + 1)]
    more, groups = cards.get(b"PCOUNT", 0), cards.get(b"GCOUNT", 1)
    if min([*sizes, more, groups]) < 0:
        raise TableError(f"damaged, the header of HDU {number} asks for a negative size")
    values = groups * (more + _product(sizes)) if sizes else 0
    n_bytes = abs(cards.get(b"BITPIX", 8)) // 8 * values
    return -(-n_bytes // _BLOCK) * _BLOCK


def _product(sizes: list[int]) -> int:
    """Of the lengths of all axes; the first is 0 in random groups, and does not count."""
    product = 1
    for size in sizes[1:] if sizes[0] == 0 and len(sizes) > 1 else sizes:
        product *= size
    return product
