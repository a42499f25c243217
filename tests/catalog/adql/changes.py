"""Valid queries with small changes, most of which make them wrong."""

import random
import re

from catalog.adql.functions.registry import FUNCTIONS
from catalog.adql.grammar.keywords import KEYWORDS, RESERVED
from tests.catalog.adql.seeds import SEEDS

NAMES = (
    "ra",
    "dec",
    "mag_r",
    "object_id",
    "survey",
    "name",
    "id",
    "x",
    "g.ra",
    "g.mag_r",
    "t.id",
    "t.name",
    "t.vector",
    "s.a",
)
NUMBERS = ("1", "0", "2.5", "1e3", ".5", "0x1F", "9223372036854775807", "-1", "17", "150")
TEXTS = ("'ICRS'", "'it''s'", "'deg'", "'2020-01-01'", "'true'", "'CIRCLE ICRS 10 2 1'", "''")
SIGNS = ("=", "<>", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "||")
FOREIGN = (
    "%",
    "::",
    "$$",
    "$1",
    "\\",
    "[",
    "]",
    "{",
    "}",
    "@",
    "#",
    "?",
    ":=",
    "->",
    "~",
    "/*",
    "*/",
    "\x00",
    '"',
    "'",
    "é",
    ";",
)
WORDS = (
    *NAMES,
    *NUMBERS,
    *TEXTS,
    *SIGNS,
    *FOREIGN,
    "(",
    ")",
    ",",
    ".",
    *KEYWORDS,
    *FUNCTIONS,
    *sorted(RESERVED),
    "pg_sleep(1)",
)
_PARTS = re.compile(r"'[^']*'|\"[^\"]*\"|[\w.]+|\s+|.", re.DOTALL)


def change_query(rng: random.Random, changes: int) -> str:
    """A valid query with parts taken away, put in, swapped, or taken from another."""
    parts = _PARTS.findall(rng.choice(SEEDS))
    for _ in range(changes):
        i, j = rng.randrange(len(parts)), rng.randrange(len(parts))
        other = _PARTS.findall(rng.choice(SEEDS))
        k = rng.randrange(len(other))
        match rng.randrange(12):
            case 0 if len(parts) > 1:
                del parts[i]
            case 1:
                parts[i], parts[j] = parts[j], parts[i]
            case 2:
                parts[i] = f" {rng.choice(WORDS)} "
            case 3:
                parts.insert(i, f" {rng.choice(WORDS)} ")
            case 4:
                parts[min(i, j) : max(i, j)] = other[k : k + rng.randrange(1, 12)]
            case _:
                parts[i] = _of_the_same_kind(rng, parts[i])
    return "".join(parts)


def _of_the_same_kind(rng: random.Random, part: str) -> str:
    for kind in (NAMES, NUMBERS, TEXTS, SIGNS, tuple(FUNCTIONS)):
        if part in kind:
            return rng.choice(kind)
    return part if part.isspace() or part in "()," else rng.choice((part, *NAMES, *NUMBERS))
