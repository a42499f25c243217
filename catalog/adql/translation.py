"""The result of a translation: SQL with its parameters, its columns, and the searches to run before it."""

from dataclasses import dataclass

from psycopg import sql

from catalog.columns import ColumnMeta


@dataclass(frozen=True)
class SimilaritySearch:
    """A part of the query that catalog.search answers before the query is run.

    It is `SELECT TOP n ... FROM galcat.galaxy WHERE ... ORDER BY morph_distance(object_id, ...)`, in which
    the conditions are replaced by `object_id = ANY (%(name)s)`: the n galaxies that were found.

    Attributes:
        name: The placeholder that the object_ids found are bound to.
        alias: The alias of galcat.galaxy in `condition`.
        vector: The vector to compare with: SQL of type halfvec(40) that is the same for all rows.
        n: The number of galaxies to find: TOP and OFFSET together.
        cone: Right ascension, declination and radius in degrees of a circle that must hold the galaxies; it
            is not part of `condition`. None where the query has no such circle of constants.
        condition: All other conditions that the galaxies must fulfil; None where there are none.
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
        parameters: The value of every placeholder, of those inside `searches` too; those that `searches` find
            are missing.
        columns: The columns of the answer. A bare column has what TAP_SCHEMA says of it; the datatype of an
            expression is what the translation expects, and Postgres' own type has the last word.
        searches: The similarity searches to be answered before the query is run, in this order.
        limit: Rows the query itself asks for (TOP of the outermost SELECT); None where it names none.
        max_rows: Rows to show at most; the SQL gives one more where there are more. None shows all.
    """

    query: sql.Composed
    parameters: dict[str, object]
    columns: tuple[ColumnMeta, ...]
    searches: tuple[SimilaritySearch, ...] = ()
    limit: int | None = None
    max_rows: int | None = None
