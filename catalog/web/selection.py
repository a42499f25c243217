"""A selection of galaxies, as the address of a page says it: every state of the wall is a URL."""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

import numpy as np

from catalog.constants import SEARCH_DIMENSION
from catalog.tap.errors import UsageError
from catalog.web.matched_list import MatchedList, parse_matched_list

FEW, MOST = 60, 480
"""Galaxies on the wall at first, and at most."""
MAX_EXAMPLES = 50
MAX_IDS = 500
MAX_RADIUS_DEG = 10.0
_MAX_TEXT = 2_000
_MAX_LASSO = 400
_ID_END = 2**63
_ID_DIGITS = 19
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Range:
    """The values of a column that are wanted, both ends included; None where that side is open."""

    column: str
    lowest: float | None
    highest: float | None


@dataclass(frozen=True)
class Place:
    """A cone on the sky.

    Attributes:
        ra_deg: Right ascension of its centre in degrees, ICRS.
        dec_deg: Declination of its centre in degrees, ICRS.
        radius_deg: Its radius in degrees.
    """

    ra_deg: float
    dec_deg: float
    radius_deg: float


@dataclass(frozen=True)
class Selection:
    """Which galaxies are looked at, and how they are sorted.

    Attributes:
        like: object_ids of galaxies to be like.
        unlike: object_ids of galaxies to keep away from.
        vector: The 40 numbers of a picture to be like; empty where there is none.
        where: A condition in ADQL; empty where there is none.
        place: A cone; None for the whole sky.
        ranges: The wanted ranges of columns.
        ids: object_ids to look at, and no others; empty for all.
        matched: The list of positions that these ids were found by; None where they were not.
        lasso: x and y in turn of the corners of a polygon on the map; empty for none.
        order: Column to sort by, with a minus sign for the largest first; empty where likeness sorts, or the
            distance from the middle of the cone, or brightness.
        shown: Columns that stand under each picture.
        n: How many galaxies are shown.
    """

    like: tuple[int, ...] = ()
    unlike: tuple[int, ...] = ()
    vector: tuple[float, ...] = ()
    where: str = ""
    place: Place | None = None
    ranges: tuple[Range, ...] = ()
    ids: tuple[int, ...] = ()
    matched: MatchedList | None = None
    lasso: tuple[float, ...] = ()
    order: str = ""
    shown: tuple[str, ...] = ()
    n: int = FEW

    @classmethod
    def parse(cls, pairs: Pairs, columns: Iterable[str]) -> Self:
        """Read the parameters of an address; what is empty counts as not given.

        Args:
            pairs: Names and values, as they come.
            columns: The names of the columns that may be named.

        Raises:
            UsageError: A value is wrong; names it.
        """
        given = {name: value.strip() for name, value in pairs if value.strip()}
        known = set(columns)
        vector = read_vector(given.get("vector", ""))
        like, unlike = (_read_ids(name, given.get(name, ""), MAX_EXAMPLES) for name in ("like", "unlike"))
        if unlike and not like:
            raise UsageError("galaxies to keep away from need one to be like")
        if vector and like:
            raise UsageError("a picture and galaxies to be like do not go together: take one of them")
        where = given.get("where", "")
        if len(where) > _MAX_TEXT:
            raise UsageError(f"the condition is longer than {_MAX_TEXT:,} characters")
        order = given.get("order", "")
        if order and order.removeprefix("-") not in known:
            raise UsageError(f"there is no column {order.removeprefix('-')[:50]!r} to sort by")
        shown = tuple(name for name in re.split(r"[,\s]+", given.get("shown", "")) if name)
        for name in shown:
            if name not in known:
                raise UsageError(f"there is no column {name[:50]!r} to show")
        return cls(
            like=like,
            unlike=unlike,
            vector=vector,
            where=where,
            place=_read_place(given),
            ranges=_read_ranges(given, known),
            ids=_read_ids("ids", given.get("ids", ""), MAX_IDS),
            matched=None
            if "ids" not in given
            else parse_matched_list(
                given.get("list", ""),
                given.get("listed", ""),
                [value.strip() for name, value in pairs if name == "missed" and value.strip()],
            ),
            lasso=_read_lasso(given.get("lasso", "")),
            order=order,
            shown=tuple(dict.fromkeys(shown))[:8],
            n=max(1, min(MOST, int(read_number("n", given.get("n", str(FEW)))))),
        )

    @property
    def is_everything(self) -> bool:
        """Whether nothing is selected: how it is sorted and shown does not count."""
        return self == Selection(order=self.order, shown=self.shown, n=self.n)

    @property
    def is_by_likeness(self) -> bool:
        """Whether galaxies to be like, or a picture, are given."""
        return bool(self.like or self.vector)

    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of the address, without those that say nothing."""
        pairs = [(name, ",".join(map(str, getattr(self, name)))) for name in ("like", "unlike", "ids")]
        pairs.append(("vector", write_vector(self.vector)))
        pairs.append(("where", self.where))
        if self.place is not None:
            place = self.place
            pairs += [("ra", f"{place.ra_deg:.10g}"), ("dec", f"{place.dec_deg:.10g}")]
            pairs.append(("radius", f"{place.radius_deg * 60:.6g}"))
        for one in self.ranges:
            pairs.append((one.column, f"{_write(one.lowest)}..{_write(one.highest)}"))
        if self.matched is not None:
            pairs += self.matched.pairs()
        pairs.append(("lasso", ",".join(f"{number:.4g}" for number in self.lasso)))
        pairs += [("order", self.order), ("shown", ",".join(self.shown))]
        pairs.append(("n", str(self.n) if self.n != FEW else ""))
        return [(name, value) for name, value in pairs if value]

    def query(self, **changes: object) -> str:
        """The query string of an address that shows this, with changes; begins with `?`."""
        changed = replace(self, **changes) if changes else self  # type: ignore[arg-type] # fields
        return "?" + urlencode(changed.pairs(), safe=",.:")

    def more_like(self, object_id: int) -> str:
        """The query string with one more galaxy to be like."""
        like = tuple(dict.fromkeys((*self.like, object_id)))[-MAX_EXAMPLES:]
        unlike = tuple(one for one in self.unlike if one != object_id)
        return self.query(like=like, unlike=unlike, vector=(), order="", ids=(), matched=None)

    def less_like(self, object_id: int) -> str:
        """The query string with one more galaxy to keep away from; it needs one to be like."""
        like = tuple(one for one in self.like if one != object_id)
        if not like:
            return self.query(like=(), unlike=())
        unlike = tuple(dict.fromkeys((*self.unlike, object_id)))[-MAX_EXAMPLES:]
        return self.query(like=like, unlike=unlike, order="")

    def without_example(self, object_id: int) -> str:
        """The query string without that galaxy among the examples."""
        like = tuple(one for one in self.like if one != object_id)
        unlike = tuple(one for one in self.unlike if one != object_id) if like else ()
        return self.query(like=like, unlike=unlike)

    def without_range(self, column: str) -> str:
        """The query string without the range of that column."""
        return self.query(ranges=tuple(one for one in self.ranges if one.column != column))


def read_vector(text: str) -> tuple[float, ...]:
    """Read 40 numbers from base64 of their 16-bit floats; empty for an empty text.

    Raises:
        UsageError: It is something else.
    """
    if not text:
        return ()
    try:
        numbers = np.frombuffer(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "<f2")
    except ValueError as error:
        raise UsageError("the vector in this address is damaged") from error
    if len(numbers) != SEARCH_DIMENSION or not np.isfinite(numbers).all():
        raise UsageError("the vector in this address is damaged")
    return tuple(numbers.astype(float).tolist())


def write_vector(vector: Sequence[float]) -> str:
    """Write a vector as `read_vector` reads it."""
    if not len(vector):
        return ""
    return base64.urlsafe_b64encode(np.array(vector, "<f2").tobytes()).decode().rstrip("=")


def _read_ids(name: str, text: str, max_n: int) -> tuple[int, ...]:
    words = [word for word in re.split(r"[,\s]+", text) if word]
    for word in words:
        if not (word.isascii() and word.isdecimal() and len(word) <= _ID_DIGITS and int(word) < _ID_END):
            raise UsageError(f"{word[:50]!r} in {name!r} is no object_id")
    ids = tuple(dict.fromkeys(int(word) for word in words))
    if len(ids) > max_n:
        raise UsageError(f"{len(ids)} galaxies in {name!r}: {max_n} are the most")
    return ids


def read_number(name: str, text: str) -> float:
    """Read a number as people type it.

    Raises:
        UsageError: It is none; names what it should have been.
    """
    plain = text.replace("\u2212", "-")
    number = float(plain) if len(plain) < 40 and _NUMBER.fullmatch(plain) else None  # noqa: PLR2004 - digits
    if number is None or not np.isfinite(number):
        raise UsageError(f"{name.replace('_', ' ')}: {text[:50]!r} is no number")
    return number


def _read_place(given: dict[str, str]) -> Place | None:
    if "ra" not in given and "dec" not in given:
        return None
    for name in ("ra", "dec"):
        if name not in given:
            raise UsageError(f"a cone needs both ra and dec: {name} is missing")
    ra_deg, dec_deg = (read_number(name, given[name]) for name in ("ra", "dec"))
    radius_deg = read_number("radius", given.get("radius", "6")) / 60
    if not 0 <= ra_deg <= 360 or not -90 <= dec_deg <= 90:  # noqa: PLR2004 - the sphere
        raise UsageError(
            f"({ra_deg:g}, {dec_deg:g}) is nowhere on the sky: ra 0 to 360, dec -90 to 90 degrees"
        )
    if not 0 < radius_deg <= MAX_RADIUS_DEG:
        raise UsageError(
            f"radius {given['radius'][:20]}: above 0 and at most {MAX_RADIUS_DEG * 60:g} arcminutes"
        )
    return Place(ra_deg, dec_deg, radius_deg)


def _read_ranges(given: dict[str, str], known: set[str]) -> tuple[Range, ...]:
    """`mag_r=14..17`, or the two fields of a form: `mag_r.min` and `mag_r.max`."""
    ends: dict[str, list[float | None]] = {}
    for name, value in given.items():
        column, dot, end = name.partition(".")
        if column not in known or column in {"ra", "dec"}:
            continue
        if not dot:
            low, dots, high = value.partition("..")
            if not dots:
                raise UsageError(f"{column}: {value[:50]!r} is no range: write it as 14..17, 14.. or ..17")
            ends[column] = [read_number(column, text) if text.strip() else None for text in (low, high)]
        elif end in {"min", "max"}:
            ends.setdefault(column, [None, None])[end == "max"] = read_number(column, value)
    for column, (lowest, highest) in ends.items():
        if lowest is not None and highest is not None and lowest > highest:
            raise UsageError(
                f"{column}: {lowest:g} to {highest:g} holds nothing: the first is the larger one"
            )
    return tuple(Range(column, *two) for column, two in sorted(ends.items()) if two != [None, None])


def _read_lasso(text: str) -> tuple[float, ...]:
    words = [word for word in text.split(",") if word]
    numbers = tuple(read_number("lasso", word) for word in words[: _MAX_LASSO + 1])
    if len(numbers) > _MAX_LASSO or len(numbers) % 2 or 0 < len(numbers) < 6:  # noqa: PLR2004 - a triangle
        raise UsageError("the lasso in this address is no polygon of 3 to 200 corners")
    return numbers


def _write(number: float | None) -> str:
    return "" if number is None else f"{number:.15g}"
