"""The Parquet file of `galcat embed`: written under another name, and renamed when it is whole."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from encoder.errors import EncoderError
from encoder.inference.embed import EmbeddedBatch
from encoder.model.encoder import Encoder
from encoder.requested_frame import RequestedFrame

ROWS_A_GROUP = 1024


def check_writable(path: Path) -> None:
    """Refuses a path that no file can be written to, before anything is computed for it.

    Raises:
        EncoderError: Its folder is not there, or it is a folder itself.
    """
    if not path.parent.is_dir():
        raise EncoderError(f"{path}: there is no folder {path.parent}")
    if path.is_dir():
        raise EncoderError(f"{path}: is a folder; name a file")


class VectorsFile:
    """A context: left without an error, the file is whole and in its place; else there is none.

    Columns: `id`; `framing_flag`, bits of `FramingFlag`; `embedding` (a list of fixed length), a `*_fraction`
    of each answer and a `*_concentration` of each question, all float32. The release is in the file's
    metadata under `galcat`. The same rows give the same bytes, however they come in batches. Memory: one row
    group.

    Args:
        path: The file; one that is there is replaced at the end.
        encoder: The encoder that made the vectors.
        asked: The frame of the pictures that somebody asked for; None for the encoder's own way.

    Raises:
        EncoderError: The folder is not there, or the file cannot be written.
    """

    def __init__(self, path: Path, encoder: Encoder, asked: RequestedFrame | None = None) -> None:
        check_writable(path)
        self.n_rows = 0
        self._path = path
        self._half = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._tree = encoder.tree
        self._schema = _schema(encoder, asked)
        self._waiting: list[pa.RecordBatch] = []

    def __enter__(self) -> Self:
        try:
            # Vectors of full precision hardly shrink; dictionaries of them would only grow.
            self._writer = pq.ParquetWriter(
                self._half, self._schema, compression="zstd", use_dictionary=False, write_statistics=["id"]
            )
        except OSError as error:
            raise self._error(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._waiting:
                self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema), ROWS_A_GROUP)
            self._writer.close()
            if kind is None:
                self._half.replace(self._path)
        except OSError as fault:
            raise self._error(fault) from fault
        finally:
            self._half.unlink(missing_ok=True)

    def write(self, ids: Sequence[str], batch: EmbeddedBatch) -> None:
        """Add galaxies.

        Raises:
            EncoderError: The file cannot be written.
        """
        fractions = self._tree.fractions(batch.concentrations_alpha)
        concentrations = self._tree.concentrations(batch.concentrations_alpha)
        columns = [
            pa.array(ids, pa.string()),
            pa.array(batch.flags),
            _lists(batch.embedding),
            *_floats(fractions),
            *_floats(concentrations),
        ]
        self._waiting.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self.n_rows += len(ids)
        if sum(map(len, self._waiting)) >= ROWS_A_GROUP:
            rows = pa.Table.from_batches(self._waiting, self._schema)
            whole = len(rows) // ROWS_A_GROUP * ROWS_A_GROUP
            self._put(rows.slice(0, whole))
            self._waiting = rows.slice(whole).combine_chunks().to_batches()

    def _put(self, rows: pa.Table) -> None:
        try:
            self._writer.write_table(rows, ROWS_A_GROUP)
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> EncoderError:
        return EncoderError(f"{self._path} cannot be written: {error.strerror or error}")


def _schema(encoder: Encoder, asked: RequestedFrame | None) -> pa.Schema:
    about = {
        "release": encoder.name,
        "sha256": encoder.sha256,
        "backbone": encoder.backbone,
        "tree": encoder.tree.name,
        "view_set": encoder.view_set,
        "recipe": encoder.recipe.to_dict(),
        "precision": encoder.precision,
    }
    if asked is not None:
        about["frame"] = asdict(asked)
    numbers = [f"{answer}_fraction" for answer in encoder.tree.columns]
    numbers += [f"{question}_concentration" for question in encoder.tree.question_columns]
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("framing_flag", pa.int16(), nullable=False),
            pa.field("embedding", pa.list_(pa.float32(), encoder.dimension), nullable=False),
            *(pa.field(name, pa.float32(), nullable=False) for name in numbers),
        ],
        metadata={"galcat": json.dumps(about, sort_keys=True)},
    )


def _lists(vectors: NDArray[np.float32]) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])


def _floats(numbers: NDArray[np.float32]) -> list[pa.Array]:
    return [pa.array(np.ascontiguousarray(column)) for column in numbers.T]
