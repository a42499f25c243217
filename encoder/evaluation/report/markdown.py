"""Tables as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each by column."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows, some of which may lack columns, as a Markdown table."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns, ["---"] * len(columns), *([row.get(c, "") for c in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
