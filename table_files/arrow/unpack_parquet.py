"""Parquet from standard input as an Arrow stream on standard output, in a process of its own.

Parquet's reader is C++ that ends the process on some damaged files, and a file of a few bytes may stand for
very much memory: here neither can hurt the service. It knows nothing of that; its arguments are the most
bytes and the most rows. Its own memory is bounded by a few times the most bytes.
"""

import io
import os
import resource
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

REFUSED = 3
"""The exit status where the reason is on standard error; any other but 0 is a crash."""
VOTABLE = b"IVOA.VOTable-Parquet.content"
_BATCH_ROWS = 1_000
_OWN_BYTES = 256 * 2**20
_TIMES_UNPACKED = 3
"""A batch of rows is there as Parquet's pages, as Arrow's columns, and once more as they are written."""


def main() -> None:
    """Unpack, or say in one line why not.

    The process ends at once: Arrow's own threads, ended as the interpreter ends, abort it now and then.
    """
    max_bytes, max_rows = map(int, sys.argv[1:])
    most = _OWN_BYTES + _TIMES_UNPACKED * max_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    try:
        _unpack(sys.stdin.buffer.read(), max_bytes, max_rows)
    except MemoryError:
        sys.stderr.write(f"unpacking it takes more than {most // 1_000_000} MB of memory")
        _end(REFUSED)
    except (pa.ArrowException, OSError, ValueError) as error:
        sys.stderr.write(next(iter(str(error).splitlines()), "it is too large"))
        _end(REFUSED)
    _end(0)


def _unpack(content: bytes, max_bytes: int, max_rows: int) -> None:
    schema = pq.read_schema(io.BytesIO(content))
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    file = pq.ParquetFile(io.BytesIO(content), read_dictionary=texts)  # a text often is there once
    if file.metadata.num_rows > max_rows:
        raise ValueError(f"it has more than {max_rows:,} rows")
    about = {key: value for key, value in (file.metadata.metadata or {}).items() if key == VOTABLE}
    n_bytes = 0
    with pa.ipc.new_stream(sys.stdout.buffer, file.schema_arrow.with_metadata(about)) as stream:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
            n_bytes += sum(map(_count_bytes, batch.columns))
            if n_bytes > max_bytes:
                raise ValueError(f"unpacked it has more than {max_bytes // 1_000_000} MB")
            stream.write_batch(batch.replace_schema_metadata(about))


def _count_bytes(column: pa.Array) -> int:
    """What it takes when each text stands for itself."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary.cast(pa.large_string()))
    return pc.sum(lengths.take(column.indices.cast(pa.int64()))).as_py() or 0


def _end(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
