"""Texts that say themselves of which type their columns are, such as ECSV: row by row, from strangers too."""

import yaml

from table_files.as_rows import as_rows
from table_files.astropy_table import read_text_table
from table_files.errors import TableError
from table_files.limits import TableLimits
from table_files.row_table import RowTable

_MAX_HEADER_LINES = 20_000


def read_typed_text(text: str, limits: TableLimits) -> RowTable:
    """Read a table of a text that says its types, row by row.

    Args:
        text: The whole text.
        limits: How large the table may be.

    Raises:
        TableError: It cannot be read, is too large, or a column cannot be stored.
    """
    _refuse_aliases(text)
    table = read_text_table("the text", text)
    if len(table.columns) > limits.columns:
        raise TableError(f"it has more than {limits.columns} columns")
    if table.n_rows > limits.rows:
        raise TableError(f"it has more than {limits.rows:,} rows")
    return as_rows(table)


def _refuse_aliases(text: str) -> None:
    """Refuse a header that refers to itself: a few lines of YAML may stand for very much memory."""
    if not text.startswith("# %ECSV"):
        return
    lines = [line[1:] for line in text.splitlines()[:_MAX_HEADER_LINES] if line.startswith("#")]
    try:
        tokens = yaml.scan("\n".join(line.removeprefix(" ") for line in lines if not line.startswith(" %")))
        if any(isinstance(token, yaml.AliasToken | yaml.AnchorToken) for token in tokens):
            raise TableError("its header has YAML anchors, which are not accepted")
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise TableError(f"its header cannot be read: {reason}") from None
