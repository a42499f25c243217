"""A list of positions matched with the catalogue: whose galaxy is where, and what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from catalog.columns import USUAL_COLUMNS
from catalog.database.read_only import select
from catalog.result import Result, ResultField
from catalog.search.positions import Positions
from table_files.table import TableColumn

_ADDED = ("object_id", "distance_arcsec", "matches")
_MATCH = sql.SQL(
    "WITH near AS (SELECT m.*, count(*) OVER of_position AS matches, "
    "row_number() OVER (of_position ORDER BY m.distance, m.object_id) AS place "
    "FROM galcat.crossmatch(%(ra)s, %(dec)s, %(radius)s, false) AS m "
    "WINDOW of_position AS (PARTITION BY m.position_number)) "
    "SELECT near.position_number, near.object_id, 3600 * near.distance, near.matches{columns} "
    "FROM near JOIN galcat.galaxy AS g USING (object_id) WHERE near.place = 1"
)


@dataclass(frozen=True, kw_only=True, repr=False)
class MatchResult(Result):
    """A list of n positions and what was found: n rows, in the list's order.

    A row has the list's own columns, then object_id, distance_arcsec and matches (the number of galaxies
    within the radius) and the columns asked for, of the nearest galaxy; NULL where there is none. A column
    that the list has already is called NAME_galcat.

    Attributes:
        unmatched: Positions without a galaxy, counted from 1.
        ambiguous: Positions with several galaxies within the radius, counted from 1.
        object_ids: The galaxies found, each once, in the list's order: what `Search.like` takes.
        notes: What of the list's file was left out, such as another table, a line each.
    """

    unmatched: list[int]
    ambiguous: list[int]
    object_ids: tuple[int, ...]
    notes: tuple[str, ...] = ()

    @property
    def result(self) -> Result:
        """The rows: an older name for the answer itself."""
        return self


def match(
    connection: psycopg.Connection,
    positions: Positions,
    radius_arcsec: float,
    columns: Sequence[str] = USUAL_COLUMNS,
) -> MatchResult:
    """Find the nearest galaxy of each position.

    Args:
        connection: Open connection to the catalogue.
        positions: The positions to look for.
        radius_arcsec: How near to its position a galaxy must be, in arcseconds.
        columns: Columns of galcat.galaxy to give of the nearest galaxy.

    Raises:
        QueryError: galcat.galaxy has no such column, or the radius is none.
    """
    columns = [name for name in dict.fromkeys(columns) if name != "object_id"]  # which is there in any case
    chosen = sql.SQL("").join(sql.SQL(", g.{}").format(sql.Identifier(name)) for name in columns)
    parameters: dict[str, object] = {
        "ra": positions.ra_deg.tolist(),
        "dec": positions.dec_deg.tolist(),
        "radius": radius_arcsec / 3600,
    }
    nearest = select(connection, _MATCH.format(columns=chosen), parameters)
    found = {row[0]: row[1:] for row in nearest.rows}
    nothing = (None, None, 0, *[None] * len(columns))
    own = [column.to_list() for column in positions.table.columns.values()]
    numbers = range(1, len(positions.ra_deg) + 1)
    rows = [
        (*values, *found.get(i, nothing)) for i, values in zip(numbers, zip(*own, strict=True), strict=True)
    ]
    taken = {name.lower() for name in positions.table.columns}
    added = [_free(name, taken) for name in (*_ADDED, *columns)]
    identity, _, matches, *others = nearest.fields[1:]
    distance = ResultField("f8", "arcsec", "Distance from the position")
    fields = (*map(_own_field, positions.table.columns.values()), identity, distance, matches, *others)
    return MatchResult(
        (*positions.table.columns, *added),
        rows,
        fields,
        unmatched=[i for i in numbers if i not in found],
        ambiguous=[i for i in numbers if i in found and int(str(found[i][2])) > 1],
        object_ids=tuple(dict.fromkeys(int(str(found[i][0])) for i in numbers if i in found)),
        notes=positions.table.notes,
    )


def _free(name: str, taken: set[str]) -> str:
    while name.lower() in taken:
        name += "_galcat"
    return name


def _own_field(column: TableColumn) -> ResultField:
    dtype = column.values.dtype
    spelled = {"b": "?", "U": None, "O": None}.get(dtype.kind, f"{dtype.kind}{dtype.itemsize}")
    return ResultField(spelled, column.unit or None, column.description)
