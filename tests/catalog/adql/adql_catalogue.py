"""A small catalogue that strangers may ask in ADQL, and what they ask it by."""

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from catalog.adql.published import Published, PublishedColumn, PublishedTable
from catalog.adql.translate import translate
from catalog.adql.translation import Translation
from catalog.columns import ColumnMeta
from catalog.tap.database.load_published import load_published
from catalog.tap.queries.similar import resolve_searches
from tests.catalog.galaxies import fill

N = 2_000
UPLOADED = ((1, 10.5, 2.5, "one", 1.25), (2, 350.0, -10.0, "Two words", None), (3, 10.0, 2.0, None, -3.5))


class AdqlCatalogue:
    """A catalogue as strangers see it: read-only, with an empty search_path.

    Attributes:
        connection: Connection as the role galcat_public, in autocommit.
        published: Its TAP_SCHEMA and uploaded tables: `mine` (3 rows), `probe` (1 row with a vector), `void`
            (1 row without) and `probes` (3 rows with vectors).
    """

    def __init__(self, connection: psycopg.Connection, published: Published) -> None:
        self.connection = connection
        self.published = published

    def translated(self, query: str, most: int | None = None) -> Translation:
        return translate(query, self.published, most)

    def rows(self, query: str, most: int | None = None) -> list[tuple[object, ...]]:
        """The answer's rows."""
        translation = self.translated(query, most)
        with self.connection.transaction():
            parameters = resolve_searches(self.connection, translation)
            return self.connection.execute(translation.query, parameters).fetchall()

    def column(self, query: str) -> NDArray[np.float64]:
        """The answer's only column, as numbers; NULL as NaN."""
        return np.array([row[0] for row in self.rows(query)], np.float64)

    def names(self, query: str) -> list[str]:
        """What the answer's columns are called."""
        return [column.name for column in self.translated(query).columns]

    def plan(self, query: str) -> str:
        translation = self.translated(query)
        with self.connection.transaction():
            parameters = resolve_searches(self.connection, translation)
            self.connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            rows = self.connection.execute(sql.SQL("EXPLAIN ") + translation.query, parameters).fetchall()
        return "\n".join(str(row[0]) for row in rows)


def make_catalogue(connection: psycopg.Connection) -> AdqlCatalogue:
    """Fill a fresh database, and become a stranger in it."""
    fill(connection, N)
    return become_stranger(connection)


def become_stranger(connection: psycopg.Connection) -> AdqlCatalogue:
    """Add the uploads, and go on with a stranger's rights."""
    add_uploads(connection)
    connection.execute("ANALYZE")
    connection.execute("SET ROLE galcat_public")
    connection.execute("SET search_path = ''")
    connection.execute("SET default_transaction_read_only = on")
    return AdqlCatalogue(connection, load_published(connection).with_uploads(uploads()))


def add_uploads(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE tap_upload.u1 (id bigint, ra float8, dec float8, name text, x float8)")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO tap_upload.u1 VALUES (%s, %s, %s, %s, %s)", UPLOADED)
    connection.execute("CREATE TABLE tap_upload.u2 (id bigint, vector real[], r float8)")
    connection.execute("CREATE TABLE tap_upload.u3 (id bigint, vector real[], wide real[])")
    vector = "(SELECT search::real[] FROM galcat.galaxy ORDER BY object_id OFFSET %s LIMIT 1)"
    connection.execute(f"INSERT INTO tap_upload.u2 VALUES (1, {vector}, 17.5)", [7])
    for i in range(3):
        connection.execute(
            f"INSERT INTO tap_upload.u3 VALUES ({i}, {vector}, array_fill(0.5::real, ARRAY[64]))", [i]
        )
    connection.execute("CREATE TABLE tap_upload.u4 AS SELECT 1::bigint AS id, NULL::real[] AS vector")
    connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA tap_upload TO galcat_public")


def uploads() -> tuple[PublishedTable, ...]:
    number, text = ("double", ""), ("char", "*")
    mine = {"id": ("long", ""), "ra": number, "dec": number, "name": text, "x": number}
    return (
        _upload("mine", "u1", mine, 3),
        _upload("probe", "u2", {"id": ("long", ""), "vector": ("float", "*"), "r": number}, 1),
        _upload("void", "u4", {"id": ("long", ""), "vector": ("float", "*")}, 1),
        _upload("probes", "u3", {"id": ("long", ""), "vector": ("float", "*"), "wide": ("float", "*")}, 3),
    )


def _upload(name: str, stored: str, columns: dict[str, tuple[str, str]], rows: int) -> PublishedTable:
    made = tuple(PublishedColumn(ColumnMeta(key, *kind), key) for key, kind in columns.items())
    return PublishedTable("TAP_UPLOAD", name, ("tap_upload", stored), made, rows=rows)
