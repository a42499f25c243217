"""Writes Parquet with a VOTable without rows in its footer (VOParquet 1.0): units, UCDs, and how it ended."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.columns import ColumnMeta
from catalog.formats.arrow_batch import arrow_batch, arrow_schema
from catalog.formats.spool import Spool, SpoolError
from catalog.formats.votable.document import after_rows, before_rows
from catalog.formats.writer import Ending, Heading, Row

_GROUP_ROWS = 10_000


class ParquetWriter:
    """Spools the file in row groups of 10,000 rows, and sends it when it is whole."""

    def __init__(self, spool_folder: Path, max_bytes: int) -> None:
        self._spool = Spool(spool_folder, max_bytes)
        self._file: Any = None
        self._waiting: list[pa.RecordBatch] = []

    def start(self, columns: Sequence[ColumnMeta], heading: Heading) -> bytes:
        """Give no bytes yet: the file is spooled until it is whole."""
        self._columns, self._heading = tuple(columns), heading
        self._widest = {column.name: 1 for column in columns if column.is_text}
        self._file = pq.ParquetWriter(self._spool, arrow_schema(columns), compression="zstd")
        return b""

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Spool some rows, and give no bytes yet."""
        batch = arrow_batch(self._columns, rows)
        for name, widest in self._widest.items():
            self._widest[name] = max(widest, pc.max(pc.utf8_length(batch[name])).as_py() or 0)
        self._waiting.append(batch)
        n_waiting = sum(map(len, self._waiting))
        if n_waiting >= _GROUP_ROWS:
            self._write(n_waiting - n_waiting % _GROUP_ROWS)
        return b""

    def end(self, ending: Ending) -> Iterator[bytes]:
        """Give the whole file."""
        self._write(sum(map(len, self._waiting)))
        columns = [self._add_length(column) for column in self._columns]
        about = before_rows(columns, self._heading) + after_rows(columns, self._heading, ending)
        self._file.add_key_value_metadata(
            {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": about}
        )
        self._file.close()
        return self._spool.chunks()

    def close(self) -> None:
        """Remove the spooled file."""
        if self._file is not None and not self._spool.closed:
            with suppress(SpoolError):
                self._file.close()  # else pyarrow does it when the spool is gone
        self._spool.close()

    def _add_length(self, column: ColumnMeta) -> ColumnMeta:
        """Give a text column its greatest length: astropy reads no text without."""
        return replace(column, arraysize=f"{self._widest[column.name]}*") if column.is_text else column

    def _write(self, n: int) -> None:
        """The first n of the rows that wait."""
        if n:
            waiting = pa.Table.from_batches(self._waiting).combine_chunks()
            self._file.write_table(waiting.slice(0, n), row_group_size=_GROUP_ROWS)
            self._waiting = waiting.slice(n).to_batches()
