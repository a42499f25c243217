"""Names of formats, and what all formats have in common."""

import base64
import gc
import io
import re
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from catalog.columns import ColumnMeta
from catalog.errors import CatalogError
from catalog.formats.choose import FORMATS, Format, choose
from catalog.formats.writer import Ending, Heading
from tests.catalog.formats.every_type import every_type, write_rows

NAMES = [one.name for one in FORMATS]
XML = "application/x-votable+xml"


@pytest.mark.parametrize(
    ("asked", "name", "content_type"),
    [
        (None, "votable", XML),
        ("", "votable", XML),
        ("votable", "votable", XML),
        ("VOTable/b2", "votable", XML),
        (f"{XML}; serialization=binary2", "votable", XML),
        ("text/xml", "votable", "text/xml"),
        ("votable/td", "votable/td", f"{XML};serialization=TABLEDATA"),
        (f"{XML};serialization=TABLEDATA", "votable/td", f"{XML};serialization=TABLEDATA"),
        ("text/csv; header=present", "csv", "text/csv;header=present;charset=utf-8"),
        ("text/csv; charset=UTF-8", "csv", "text/csv;header=present;charset=utf-8"),
        ("tsv", "tsv", "text/tab-separated-values;charset=utf-8"),
        ("application/json", "json", "application/json"),
        ("application/fits", "fits", "application/fits"),
        ("parquet", "parquet", "application/vnd.apache.parquet"),
    ],
)
def test_a_format_is_found_by_each_of_its_names(asked: str | None, name: str, content_type: str) -> None:
    found = choose(asked)

    assert (found.name, found.content_type) == (name, content_type)


def test_an_unknown_format_is_an_error_that_lists_what_there_is() -> None:
    with pytest.raises(CatalogError, match=r"^no format 'text/html': choose votable, .*, parquet$"):
        choose("text/html")


def test_no_two_formats_share_a_name() -> None:
    names = [name.lower() for one in FORMATS for name in (*one.mime_types, *one.aliases)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:Column .* contains NULL")  # astropy reads them as False
def test_the_same_comes_out_however_the_rows_are_cut_into_chunks(name: str, tmp_path: Path) -> None:
    rows = every_type(200)

    whole = write_rows(name, rows, tmp_path, sizes=(200,))
    pieces = write_rows(name, rows, tmp_path, sizes=(1, 7, 2, 31))

    assert CONTENT[name](whole) == CONTENT[name](pieces)


@pytest.mark.parametrize("one", FORMATS, ids=NAMES)
def test_what_is_streamed_leaves_at_once(one: Format, tmp_path: Path) -> None:
    with closing(one.writer(tmp_path)) as writer:
        head = writer.start([ColumnMeta("a", "int")], Heading())
        body = writer.rows([(i,) for i in range(1000)])

    assert (len(head) > 0, len(body) > 1000) == (one.is_streamed, one.is_streamed)


@pytest.mark.parametrize("name", NAMES)
def test_memory_does_not_grow_with_the_rows(name: str, tmp_path: Path) -> None:
    _peak(name, 2_000, tmp_path)  # what is imported and cached at first

    few, many = _peak(name, 2_000, tmp_path), _peak(name, 100_000, tmp_path)

    assert many < 1.5 * few + 2_000_000  # all rows together take 5 MB in the densest format


def _peak(name: str, n: int, folder: Path) -> int:
    """Bytes that a file of n rows takes at most, of Python's and Arrow's memory."""
    columns = [
        ColumnMeta("object_id", "long"),
        ColumnMeta("ra", "double"),
        ColumnMeta("t", "unicodeChar", "*"),
    ]
    chunk = [(i, float(i), f"é{i}") for i in range(1000)]
    gc.collect()
    arrow, most_arrow = pa.total_allocated_bytes(), 0
    tracemalloc.start()
    with closing(choose(name).writer(folder)) as writer:
        writer.start(columns, Heading())
        for _ in range(n // 1000):
            writer.rows(chunk)
            most_arrow = max(most_arrow, pa.total_allocated_bytes() - arrow)
        for _ in writer.end(Ending()):
            most_arrow = max(most_arrow, pa.total_allocated_bytes() - arrow)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak + most_arrow


def _stream(document: bytes) -> bytes:
    found = re.search(rb'(.*base64">)(.*)(</STREAM>.*)', document, re.DOTALL)
    assert found is not None
    return found[1] + base64.b64decode(found[2]) + found[3]


def _table(document: bytes) -> object:
    """Header and values; arrays lie behind the table in an order of the chunks."""
    with fits.open(io.BytesIO(document)) as hdus:
        values = [[np.asarray(value).tolist() for value in hdus[1].data[name]] for name in hdus[1].data.names]
        return repr(hdus[1].header), repr(values)


CONTENT: dict[str, Callable[[bytes], object]] = {
    **dict.fromkeys(NAMES, bytes),
    "votable": _stream,
    "fits": _table,
    "parquet": lambda document: repr(pq.read_table(io.BytesIO(document)).to_pylist()),
}
