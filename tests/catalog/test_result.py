"""Whole numbers of 64 bits keep every digit in a Result, in pandas, in astropy and in every file."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from catalog.formats.result_file import FILE_FORMATS, write_result
from catalog.result import Result, ResultField

BIG, HUGE = 1113078707712646271, 2**63 + 5
SIGNED, UNSIGNED = [BIG, None, -BIG], [HUGE, None, 2**64 - 1]


def answer(*fields: ResultField) -> Result:
    return Result(("signed", "unsigned"), list(zip(SIGNED, UNSIGNED, strict=True)), fields)


KNOWN = answer(ResultField("i8"), ResultField("u8"))
UNKNOWN = answer()


@pytest.mark.parametrize("result", [KNOWN, UNKNOWN])
def test_pandas_has_nullable_whole_numbers(result: Result) -> None:
    frame = result.to_pandas()

    assert [str(dtype) for dtype in frame.dtypes] == ["Int64", "UInt64"]
    assert [[None if value is pd.NA else int(value) for value in frame[name]] for name in frame] == [
        SIGNED,
        UNSIGNED,
    ]


@pytest.mark.parametrize("result", [KNOWN, UNKNOWN])
def test_astropy_has_masked_whole_numbers(result: Result) -> None:
    table = result.to_astropy()

    assert [table[name].dtype.str[1:] for name in table.colnames] == ["i8", "u8"]
    assert [table[name].tolist() for name in table.colnames] == [SIGNED, UNSIGNED]


@pytest.mark.parametrize("output_format", FILE_FORMATS)
@pytest.mark.parametrize("result", [KNOWN, UNKNOWN])
def test_every_file_has_every_digit(result: Result, output_format: str) -> None:
    assert read_back(write_result(result, output_format), output_format) == [SIGNED, UNSIGNED]


def test_unsigned_numbers_that_fit_are_numbers_in_a_votable_too() -> None:
    result = Result(("n",), [(1,), (2**63 - 1,)], (ResultField("u8"),))

    table = Table.read(io.BytesIO(write_result(result, "votable")), format="votable")

    assert (table["n"].dtype.kind, table["n"].tolist()) == ("i", [1, 2**63 - 1])


def test_fits_says_that_its_numbers_have_no_sign() -> None:
    result = Result(("n",), [(HUGE,), (0,)], (ResultField("u8"),))

    with fits.open(io.BytesIO(write_result(result, "fits")), uint=True) as file:
        assert file[1].data["n"].dtype == np.uint64
        assert file[1].data["n"].tolist() == [HUGE, 0]


def read_back(content: bytes, output_format: str) -> list[list[object]]:
    """Both columns as whole numbers, None where there is none, as another library reads them."""
    if output_format in {"csv", "tsv"}:
        rows = list(
            csv.reader(io.StringIO(content.decode()), delimiter="," if output_format == "csv" else "\t")
        )
        return [[int(cell) if cell else None for cell in column] for column in zip(*rows[1:], strict=True)]
    if output_format == "json":
        return [[row[name] for row in json.loads(content)] for name in ("signed", "unsigned")]
    if output_format == "parquet":
        return [column.to_pylist() for column in pq.read_table(io.BytesIO(content)).columns]
    table = Table.read(io.BytesIO(content), format=output_format)
    values = [np.ma.asarray(table[name]).tolist() for name in table.colnames]
    return [[int(value) if value not in {None, ""} else None for value in column] for column in values]
