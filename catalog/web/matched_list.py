"""A list of positions whose galaxies the wall shows, as the address of the page says it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.tap.errors import UsageError

MAX_NAMED = 100
"""Positions without a galaxy that are named."""
_LISTED = re.compile(r"(\d{1,6}),(\d{1,6}),(\d{1,3}(?:\.\d{1,4})?)")
_MAX_NAME, _MAX_TEXT = 80, 200


@dataclass(frozen=True)
class MatchedList:
    """A list of positions whose galaxies are looked at.

    Attributes:
        name: What the list is called.
        matched: How many of its positions have a galaxy.
        n: How many positions it has.
        radius_arcsec: How near a galaxy had to be to its position, in arcseconds.
        missed: What the positions without a galaxy are called, the first MAX_NAMED of them.
    """

    name: str
    matched: int
    n: int
    radius_arcsec: float
    missed: tuple[str, ...] = ()

    @property
    def unnamed(self) -> int:
        """How many positions without a galaxy are not named."""
        return max(0, self.n - self.matched - len(self.missed))

    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of an address that say this, as `parse_matched_list` reads them."""
        listed = f"{self.matched},{self.n},{self.radius_arcsec:.6g}"
        return [("list", self.name), ("listed", listed), *(("missed", text) for text in self.missed)]


def parse_matched_list(name: str, listed: str, missed: Sequence[str]) -> MatchedList | None:
    """Read what an address says of a list; None where it says nothing.

    Args:
        name: What the list is called.
        listed: Number of matched positions, of positions, and the radius in arcseconds.
        missed: What the positions without a galaxy are called.

    Raises:
        UsageError: The address is damaged.
    """
    if not name and not listed and not missed:
        return None
    found = _LISTED.fullmatch(listed)
    if found is None or int(found[1]) > int(found[2]) or len(missed) > MAX_NAMED:
        raise UsageError("what this address says of a list is damaged")
    texts = tuple(text[:_MAX_TEXT] for text in missed)
    return MatchedList(name[:_MAX_NAME], int(found[1]), int(found[2]), float(found[3]), texts)
