"""Converts columns and rows that Arrow has read, from CSV and Parquet."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from table_files.column_meta import ColumnMeta
from table_files.errors import TableError
from table_files.limits import MAX_IN_CELL, TableLimits
from table_files.row_table import Row

_DATATYPES = {
    "bool": "boolean",
    "int8": "short",
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "uint8": "short",
    "uint16": "int",
    "uint32": "long",
    "uint64": "long",
    "halffloat": "float",
    "float": "float",
    "double": "double",
    "string": "char",
    "large_string": "char",
    "string_view": "char",
    "null": "char",
    "time32[s]": "char",
    "time32[ms]": "char",
    "time64[us]": "char",
    "time64[ns]": "char",
}


def convert_schema(schema: pa.Schema, known: Mapping[str, ColumnMeta]) -> tuple[ColumnMeta, ...]:
    """Convert the columns of an Arrow schema, with what is known of them besides.

    Raises:
        TableError: A type cannot be stored; names the column.
    """
    return tuple(_convert_field(field, known.get(field.name)) for field in schema)


def convert_batches(batches: Iterable[pa.RecordBatch], limits: TableLimits) -> Iterator[Row]:
    """Convert Arrow's batches to rows of plain values.

    Raises:
        TableError: The file cannot be read to its end, has too many values, or an array with a NULL in it.
    """
    n_values = 0
    try:
        for batch in batches:
            n_values += sum(map(_count_values, batch.columns))
            if n_values > limits.values:
                raise TableError(f"it has more than {limits.values:,} values")
            names = batch.schema.names
            yield from zip(*map(_convert_column, names, batch.columns), strict=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise TableError(f"it cannot be read to its end: {str(error).splitlines()[0]}") from None


def _convert_field(field: pa.Field, known: ColumnMeta | None) -> ColumnMeta:
    arrow, arraysize = field.type, ""
    if pa.types.is_dictionary(arrow):
        arrow = arrow.value_type
    if pa.types.is_fixed_size_list(arrow):
        arrow, arraysize = arrow.value_type, str(arrow.list_size)
    elif pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        arrow, arraysize = arrow.value_type, "*"
    is_time = pa.types.is_timestamp(arrow) or pa.types.is_date(arrow)
    datatype = "char" if is_time else _DATATYPES.get(str(arrow))
    if datatype is None or (datatype == "char" and arraysize):
        raise TableError(f"column {field.name} is of the type {field.type}, which cannot be stored")
    found = ColumnMeta(field.name, datatype, "*" if datatype == "char" else arraysize)
    if known is None:
        return replace(found, xtype="timestamp" if is_time else "")
    xtype = "timestamp" if is_time else known.xtype
    return replace(found, xtype=xtype, unit=known.unit, ucd=known.ucd, description=known.description)


def _count_values(column: pa.Array) -> int:
    return len(column.flatten()) if pa.types.is_nested(column.type) else len(column)


def _convert_column(name: str, column: pa.Array) -> list[object]:
    arrow = column.type
    if pa.types.is_dictionary(arrow):
        texts = column.dictionary.to_pylist()  # each once, however often it is meant
        return [None if i is None else texts[i] for i in column.indices.to_pylist()]
    if pa.types.is_timestamp(arrow) or pa.types.is_date(arrow):
        return list(column.cast(pa.timestamp("us"), safe=False).to_pylist())
    if pa.types.is_time(arrow):
        return list(column.cast(pa.string()).to_pylist())
    values: list[object] = column.to_pylist()
    if pa.types.is_floating(arrow):
        return [None if value != value else value for value in values]  # noqa: PLR0124 - NaN
    if pa.types.is_nested(arrow):
        return [_convert_array(name, value, arrow) for value in values]
    return values


def _convert_array(name: str, value: object, arrow: pa.DataType) -> object:
    if isinstance(value, list) and len(value) > MAX_IN_CELL:
        raise TableError(f"column {name}: an array of more than {MAX_IN_CELL:,} numbers")
    if not isinstance(value, list) or None not in value:
        return value
    if not pa.types.is_floating(arrow.value_type):
        raise TableError(f"column {name}: an array with a NULL in it")
    return [float("nan") if one is None else one for one in value]
