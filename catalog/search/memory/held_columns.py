"""Which columns of galcat.galaxy are held in memory, and how they are asked for."""

from psycopg import sql

from catalog.constants import BANDS
from catalog.questions import FRACTIONS

WHOLE = ("object_id", "healpix29")
"""Whole numbers of 64 bits, never NULL."""
DOUBLE = ("ra", "dec")
"""Never NULL."""
SINGLE = (
    "petro_th50",
    "petro_th90",
    "shape_r",
    *(f"mag_{band}" for band in BANDS),
    *FRACTIONS,
    "anomaly_score",
    "framing_flag",
    "domain_distance",
)
"""Numbers of 24 bits; NaN stands for NULL, and infinity for NaN, which Postgres sorts last too."""
HELD = frozenset((*WHOLE, *DOUBLE, *SINGLE))


def held_columns_query(object_ids: list[int] | None = None) -> sql.Composed:
    """SQL that gives the held columns of galaxies in their order, and the search vector last.

    Args:
        object_ids: Which galaxies; None for all.
    """
    condition: sql.Composable = sql.SQL("true")
    if object_ids is not None:
        condition = sql.SQL("g.object_id = ANY ({}::bigint[])").format(sql.Literal(object_ids))
    single = [
        sql.SQL(
            "CASE WHEN g.{0} IS NULL THEN real 'NaN' WHEN g.{0} = real 'NaN' THEN 'Infinity' "
            "ELSE g.{0}::real END"
        ).format(sql.Identifier(name))
        for name in SINGLE
    ]
    columns = [*(sql.SQL("g.{}").format(sql.Identifier(name)) for name in (*WHOLE, *DOUBLE)), *single]
    return sql.SQL("SELECT {}, g.search FROM galcat.galaxy AS g WHERE {}").format(
        sql.SQL(", ").join(columns), condition
    )
