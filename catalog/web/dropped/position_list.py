"""A list of positions that somebody drops on the page: each is matched with its galaxy; nothing is kept."""

import psycopg

from catalog.constants import NEAR_ARCSEC
from catalog.search.crossmatch import MatchResult, match
from catalog.search.positions import Positions, read_positions
from catalog.tap.errors import UsageError
from catalog.web.matched_list import MAX_NAMED, MatchedList
from catalog.web.selection import MAX_IDS, Selection
from catalog.web.sent_table import MAX_BYTES, name_of_file, read_sent_table
from table_files.limits import TableLimits

MAX_RADIUS_ARCSEC = 60.0
_NAMES = ("name", "main_id", "object", "objname", "target", "id", "source_id", "objid", "object_id")
"""Usual names of the column that says what a position is called, the likeliest first."""
_LIMITS = TableLimits(bytes=MAX_BYTES, values=500_000)
_SHOWN = 60


def match_list(
    connection: psycopg.Connection, content: bytes, filename: str, radius_arcsec: float = NEAR_ARCSEC
) -> Selection:
    """The galaxies at the positions of a table, with the positions that have none.

    Args:
        connection: A connection of the writer; only read from.
        content: The file: CSV, VOTable, FITS, Parquet, ECSV or text in columns.
        filename: What its owner calls it, for errors and for the page.
        radius_arcsec: How near a galaxy must be to its position, in arcseconds.

    Raises:
        UsageError: It is no table of positions, is too large, or has a row that is nowhere on the sky.
    """
    name = name_of_file(filename)
    if not 0 < radius_arcsec <= MAX_RADIUS_ARCSEC:
        raise UsageError(
            f"a radius of {radius_arcsec:g}\u2033: above 0 and at most {MAX_RADIUS_ARCSEC:g}\u2033"
        )
    positions = read_sent_table(content, name, _LIMITS, "galcat match FILE", read_positions)
    n = len(positions.ra_deg)
    if n > MAX_IDS:
        raise UsageError(
            f"{name} has {n:,} rows: the page shows {MAX_IDS} at most; galcat match FILE, or a table "
            "uploaded to TAP, takes more"
        )
    found = match(connection, positions, radius_arcsec, ())
    missed = tuple(_describe(positions, i) for i in found.unmatched[:MAX_NAMED])
    return Selection(
        ids=_object_ids(found), matched=MatchedList(name, n - len(found.unmatched), n, radius_arcsec, missed)
    )


def _object_ids(found: MatchResult) -> tuple[int, ...]:
    """Those found; where none was, the id of no galaxy: an empty list would be all of them."""
    return found.object_ids or (0,)


def _describe(positions: Positions, number: int) -> str:
    """What a position is called, counted from 1, with where it is."""
    names = {column.lower(): column for column in positions.table.columns}
    called = next((names[usual] for usual in _NAMES if usual in names), None)
    value = "" if called is None else str(positions.table[called].to_list()[number - 1] or "").strip()
    place = f"{positions.ra_deg[number - 1]:.5f} {positions.dec_deg[number - 1]:+.5f}"
    return f"{value[:_SHOWN] + ', ' if value else ''}row {number} at {place}"
