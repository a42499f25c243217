"""A table that was read whole as rows, for those who take tables row by row."""

from table_files.column_meta import ColumnMeta
from table_files.errors import TableError
from table_files.row_table import RowTable
from table_files.table import FileTable, TableColumn

_DATATYPES = {
    "b1": "boolean",
    "i1": "short",
    "u1": "short",
    "i2": "short",
    "u2": "int",
    "i4": "int",
    "u4": "long",
    "u8": "long",
    "i8": "long",
    "f2": "float",
    "f4": "float",
    "f8": "double",
}
_LONG_END = 2**63


def as_rows(table: FileTable) -> RowTable:
    """A table that was read whole, row by row.

    Raises:
        TableError: A column cannot be stored; names it.
    """
    columns: list[TableColumn] = list(table.columns.values())
    metas = tuple(map(_describe, columns))
    values = [_plain(meta, column) for meta, column in zip(metas, columns, strict=True)]
    return RowTable(metas, zip(*values, strict=True), table.frame, tuple(column.frame for column in columns))


def _describe(column: TableColumn) -> ColumnMeta:
    datatype, arraysize = "char", "*"
    if column.is_array:
        datatype = _datatype_of_lists(column)
    elif not column.is_text:
        arraysize, datatype = "", _DATATYPES.get(column.values.dtype.str[1:], "")
        if not datatype:
            kind = column.values.dtype
            raise TableError(f"column {column.name} is of the type {kind}, which cannot be stored")
        if datatype == "long" and max(column.values[~column.missing].tolist(), default=0) >= _LONG_END:
            datatype, arraysize = "char", "*"  # as text every digit stays: no type of VOTable holds these
    return ColumnMeta(
        column.name,
        datatype,
        arraysize,
        unit=column.unit,
        ucd=column.ucd,
        description=" ".join(column.description.split()),
    )


def _datatype_of_lists(column: TableColumn) -> str:
    cells = [cell if isinstance(cell, list) else [cell] for cell in column.to_list() if cell is not None]
    kinds = {type(value) for cell in cells for value in cell}
    for known, datatype in (({bool}, "boolean"), ({int}, "long"), ({int, float}, "double")):
        if kinds and kinds <= known:
            return datatype
    raise TableError(f"column {column.name} holds arrays of what cannot be stored, or arrays with gaps")


def _plain(meta: ColumnMeta, column: TableColumn) -> list[object]:
    values = column.to_list()
    if meta.is_text and not column.is_text:
        return [None if value is None else str(value) for value in values]
    return values
