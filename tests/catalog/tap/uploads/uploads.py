"""A made-up table to upload, and what comes of it in Postgres."""

import io

import numpy as np
import psycopg
from astropy.table import MaskedColumn, Table
from psycopg import sql

from catalog.adql.published import PublishedTable
from catalog.formats.writer import Row
from catalog.tap.uploads.copy_text import write_copy_text
from catalog.tap.uploads.postgres_tables import store_text
from catalog.tap.uploads.read import read_upload
from table_files.row_table import RowTable

N = 50


def sample() -> Table:
    """Seeded numbers of every type, with NULLs, extremes and arrays."""
    rng = np.random.default_rng(0)
    hidden = rng.random(N) < 0.2
    ids = rng.integers(-(2**63), 2**63 - 1, N)
    ids[:2] = 2**63 - 1, 2**53 + 1
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, N)))
    return Table(
        {
            "object_id": ids,
            "tile": MaskedColumn(rng.integers(-(2**31), 2**31, N).astype(np.int32), mask=hidden),
            "votes": MaskedColumn(rng.integers(-(2**15), 2**15, N).astype(np.int16), mask=~hidden),
            "RA": MaskedColumn(rng.uniform(0, 360, N), unit="deg", description="Where <it> is."),
            "dec": MaskedColumn(dec, mask=hidden, unit="deg"),
            "mag": MaskedColumn(rng.normal(20, 3, N).astype(np.float32), mask=hidden, unit="mag"),
            "is_merger": rng.random(N) < 0.5,
            "survey": MaskedColumn([f"survey {i % 3}" for i in range(N)], mask=hidden),
            "vector": rng.normal(size=(N, 40)).astype(np.float32),
            "pair": rng.integers(0, 2**40, (N, 2)),
        }
    )


def plain_rows(table: Table) -> list[Row]:
    """Its rows in plain values."""
    columns = []
    for name in table.colnames:
        column = np.ma.asarray(table[name])
        gone = np.ma.getmaskarray(column).reshape(len(column), -1).all(axis=1)
        values = [str(one) if column.dtype.kind in "US" else one.tolist() for one in column.data]
        columns.append([None if is_gone else value for is_gone, value in zip(gone, values, strict=True)])
    return list(zip(*columns, strict=True))


def store_upload(writer: psycopg.Connection, name: str, table: RowTable, job: str | None) -> PublishedTable:
    """The table in Postgres that comes of a table that was read."""
    with write_copy_text(table) as text:
        return store_text(writer, name, text, job)


def stored(writer: psycopg.Connection, content: bytes, content_type: str | None = None) -> PublishedTable:
    """The table in Postgres that comes of a file."""
    return store_upload(writer, "t", read_upload(io.BytesIO(content), content_type, "t"), None)


def rows_for_strangers(connection: psycopg.Connection, table: PublishedTable) -> list[Row]:
    """What a stranger's query finds in it, in the order in which it came."""
    names = sql.SQL(", ").join(sql.Identifier(column.stored_as) for column in table.columns)
    query = sql.SQL("SELECT {} FROM {} ORDER BY ctid").format(names, sql.Identifier(*table.relation))
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL ROLE galcat_public")
        return connection.execute(query, binary=True).fetchall()
