"""Which rows of several tables show the same galaxy, and a split that keeps each galaxy on one side.

The same galaxy stands in several sets of labelled pictures, and trained on in one it must not be judged on in
another. Rows are joined by position, by a shared name, and by pictures that are equal but for their encoding.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

SAME_SKY_ARCSEC = 3.0
SAME_PICTURE = 4.0
"""Root mean square difference, in steps of 8 bits, below which two small pictures are of one galaxy.

A picture encoded twice differs by less than 1, pictures of different galaxies by 6 and more.
"""
SAME_FILE = 1.0
"""The same within one set, whose pictures were all made alike: those that are mostly sky differ by little."""
_AT_ONCE = 1024

Pairs = NDArray[np.int64]
"""Rows that show one galaxy, (k, 2)."""


def same_position(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> Pairs:
    """Pairs of rows within 3 arcsec of each other; rows without a position, NaN, are in none.

    Args:
        ra: Right ascensions in ICRS degrees, (n,).
        dec: Declinations in ICRS degrees, (n,).
    """
    placed = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    if not len(placed):
        return np.empty((0, 2), np.int64)
    a, d = np.radians(ra[placed]), np.radians(dec[placed])
    unit = np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=1)
    chord = 2 * np.sin(np.radians(SAME_SKY_ARCSEC / 3600) / 2)
    pairs: Pairs = placed[cKDTree(unit).query_pairs(chord, output_type="ndarray")]
    return pairs


def same_name(names: Sequence[str]) -> Pairs:
    """Pairs of rows with the same name; an empty one says nothing.

    Args:
        names: Name of each row's galaxy, (n,).
    """
    first: dict[str, int] = {}
    pairs = [
        (first[name], row) for row, name in enumerate(names) if name and first.setdefault(name, row) != row
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)


def same_picture(pictures: NDArray[np.uint8], below: float = SAME_PICTURE) -> Pairs:
    """Pairs of rows whose pictures are equal but for noise of their encoding.

    Args:
        pictures: (n, ...) small copies of equal size, say 32 x 32 pixels in colour.
        below: Root mean square difference, in steps of 8 bits, of equal pictures.
    """
    flat = pictures.reshape(len(pictures), -1).astype(np.float32)
    squares = (flat**2).sum(axis=1)
    least = below**2 * flat.shape[1]
    pairs = []
    for start in range(0, len(flat), _AT_ONCE):
        part = flat[start : start + _AT_ONCE]
        distance = squares[start : start + _AT_ONCE, None] + squares - 2 * part @ flat.T
        row, other = np.nonzero(distance < least)
        later = other > row + start
        pairs.append(np.stack([row[later] + start, other[later]], axis=1))
    return np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)


def sky_groups(n: int, pairs: Sequence[Pairs]) -> NDArray[np.int64]:
    """The number of the galaxy that each row shows, (n,): that of its first row.

    Args:
        n: Number of rows.
        pairs: Pairs of rows that show one galaxy, as the functions above give them; what is joined to the
            same row is one galaxy.
    """
    joined = np.concatenate([*pairs, np.empty((0, 2), np.int64)])
    links = coo_array((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), shape=(n, n))
    _, component = connected_components(links, directed=False)
    _, first, group = np.unique(component, return_index=True, return_inverse=True)
    numbers: NDArray[np.int64] = first[group]
    return numbers


def folds(groups: NDArray[np.int64], names: Sequence[str], n_folds: int) -> NDArray[np.int64]:
    """A fold for each row, (n,), the same for all rows of a galaxy and on every machine.

    Args:
        groups: Group of each row, as `sky_groups` gives it.
        names: One a row, the set's and the galaxy's; a galaxy's first row decides by a hash of it.
        n_folds: Number of folds.
    """
    digests = [blake2b(names[first].encode(), digest_size=8).digest() for first in groups.tolist()]
    return np.array([int.from_bytes(digest, "big") % n_folds for digest in digests], np.int64)
