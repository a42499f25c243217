import io
import threading
import tracemalloc
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import from_table
from astropy.table import Table

from catalog.columns import ColumnMeta
from catalog.tap.errors import BusyError
from catalog.tap.service import make_upload_throttle
from catalog.tap.uploads import copy_text as copying
from catalog.tap.uploads.copy_text import write_copy_text
from catalog.tap.uploads.error import UploadError
from catalog.tap.uploads.read import read_upload
from table_files.limits import TableLimits
from table_files.row_table import RowTable
from tests.waiting import LAST_LIMIT_S, wait_until

LONG = 100_001


def of_table(serialisation: str) -> Callable[[int, int], bytes]:
    def make_upload(n: int, width: int) -> bytes:
        table = Table({f"a{i}": np.zeros((n, width), np.int16) for i in range(11)})
        file = io.BytesIO()
        from_table(table).to_xml(file, tabledata_format=serialisation)
        return file.getvalue()

    return make_upload


def of_fits(n: int, width: int) -> bytes:
    file = io.BytesIO()
    Table({"a0": np.zeros((n, width), np.uint8)}).write(file, format="fits")
    return file.getvalue()


def of_variable_fits(n: int, width: int) -> bytes:
    rows = np.array([np.zeros(width, np.uint8) for _ in range(n)] + [None], object)[:-1]
    file = io.BytesIO()
    fits.BinTableHDU.from_columns([fits.Column("a0", "PB()", array=rows)]).writeto(file)
    return file.getvalue()


def of_parquet(n: int, width: int) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"a0": [[0] * width] * n}, pa.schema([("a0", pa.list_(pa.int16()))])), file)
    return file.getvalue()


FORMS = {
    "tabledata": of_table("tabledata"),
    "binary2": of_table("binary2"),
    "fits": of_fits,
    "variable fits": of_variable_fits,
    "parquet": of_parquet,
}


def one_cell(kind: str, text: str) -> bytes:
    head = f'<VOTABLE><RESOURCE><TABLE><FIELD name="a" {kind}/><DATA><TABLEDATA>'
    return f"{head}<TR><TD>{text}</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>".encode()


def rows(content: bytes, limits: TableLimits | None = None) -> int:
    return sum(1 for _ in read_upload(io.BytesIO(content), None, "t", limits).rows)


@pytest.mark.parametrize("form", FORMS)
def test_an_array_of_too_many_numbers_is_refused_in_one_line(form: str) -> None:
    with pytest.raises(UploadError, match=r"^table t: .*an array of more than 100,000 numbers$"):
        rows(FORMS[form](1, LONG))


@pytest.mark.parametrize("form", FORMS)
def test_an_array_as_long_as_it_may_be_is_read(form: str) -> None:
    n = 1 if form.startswith("f") else 2
    assert rows(FORMS[form](n, 90_000)) == n


@pytest.mark.parametrize("form", ["tabledata", "binary2"])
def test_a_row_of_too_many_numbers_is_refused(form: str) -> None:
    with pytest.raises(UploadError, match=r"arrays of more than 1,000,000 numbers in one row$"):
        rows(FORMS[form](1, 95_000))


@pytest.mark.parametrize("form", FORMS)
def test_a_table_of_too_many_numbers_is_refused(form: str) -> None:
    with pytest.raises(UploadError, match=r"^table t: it has more than 2,000 values$"):
        rows(FORMS[form](30, 100), TableLimits(values=2_000))


def test_a_cell_of_millions_of_numbers_takes_little_memory_to_refuse() -> None:
    text = "1 " * 1_900_000
    content = one_cell('datatype="double" arraysize="*"', text)
    tracemalloc.start()
    try:
        with pytest.raises(UploadError, match=r"an array of more than 100,000 numbers"):
            rows(content)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("number", ["9" * 5_000, "0x" + "f" * 5_000])
def test_a_whole_number_of_thousands_of_digits_is_refused_in_a_short_line(number: str) -> None:
    content = one_cell('datatype="long"', number)
    with pytest.raises(UploadError, match=r"row 1, column a: '.{50}' is no long$"):
        rows(content)


def test_the_text_for_postgres_is_bounded() -> None:
    table = RowTable((ColumnMeta("a", "char", "*"),), iter([("x" * 1_000,)] * 20_000))
    with (
        pytest.raises(UploadError, match=r"^unpacked it has more than 2 MB$"),
        write_copy_text(table, 2_000_000),
    ):
        pass


def test_a_long_text_comes_in_chunks_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_CHUNK_BYTES", 100)
    columns = (ColumnMeta("a", "int"), ColumnMeta("b", "double", "*"), ColumnMeta("c", "char", "*"))
    made = [(i, [0.5] * 300, "é\t") for i in range(2_000)]
    with write_copy_text(RowTable(columns, iter(made))) as text:
        lines = b"".join(text.chunks).decode().splitlines()
        assert (text.n_rows, [c.datatype for c in text.columns]) == (2_000, ["int", "double", "unicodeChar"])
    assert lines == [f"{i}\t{{{','.join(['0.5'] * 300)}}}\té\\t" for i in range(2_000)]


def test_two_tables_are_read_at_once_and_a_long_line_is_refused() -> None:
    throttle, begun, end = (
        make_upload_throttle(2, max_waiting=1, seconds=LAST_LIMIT_S),
        threading.Semaphore(0),
        threading.Event(),
    )

    def hold(address: str) -> None:
        with throttle.slot_in_thread(address):
            begun.release()
            end.wait()

    threads = [threading.Thread(target=hold, args=address) for address in "abc"]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(throttle._line) == 1, "two tables that are read and one that waits")
    assert [begun.acquire(timeout=LAST_LIMIT_S), begun.acquire(timeout=LAST_LIMIT_S)] == [True, True]
    assert not begun.acquire(timeout=0.1)
    with pytest.raises(BusyError, match=r"many uploaded tables are waiting"), throttle.slot_in_thread():
        pass
    end.set()
    for thread in threads:
        thread.join()
    with throttle.slot_in_thread():
        pass


def test_no_table_waits_for_ever() -> None:
    throttle = make_upload_throttle(1, seconds=0.05)
    with (
        throttle.slot_in_thread(),
        pytest.raises(BusyError, match=r"no table could be read for 0\.05 s"),
        throttle.slot_in_thread(),
    ):
        pass
