"""Flags of many pictures are counted one by one and said in words."""

import numpy as np

from encoder.cutouts.framing_flags import FramingFlag, add_flags, count_flags, describe_flags


def test_a_picture_with_two_flags_counts_for_both() -> None:
    flags = np.array([0, 8, 9, 1, 0, 4, 8], np.int16)
    assert count_flags(flags) == {FramingFlag.CUT: 3, FramingFlag.NO_OBJECT: 2, FramingFlag.POINT: 1}


def test_counts_of_tiles_add_up_and_are_said_in_one_line() -> None:
    tiles = [{FramingFlag.CUT: 11}, {}, {FramingFlag.CUT: 1, FramingFlag.NO_OBJECT: 3}]
    assert describe_flags(add_flags(tiles)) == "12 pictures cut the galaxy, 3 show no object"
    assert describe_flags({FramingFlag.POINT: 1}) == "1 picture shows a star or another point"
    assert describe_flags({}) == ""
