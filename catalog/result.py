"""A query's answer, typed: for astropy and pandas in one call."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pgvector import HalfVector, Vector

from catalog.errors import QueryError
from catalog.table_html import table_html

if TYPE_CHECKING:  # a terminal's table needs none of them, and they take a second to import
    import pandas as pd
    from astropy.table import Column, Table


@dataclass(frozen=True)
class ResultField:
    """What is known of an answer's column.

    Attributes:
        dtype: Type of its values as numpy spells it, such as `i8`; None for text and for what numpy has no
            type for.
        unit: Unit of the values as astropy spells it; None where they have none.
        description: Empty where there is none.
    """

    dtype: str | None = None
    unit: str | None = None
    description: str = ""


@dataclass(frozen=True, repr=False)
class Result:
    """A query's answer; a notebook shows it as a table, with pictures where it has an object_id.

    Attributes:
        columns: Names of the m columns.
        rows: n of m plain Python values; NULL is None.
        fields: What is known of each of the m columns; empty where nothing but their names is known.
        read_pictures: Reads the JPEG of each of some galaxies, for notebooks; one without is left out. None
            where there is no catalogue at hand.
    """

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]
    fields: tuple[ResultField, ...] = ()
    read_pictures: Callable[[list[int]], dict[int, bytes]] | None = field(
        default=None, compare=False, kw_only=True
    )

    def __repr__(self) -> str:
        """A line: how many rows there are, and of what."""
        rows = f"{len(self.rows):,} row{'' if len(self.rows) == 1 else 's'}"
        return f"<{type(self).__name__}: {rows} of {', '.join(self.columns) or 'nothing'}>"

    def _repr_html_(self) -> str:
        """The first rows for a notebook, with the pictures of their galaxies."""
        shown = [tuple(plain_value(value) for value in row) for row in self.rows[:_ROWS_SHOWN]]
        return table_html(self.columns, shown, self.pictures(_ROWS_SHOWN), len(self.rows))

    def pictures(self, n: int) -> dict[int, bytes]:
        """JPEG of the galaxies of the first n rows, by object_id; empty where none can be read."""
        if self.read_pictures is None or "object_id" not in self.columns:
            return {}
        return self.read_pictures([one for one in self["object_id"][:n] if isinstance(one, int)])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> list[object]:
        """A column's n values.

        Raises:
            QueryError: There is no such column.
        """
        if column not in self.columns:
            raise QueryError(f"the answer has no column {column!r}, only {', '.join(self.columns)}")
        i = self.columns.index(column)
        return [row[i] for row in self.rows]

    def to_astropy(self) -> "Table":
        """As an astropy table: masked where NULL, with the units and descriptions of galcat.galaxy.

        Raises:
            QueryError: Two columns share a name.
        """
        from astropy.table import Table  # noqa: PLC0415 - see above

        return Table([_column(*column) for column in self.plain_columns()])

    def to_pandas(self) -> "pd.DataFrame":
        """As a data frame; whole numbers and booleans stay such beside NULL, a vector is a list.

        Raises:
            QueryError: Two columns share a name.
        """
        import pandas as pd  # noqa: PLC0415 - see above

        return pd.DataFrame({name: _series(values, field) for name, values, field in self.plain_columns()})

    def plain(self) -> "Result":
        """The same with every value a number, text, bytes, bool, None or list."""
        rows = [tuple(plain_value(value) for value in row) for row in self.rows]
        return Result(self.columns, rows, self.fields)

    def require_unique_names(self) -> None:
        """Refuse what only CSV can hold.

        Raises:
            QueryError: Two columns share a name.
        """
        twice = {name for name in self.columns if self.columns.count(name) > 1}
        if twice:
            raise QueryError(f"two columns are named {min(twice)!r}: rename one with AS")

    def plain_columns(self) -> list[tuple[str, list[object], ResultField]]:
        """Name, plain values and field of each column.

        Raises:
            QueryError: Two columns share a name.
        """
        self.require_unique_names()
        plain = self.plain()
        fields = self.fields or (ResultField(),) * len(self.columns)
        return [(name, plain[name], field) for name, field in zip(self.columns, fields, strict=True)]


def plain_value(value: object) -> object:
    """Turn what psycopg gives into a number, text, bytes, bool, None or list."""
    if isinstance(value, HalfVector | Vector):
        return [float(number) for number in value.to_list()]
    if getattr(value, "ndim", 0):  # a numpy array; numpy takes long to import
        return value.astype(float).tolist()  # type: ignore[attr-defined] # as just seen
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


_ROWS_SHOWN = 50
"""In a notebook."""
_PANDAS_DTYPES = {
    "?": "boolean", "i1": "Int8", "i2": "Int16", "i4": "Int32", "i8": "Int64",
    "u1": "UInt8", "u2": "UInt16", "u4": "UInt32", "u8": "UInt64", "f4": "float32", "f8": "float64",
}  # fmt: skip
_INT64_END, _UINT64_END = 2**63, 2**64


def _nullable_dtype(values: list[object]) -> str | None:
    """The type of pandas for whole numbers or booleans beside NULL, where the values say it."""
    given = [value for value in values if value is not None]
    if given and all(isinstance(value, bool) for value in given):
        return "boolean"
    whole = [value for value in given if type(value) is int]
    if not whole or len(whole) < len(given):
        return None
    if min(whole) >= -_INT64_END and max(whole) < _INT64_END:
        return "Int64"
    return "UInt64" if min(whole) >= 0 and max(whole) < _UINT64_END else None


def _column(name: str, values: list[object], field: ResultField) -> "Column":
    from astropy.table import Column, MaskedColumn  # noqa: PLC0415

    mask = [value is None for value in values]
    given = [value for value in values if value is not None]
    about = {"name": name, "unit": field.unit, "description": field.description or None}
    if any(isinstance(value, list) for value in given):
        return _array_column(values, about)
    dtype = field.dtype
    if dtype is None and given and all(isinstance(value, bool | int | float) for value in given):
        dtype = _numpy_dtype(given)
    if dtype is None:
        texts = ["" if value is None else _text(value) for value in values]
        return MaskedColumn(texts, mask=mask, dtype=str, **about)
    column = MaskedColumn(
        [0 if value is None else value for value in values], mask=mask, dtype=dtype, **about
    )
    return column if any(mask) else Column(column.filled(), **about)


def _numpy_dtype(given: list[object]) -> str | None:
    """The type of numpy that holds numbers to their last digit; None where none does."""
    import numpy as np  # noqa: PLC0415 - see above

    dtype = np.array(given).dtype
    if dtype.kind == "f" and all(isinstance(value, int) for value in given):
        return None  # more than 64 bits, or both signs and more than 63
    return None if dtype.kind == "O" else dtype.str


def _array_column(values: list[object], about: dict[str, str | None]) -> "Column":
    """Numbers of one width as such, vectors for instance; any other arrays as JSON."""
    import numpy as np  # noqa: PLC0415 - see above
    from astropy.table import Column  # noqa: PLC0415

    lists = [value for value in values if isinstance(value, list)]
    flat = [one for value in lists for one in value]
    if len({len(value) for value in lists}) == 1 and all(type(one) in {int, float} for one in flat):
        if len(lists) == len(values) and all(isinstance(one, int) for one in flat):
            return Column(np.array(lists, dtype=np.int64), **about)
        if all(isinstance(one, float) for one in flat):
            nothing = [np.nan] * len(lists[0])
            return Column(np.array([nothing if value is None else value for value in values]), **about)
    return Column(["" if value is None else json.dumps(value, default=str) for value in values], **about)


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _series(values: list[object], field: ResultField) -> "pd.Series[Any]":
    import numpy as np  # noqa: PLC0415 - see above
    import pandas as pd  # noqa: PLC0415

    dtype = _PANDAS_DTYPES.get(field.dtype or "", _nullable_dtype(values))
    if dtype is None:
        return pd.Series(values, dtype=None if values else object)
    return pd.Series([np.nan if v is None and dtype.startswith("f") else v for v in values], dtype=dtype)
