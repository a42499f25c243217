"""Which part of the sky a catalogue covers, in a line."""

from itertools import pairwise

import psycopg

from catalog.database.read_only import run_query

_STRIPES = """
    SELECT floor(ra)::int, min(ra), max(ra), min(dec), max(dec), count(*)
    FROM galcat.galaxy GROUP BY 1 ORDER BY 1
"""
_TURN = 360
_MAX_NAMED = 3


def describe_coverage(connection: psycopg.Connection) -> str:
    """Say where the galaxies lie: ranges of right ascension that are apart by a degree or more, declinations.

    Args:
        connection: Open connection to the catalogue; only read from.

    Returns:
        A line without a full stop; of an empty catalogue, that it is.
    """
    rows = [tuple(float(str(value)) for value in row) for row in run_query(connection, _STRIPES).rows]
    if not rows:
        return "the catalogue has no galaxy"
    ranges = [(row[1], row[2]) for row in rows[:1]]
    for before, row in pairwise(rows):
        if row[0] - before[0] > 1:
            ranges.append((row[1], row[2]))
        else:
            ranges[-1] = (ranges[-1][0], row[2])
    if len(ranges) > 1 and (rows[0][0], rows[-1][0]) == (0, _TURN - 1):
        ranges = [(ranges[-1][0], ranges[0][1]), *ranges[1:-1]]
    named = ", ".join(f"{low:.2f} to {high:.2f}" for low, high in ranges[:_MAX_NAMED])
    more = f" and {len(ranges) - _MAX_NAMED} more ranges" if len(ranges) > _MAX_NAMED else ""
    low, high, n = min(row[3] for row in rows), max(row[4] for row in rows), int(sum(row[5] for row in rows))
    return f"the catalogue has {n} galaxies at RA {named}{more}, Dec {low:.2f} to {high:.2f} degrees"
