"""What is doubtful about a frame that was found: bits of one number, counted and put into words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line counts flags and needs no numpy for it
    import numpy as np
    from numpy.typing import NDArray


class FramingFlag(IntFlag):
    """What is doubtful about a found frame; 0 where nothing is, and where no frame was sought.

    Attributes:
        NO_OBJECT: Nothing stands out of the sky near the middle of the picture.
        SEVERAL: There are several objects that could be meant.
        POINT: The object is as small as a star.
        CUT: The picture ends within the galaxy.
        SMALL: The picture has fewer pixels across than it takes to judge a galaxy.
        OFF_CENTRE: The galaxy lies so far from the middle that its frame is not about it, or something else
            in the picture is much brighter than what lies in its middle.
    """

    NO_OBJECT = 1
    SEVERAL = 2
    POINT = 4
    CUT = 8
    SMALL = 16
    OFF_CENTRE = 32


FlagCounts = Mapping[FramingFlag, int]
"""How many pictures have each flag; a picture may have several."""

_WORDS = {
    FramingFlag.CUT: ("cuts the galaxy", "cut the galaxy"),
    FramingFlag.NO_OBJECT: ("shows no object", "show no object"),
    FramingFlag.SEVERAL: ("shows several objects alike", "show several objects alike"),
    FramingFlag.POINT: ("shows a star or another point", "show a star or another point"),
    FramingFlag.SMALL: ("has too few pixels", "have too few pixels"),
    FramingFlag.OFF_CENTRE: ("shows the galaxy far from its middle", "show the galaxy far from their middle"),
}


def count_flags(flags: "NDArray[np.int16]") -> Counter[FramingFlag]:
    """Count the pictures that have each flag.

    Args:
        flags: Bits of `FramingFlag` of each picture, (n,).
    """
    return Counter({flag: n for flag in FramingFlag if (n := int((flags & flag.value != 0).sum()))})


def add_flags(counts: Iterable[FlagCounts]) -> Counter[FramingFlag]:
    """The counts of several lots of pictures together."""
    total: Counter[FramingFlag] = Counter()
    for one in counts:
        total.update(one)
    return total


def describe_flags(counts: FlagCounts) -> str:
    """Put counts into words, such as `12 pictures cut the galaxy, 3 show no object`; empty where none is."""
    parts: list[str] = []
    for flag, (one, many) in _WORDS.items():
        if n := counts.get(flag, 0):
            noun = ("" if parts else " picture" if n == 1 else " pictures") + " "
            parts.append(f"{n:,}{noun}{one if n == 1 else many}")
    return ", ".join(parts)
