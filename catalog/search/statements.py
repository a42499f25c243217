"""The statements of a search by likeness: what Postgres is asked on each of the ways that one may go."""

from typing import LiteralString

from psycopg import sql

from catalog.constants import SEARCH_TYPE
from catalog.search.request import Search, SqlCondition

FIND_VECTOR: LiteralString = (
    "SELECT CASE WHEN %(vector)s::text IS NULL THEN galcat.vector_of_many(%(like)s, %(unlike)s)::text "
    "ELSE %(vector)s::text::public.halfvec(40)::text END, "
    "galcat.cone_box(%(ra)s, %(dec)s, %(radius)s, 0)"  # refuses what is no cone
)
"""The vector to be like, as text, of a vector or of object_ids; refuses a cone that is nowhere on the sky."""
EXPECTED_NUMBERS: LiteralString = (
    "SELECT (SELECT sum(c.galaxies)::bigint FROM galcat.sky_count AS c WHERE c.cell_order = 2), "
    "galcat.galaxies_expected(%(ra)s, %(dec)s, %(radius)s)"
)
"""The galaxies of the catalogue and, roughly, those in the cone."""
SAMPLED: LiteralString = (
    "SELECT count(*), count(*) FILTER (WHERE {conditions}) FROM {relation} WHERE object_id < %(sample_end)s"
)
"""How many galaxies a sample has, and how many of them fulfil the conditions."""
AMONG_THESE: LiteralString = (
    "WITH found AS MATERIALIZED ("
    "  SELECT object_id, {distance} AS distance{columns} FROM {relation} "
    "  WHERE object_id = ANY (%(candidates)s::bigint[]) AND {conditions}"
    ") SELECT * FROM found ORDER BY distance, object_id LIMIT %(n)s"
)
"""The nearest among the candidates that memory has named."""
BY_INDEX: LiteralString = (
    "WITH found AS MATERIALIZED ("
    "  SELECT object_id, {distance} AS distance{columns} FROM {relation} WHERE {conditions} "
    "  ORDER BY {distance} LIMIT %(n)s"
    ") SELECT * FROM found ORDER BY distance, object_id"
)
"""The nearest by a walk of the vector index, which may miss some."""
# The first column counts the gathered, so that too many of them and none at all are told apart.
GATHERED: LiteralString = (
    "WITH gathered AS MATERIALIZED ("
    "  SELECT object_id, {distance} AS distance FROM {relation} WHERE {conditions} LIMIT %(max_gathered)s + 1"
    "), nearest AS (SELECT object_id, distance FROM gathered ORDER BY distance, object_id LIMIT %(n)s) "
    "SELECT (SELECT count(*) FROM gathered), nearest.object_id, nearest.distance{columns} "
    "FROM (VALUES (0)) AS one LEFT JOIN (nearest JOIN galcat.galaxy USING (object_id)) ON true "
    "ORDER BY nearest.distance, nearest.object_id"
)
"""The number of galaxies that fulfil the conditions, up to a limit, and the nearest of them beside it."""
# The added zero keeps the vector index out.
SORTED: LiteralString = (
    "SELECT nearest.object_id, nearest.distance{columns} FROM ("
    "  SELECT object_id, {distance} + 0.0 AS distance FROM {relation} WHERE {conditions} "
    "  ORDER BY 2, 1 LIMIT %(n)s) AS nearest JOIN galcat.galaxy USING (object_id) "
    "ORDER BY nearest.distance, nearest.object_id"
)
"""The nearest of all galaxies that fulfil the conditions."""
# As a sub-select it is asked once, and the vectors are read in one sweep; alone it makes Postgres take the
# index of object_ids, or asks for every row.
_CURRENT: LiteralString = "release_id = (SELECT galcat.current_release())"
_DISTANCE = sql.SQL(f"(search OPERATOR(public.<->) %(wanted)s::{SEARCH_TYPE})")


def write_statement(
    wanted: Search, form: LiteralString, *, only_where: bool = False, by_sky: bool = False
) -> sql.Composed:
    """Write the statement of a search.

    Args:
        wanted: What is looked for.
        form: The statement with places for its parts, such as `BY_INDEX`.
        only_where: Leave out the cone and the galaxies that are asked by, and keep the condition alone.
        by_sky: Find the galaxies of the cone by the index of the sky, not by each one's distance.
    """
    conditions: list[sql.Composable] = []
    relation: sql.Composable = sql.SQL("galcat.galaxy")
    if isinstance(wanted.where, SqlCondition):
        conditions.append(sql.SQL("({})").format(wanted.where.text))
        relation = sql.SQL("galcat.galaxy AS {}").format(sql.Identifier(wanted.where.alias))
    elif wanted.where:
        text: LiteralString = wanted.where.replace("%", "%%")  # a reader's own SQL, and read-only
        conditions.append(sql.SQL("({}\n)").format(sql.SQL(text)))
    if not only_where:
        if wanted.cone is not None:
            conditions.append(
                sql.SQL(
                    "galcat.cone(ra, dec, %(ra)s, %(dec)s, %(radius)s)"
                    if by_sky
                    else "galcat.sky_distance(ra, dec, %(ra)s, %(dec)s) <= %(radius)s"
                )
            )
        if not conditions and form is SORTED:  # nothing but vectors needs to be read
            relation = sql.SQL("galcat.embedding")
            conditions.append(sql.SQL(_CURRENT))
        conditions.append(sql.SQL("object_id <> ALL (%(known)s)"))
    shown = [name for name in wanted.columns if name != "object_id"]  # the first in any case
    columns = [sql.SQL(", galaxy.{}").format(sql.Identifier(name)) for name in shown]
    return sql.SQL(form).format(
        distance=_DISTANCE,
        columns=sql.SQL("").join(columns),
        conditions=sql.SQL(" AND ").join(conditions),
        relation=relation,
    )
