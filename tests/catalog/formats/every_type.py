"""A table with every datatype and every value that formats stumble over."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from catalog.columns import ColumnMeta
from catalog.formats.choose import choose
from catalog.formats.writer import Ending, Heading, Row

COLUMNS = (
    ColumnMeta("object_id", "long", ucd="meta.id;meta.main", description="Names <it> & no other."),
    ColumnMeta("is_merger", "boolean"),
    ColumnMeta("votes", "short"),
    ColumnMeta("tile", "int"),
    ColumnMeta("mag_r", "float", unit="mag", ucd="phot.mag;em.opt.R"),
    ColumnMeta("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
    ColumnMeta("note", "unicodeChar", "*"),
    ColumnMeta("survey", "char", "*"),
    ColumnMeta("made_at", "char", "*", "timestamp"),
    ColumnMeta("vector", "float", "3"),
    ColumnMeta("s_region", "double", "*", "polygon"),
    ColumnMeta("pair", "int", "2"),
    ColumnMeta("ids", "long", "*"),
    ColumnMeta("flags", "boolean", "*"),
)
NOTES = ("é 🌌", '<a href="x">&amp;\'', 'say "hi", twice', "two\nlines\tand\r\\", "]]>", "", " pad", "NULL")
NAN = float("nan")
INF = float("inf")


def every_type(n: int, seed: int = 0) -> list[Row]:
    """n rows: the extremes, a row of NULLs alone, then any of all that."""
    return [*_SPECIAL, *_random(max(0, n - len(_SPECIAL)), seed)][:n]


def write_rows(
    name: str,
    rows: Sequence[Row],
    folder: Path,
    *,
    columns: Sequence[ColumnMeta] = COLUMNS,
    ending: Ending | None = None,
    heading: Heading | None = None,
    sizes: Sequence[int] = (1000,),
) -> bytes:
    """A file in the format `name`, its rows given in chunks of these sizes, over and over."""
    with closing(choose(name).writer(folder)) as writer:
        parts = [writer.start(columns, heading or Heading())]
        at = turn = 0
        while at < len(rows):
            size = sizes[turn % len(sizes)]
            parts.append(writer.rows(rows[at : at + size]))
            at, turn = at + size, turn + 1
        return b"".join([*parts, *writer.end(ending or Ending())])


def f4(value: float) -> float:
    """As a float of 32 bits has it."""
    return float(np.float32(value))


_MADE_AT = datetime(2026, 2, 3, 4, 5, 6)  # noqa: DTZ001 - naive, as the contract says
_SPECIAL: list[Row] = [
    (
        2**63 - 1, True, 2**15 - 1, 2**31 - 1, f4(0.1), 1 / 3, NOTES[0], "one", _MADE_AT,
        [1.0, f4(1e-30), -INF], [10.5, 1.0, 11.5, 1.0, 11.0, 2.0], [-(2**31), 2**31 - 1], [2**63 - 1],
        [True, False],
    ),
    (None,) * len(COLUMNS),
    (
        -(2**63), False, -(2**15), -(2**31), NAN, NAN, NOTES[5], "two", _MADE_AT + timedelta(microseconds=7),
        [NAN, 0.0, -0.0], [], [0, 1], [], [],
    ),
    (
        2**53 + 1, None, 0, None, -INF, INF, NOTES[3], None, None,
        None, [NAN, INF], None, [-(2**63), 2**62 + 1, 0], [False],
    ),
    (
        -1, True, None, 0, f4(3.4e38), 5e-324, NOTES[1], "", _MADE_AT,
        [0.5, 1.5, 2.5], [1e308], [7, 8], [1], [True],
    ),
]  # fmt: skip


def _random(n: int, seed: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        row: list[object] = [
            int(rng.integers(-(2**63), 2**63 - 1)),
            bool(rng.integers(2)),
            int(rng.integers(-(2**15), 2**15)),
            int(rng.integers(-(2**31), 2**31)),
            f4(rng.normal() * 10.0 ** rng.integers(-20, 20)),
            float(rng.normal() * 10.0 ** rng.integers(-200, 200)),
            NOTES[i % len(NOTES)] * int(rng.integers(1, 4)),
            "spiral"[: rng.integers(7)],
            _MADE_AT + timedelta(seconds=int(rng.integers(10**8)), microseconds=int(rng.integers(10**6))),
            [f4(x) for x in rng.normal(size=3)],
            rng.normal(size=rng.integers(5)).tolist(),
            rng.integers(-(2**31), 2**31, 2).tolist(),
            rng.integers(-(2**63), 2**63 - 1, rng.integers(4)).tolist(),
            [bool(x) for x in rng.integers(0, 2, rng.integers(3))],
        ]
        rows.append(tuple(None if rng.random() < 0.2 else value for value in row))
    return rows
