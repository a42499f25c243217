"""A query made ready for Postgres."""

from dataclasses import dataclass

from psycopg import sql

from catalog.columns import ColumnMeta


@dataclass(frozen=True)
class SimilaritySearch:
    """A part of the query that catalog.search answers before the query is run.

    It is `SELECT TOP n ... FROM galcat.galaxy WHERE ... ORDER BY morph_distance(object_id, ...)`, in which
    the conditions are replaced by `object_id = ANY (%(name)s)`: the n galaxies that were found.

    Attributes:
        name: Of the parameter that the object_ids found are bound to.
        alias: Of galcat.galaxy in `condition`.
        vector: An expression of type halfvec(40), the same for all rows.
        n: How many galaxies: TOP and OFFSET together.
        cone: ra, dec and radius in degrees, where a circle of constants must hold the galaxy; it is not part
            of `condition`.
        condition: All other conditions; None where there are none.
    """

    name: str
    alias: str
    vector: sql.Composable
    n: int
    cone: tuple[float, float, float] | None
    condition: sql.Composable | None


@dataclass(frozen=True)
class Translation:
    """SQL that Postgres runs as it stands, under an empty search_path.

    Attributes:
        query: One SELECT with named placeholders.
        parameters: A value for every placeholder but those of `searches`; also for those inside `searches`.
        columns: Of the answer; a bare column has what TAP_SCHEMA says of it. The datatype of an expression is
            what the translation expects: Postgres' own type has the last word.
        searches: To be answered first, in this order.
        limit: Rows the query itself asks for (TOP of the outermost SELECT); None where it names none.
        max_rows: Rows to show at most; the SQL gives one more where there are more. None shows all.
    """

    query: sql.Composed
    parameters: dict[str, object]
    columns: tuple[ColumnMeta, ...]
    searches: tuple[SimilaritySearch, ...] = ()
    limit: int | None = None
    max_rows: int | None = None
