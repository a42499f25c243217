"""The values of a query beside its SQL: each is bound to a named placeholder with its type."""

from collections.abc import Iterable
from typing import LiteralString

from psycopg import sql

from catalog.adql.emitter import emit


class BoundParameters:
    """The values that a query's SQL needs; equal ones of a type share a placeholder, as GROUP BY needs."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self._placeholders: dict[tuple[str, str], sql.Placeholder] = {}
        self._names: dict[int, str] = {}

    def bind(self, value: object, postgres_type: LiteralString) -> sql.Composed:
        """Bind a value to a placeholder, and give the placeholder with its type in SQL."""
        key = (postgres_type, repr(value))
        placeholder = self._placeholders.get(key)
        if placeholder is None:
            name = f"p{len(self.values) + 1}"
            placeholder = self._placeholders[key] = sql.Placeholder(name)
            self._names[id(placeholder)] = name
            self.values[name] = value
        return emit(placeholder, "::", postgres_type)

    def select_used(self, pieces: Iterable[sql.Composable]) -> dict[str, object]:
        """Select the values whose placeholders stand in some SQL: some constants end as something else."""
        parts = (part for piece in pieces for part in emit(piece))
        names = {self._names[id(part)] for part in parts if id(part) in self._names}
        return {name: value for name, value in self.values.items() if name in names}
