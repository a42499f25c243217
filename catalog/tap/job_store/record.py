"""A table that came with a job, as JSON: the job may run long after it was sent."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from catalog.adql.published import PublishedColumn, PublishedTable
from catalog.columns import ColumnMeta


def to_record(table: PublishedTable) -> dict[str, object]:
    """All of it, in what JSON knows."""
    return asdict(table)


def from_record(record: Mapping[str, Any]) -> PublishedTable:
    """The table again."""
    columns = tuple(
        PublishedColumn(**{**column, "meta": ColumnMeta(**column["meta"])}) for column in record["columns"]
    )
    schema, name = record["relation"]
    return PublishedTable(**{**record, "relation": (schema, name), "columns": columns})
