"""Refuses uploaded tables that are too large, badly named, or hold what Postgres cannot hold."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from catalog.columns import ColumnMeta
from catalog.formats.writer import Row
from catalog.tap.uploads.error import UploadError
from table_files.errors import TableError
from table_files.limits import TableLimits
from table_files.row_table import RowTable

_MAX_NAME_CHARACTERS = 200


def require_columns(columns: Sequence[ColumnMeta], limits: TableLimits) -> None:
    """Refuse columns that a query could not name.

    Raises:
        UploadError: There are too many, one has no name, or two have the same one, in any case of letters.
    """
    if len(columns) > limits.columns:
        raise UploadError(f"it has {len(columns)} columns, {limits.columns} are the most")
    taken: dict[str, str] = {}
    for i, column in enumerate(columns, 1):
        if (
            not column.name.strip()
            or len(column.name) > _MAX_NAME_CHARACTERS
            or not column.name.isprintable()
        ):
            raise UploadError(
                f"column {i} is called {column.name[:_MAX_NAME_CHARACTERS]!r}, which is no name"
            )
        if column.name.lower() in taken:
            raise UploadError(
                f"two columns are called {taken[column.name.lower()]} and {column.name}: rename one"
            )
        taken[column.name.lower()] = column.name


def check_rows(table: RowTable, name: str, limits: TableLimits) -> Iterator[Row]:
    """Check the rows of a table as they pass, and convert its times.

    Raises:
        UploadError: There are too many, a text is too long or holds a NUL, or a time is none.
    """
    texts = [i for i, column in enumerate(table.columns) if column.is_text]
    arrays = [i for i, column in enumerate(table.columns) if column.is_array]
    n_values = 0
    try:
        for n, row in enumerate(table.rows, 1):
            n_values += len(row) + sum(_length(row[i]) for i in arrays)
            _require(n, limits.rows, "rows")
            _require(n_values, limits.values, "values")
            yield _check_texts(table.columns, row, texts, n, limits.text) if texts else row
    except (UploadError, TableError) as error:
        raise UploadError(f"table {name}: {error}") from None


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


def _require(n: int, maximum: int, noun: str) -> None:
    if n > maximum:
        raise UploadError(f"it has more than {maximum:,} {noun}")


def _check_texts(
    columns: Sequence[ColumnMeta], row: Row, texts: list[int], n: int, max_characters: int
) -> Row:
    values = list(row)
    for i in texts:
        value = values[i]
        if not isinstance(value, str):
            continue
        try:
            values[i] = (
                _parse_time(value) if columns[i].xtype == "timestamp" else _check_text(value, max_characters)
            )
        except ValueError as error:
            raise UploadError(f"row {n}, column {columns[i].name}: {error}") from None
    return tuple(values)


def _check_text(value: str, max_characters: int) -> str:
    if len(value) > max_characters:
        raise ValueError(f"a text of {len(value):,} characters, {max_characters:,} are the most")
    if "\0" in value:
        raise ValueError("a text with a NUL in it")
    return value


def _parse_time(value: str) -> datetime | None:
    """A time of DALI 1.1, which is ISO 8601 in UTC; without a zone."""
    if not value.strip():
        return None
    try:
        time = datetime.fromisoformat(value.strip())
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError):
        raise ValueError(f"{value[:50]!r} is no time such as 2026-01-02T03:04:05") from None
