"""Seeded damage to files: bytes, blocks, header cards, whole HDUs, and files that are something else."""

import shutil
from pathlib import Path

import numpy as np

BLOCK = 2880
CARD = 80
VALUES = (
    *(b"NaN", b"inf", b"-1", b"0", b"1E308", b"-1E308", b"1E-320", b"99999999999", b"-2147483649", b"T"),
    *(b"''", b"'RA---XYZ'", b"'DEC--TAN'", b"'FK4     '", b"'GAPPT   '", b"3", b"8", b"-64", b"90.0001"),
    *(
        b"1 / \xff\xfe\x80",
        b"'\xe9\xe8'",
        b"\0\0\0\0",
        b"+",
        b"1.5",
        b"(1,2)",
        b"'unfinished",
        b"1e5",
        b"200",
    ),
)
"""What a header card is made to say."""


def damage(path: Path, others: list[Path], seed: int) -> str:
    """Damage a file in one of many ways; returns which, and says the same for the same seed.

    Args:
        path: The file.
        others: Whole files that may take its place.
        seed: Which damage.
    """
    random = np.random.default_rng(seed)
    ways = (
        *[_edit_card] * 8,
        *[_flip_bytes] * 4,
        *[_flip_header_bytes] * 4,
        *(_cut, _append, _zero_block, _swap_blocks, _double_block, _drop_block, _swap_cards, _drop_card),
    )
    which = int(random.integers(len(ways) + 4))
    if which < len(ways):
        data = ways[which](bytearray(path.read_bytes()), random)
        path.write_bytes(data)
        return ways[which].__name__
    what = ("removed", "empty", "a folder", "another file")[which - len(ways)]
    path.unlink()
    if what == "empty":
        path.write_bytes(b"")
    elif what == "a folder":
        path.mkdir()
    elif what == "another file":
        shutil.copyfile(others[int(random.integers(len(others)))], path)
    return what


def _block(data: bytearray, random: np.random.Generator) -> slice:
    start = BLOCK * int(random.integers(max(1, len(data) // BLOCK)))
    return slice(start, start + BLOCK)


def _cards(data: bytearray) -> list[int]:
    """Where cards of headers begin: at every 80 bytes whose text is a card's."""
    return [
        at
        for at in range(0, len(data) - CARD + 1, CARD)
        if data[at + 8 : at + 10] == b"= " or data[at : at + 8] in (b"END     ", b"HISTORY ", b"COMMENT ")
    ]


def _card(data: bytearray, random: np.random.Generator) -> int:
    cards = _cards(data)
    return cards[int(random.integers(len(cards)))] if cards else 0


def _edit_card(data: bytearray, random: np.random.Generator) -> bytes:
    at = _card(data, random)
    value = VALUES[int(random.integers(len(VALUES)))]
    data[at + 10 : at + CARD] = value.rjust(20).ljust(CARD - 10)
    return bytes(data)


def _flip_bytes(data: bytearray, random: np.random.Generator) -> bytes:
    for at in random.integers(0, max(1, len(data)), int(random.integers(1, 20))):
        if len(data):
            data[at] ^= 1 << int(random.integers(8))
    return bytes(data)


def _flip_header_bytes(data: bytearray, random: np.random.Generator) -> bytes:
    for _ in range(int(random.integers(1, 5))):
        at = _card(data, random) + int(random.integers(CARD))
        if at < len(data):
            data[at] = int(random.integers(256))
    return bytes(data)


def _cut(data: bytearray, random: np.random.Generator) -> bytes:
    return bytes(data[: int(random.integers(len(data) + 1))])


def _append(data: bytearray, random: np.random.Generator) -> bytes:
    return bytes(data) + random.bytes(int(random.integers(1, 6000)))


def _zero_block(data: bytearray, random: np.random.Generator) -> bytes:
    where = _block(data, random)
    data[where] = bytes(len(data[where]))
    return bytes(data)


def _swap_blocks(data: bytearray, random: np.random.Generator) -> bytes:
    one, other = _block(data, random), _block(data, random)
    data[one], data[other] = data[other], data[one]
    return bytes(data)


def _double_block(data: bytearray, random: np.random.Generator) -> bytes:
    where = _block(data, random)
    return bytes(data[: where.stop] + data[where] + data[where.stop :])


def _drop_block(data: bytearray, random: np.random.Generator) -> bytes:
    del data[_block(data, random)]
    return bytes(data)


def _swap_cards(data: bytearray, random: np.random.Generator) -> bytes:
    one, other = _card(data, random), _card(data, random)
    data[one : one + CARD], data[other : other + CARD] = data[other : other + CARD], data[one : one + CARD]
    return bytes(data)


def _drop_card(data: bytearray, random: np.random.Generator) -> bytes:
    at = _card(data, random)
    data[at : at + CARD] = b" " * CARD
    return bytes(data)
