"""Parquet is unpacked by a process of its own, whose end takes nothing from what it has read."""

import io
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from table_files.arrow import unpack_parquet
from table_files.arrow.convert import convert_batches
from table_files.errors import TableError
from table_files.limits import TableLimits

ABORTED_AT_ITS_END = (
    "import atexit, os, runpy, sys; atexit.register(os.abort); sys.argv = sys.argv[1:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


@pytest.mark.parametrize(("max_rows", "status"), [(3, 0), (2, unpack_parquet.REFUSED)])
def test_a_fault_of_the_interpreters_end_takes_neither_rows_nor_reason(max_rows: int, status: int) -> None:
    table = pa.table({"a": ["first", None, "third"]})
    file = io.BytesIO()
    pq.write_table(table, file)
    command = [sys.executable, "-c", ABORTED_AT_ITS_END, unpack_parquet.__file__, "1000000", str(max_rows)]
    done = subprocess.run(command, input=file.getvalue(), capture_output=True, check=False)
    assert done.returncode == status
    if status:
        assert done.stderr.decode() == "it has more than 2 rows"
    else:
        assert pa.ipc.open_stream(done.stdout).read_all().to_pydict() == table.to_pydict()


def test_values_are_counted_over_all_batches_and_those_in_arrays_too() -> None:
    table = pa.table({"a": [1, 2, 3], "v": [[1.5, 2.5], [], [3.5]]})
    batches = table.to_batches(max_chunksize=2)
    rows = list(convert_batches(batches, TableLimits(values=6)))
    assert [row[0] for row in rows] == [1, 2, 3]
    with pytest.raises(TableError, match=r"^it has more than 5 values$"):
        list(convert_batches(batches, TableLimits(values=5)))
