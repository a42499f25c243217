"""JSON, read back by Python's json."""

import json
import math
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from catalog.columns import ColumnMeta
from catalog.formats.writer import Ending
from tests.catalog.formats.every_type import COLUMNS, every_type, write_rows


@pytest.mark.parametrize("n", [0, 1, 5, 300])
def test_json_holds_every_value_as_it_was_written(n: int, tmp_path: Path) -> None:
    rows = every_type(n)

    document = json.loads(write_rows("json", rows, tmp_path), parse_constant=pytest.fail)

    assert list(document) == ["metadata", "data", "overflow"]
    assert document["data"] == [[_as_read(value) for value in row] for row in _narrow(rows)]
    assert document["overflow"] is False


def test_json_says_what_is_known_of_its_columns(tmp_path: Path) -> None:
    metadata = json.loads(write_rows("json", [], tmp_path))["metadata"]

    assert [ColumnMeta(**about) for about in metadata] == list(COLUMNS)
    assert metadata[0] == {
        "name": "object_id",
        "datatype": "long",
        "ucd": "meta.id;meta.main",
        "description": "Names <it> & no other.",
    }


def test_json_says_how_it_ended(tmp_path: Path) -> None:
    cut = json.loads(write_rows("json", every_type(3), tmp_path, ending=Ending(is_cut=True)))
    broken = json.loads(write_rows("json", every_type(3), tmp_path, ending=Ending(error='gone "é"')))

    assert (cut["overflow"], "error" in cut) == (True, False)
    assert (broken["overflow"], broken["error"]) == (False, 'gone "é"')


def _narrow(rows: list[tuple[object, ...]]) -> list[list[object]]:
    """The float column and the float array as their shortest decimals, which JSON shows."""
    return [
        [
            _shortest(value) if column.datatype == "float" else value
            for column, value in zip(COLUMNS, row, strict=True)
        ]
        for row in rows
    ]


def _shortest(value: object) -> object:
    if isinstance(value, list):
        return [_shortest(one) for one in value]
    return float(str(np.float32(value))) if isinstance(value, float) else value


def _as_read(value: object) -> object:
    """NaN and infinities are null."""
    if isinstance(value, list):
        return [_as_read(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
