"""What stands in FROM, and what a query gives."""

from dataclasses import dataclass, field

from psycopg import sql
from sqlglot import exp

from catalog.adql.emitter import emit
from catalog.adql.names import ColumnsByName, index_by_name
from catalog.adql.published import PublishedTable
from catalog.adql.value import Column, Value


@dataclass(eq=False)
class Source:
    """Something in FROM.

    Attributes:
        alias: In SQL; of our own making.
        name: What the query calls it; empty for a sub-query without a name.
        schema: Of a table without an alias; else empty.
        columns: In their order.
        table: Where it is one of the published; else None.
        text: What it is in SQL, where it is none of the published.
        index_by_name: Its columns, once one was looked for.
        extras: Columns that the query needs of it beyond its own, as SQL on it under the name `u`.
    """

    alias: str
    name: exp.Identifier | None
    schema: str
    columns: tuple[Column, ...]
    table: PublishedTable | None = None
    text: sql.Composed | None = None
    extras: list[sql.Composed] = field(default_factory=list)
    _by_name: ColumnsByName | None = field(default=None, init=False)

    @property
    def columns_by_name(self) -> ColumnsByName:
        """Its columns by their names."""
        self._by_name = index_by_name(self.columns) if self._by_name is None else self._by_name
        return self._by_name

    @property
    def label(self) -> str:
        """What an error calls it."""
        if self.name is None:
            return "the sub-query"
        return f"{self.schema}.{self.name.name}" if self.schema else self.name.name

    @property
    def is_one_row(self) -> bool:
        """Whether it is known to have exactly one row."""
        return self.table is not None and self.table.rows == 1

    @property
    def relation(self) -> sql.Composed:
        """What stands in FROM, without its extras and its alias."""
        if self.text is not None:
            return self.text
        return emit(sql.Identifier(*self.table.relation)) if self.table is not None else emit("")

    def add_extra(self, text: sql.Composed) -> str:
        """The name of a column that is computed once a row, however often it is used."""
        if text not in self.extras:
            self.extras.append(text)
        return f"{_EXTRA}{self.extras.index(text)}"

    def emit(self) -> sql.Composed:
        """What stands in FROM; OFFSET keeps Postgres from computing the extras elsewhere."""
        alias = emit(" AS ", sql.Identifier(self.alias))
        if not self.extras:
            return emit(self.relation, alias)
        extras = [
            emit(", ", text, " AS ", sql.Identifier(f"{_EXTRA}{i}")) for i, text in enumerate(self.extras)
        ]
        return emit("(SELECT u.*", *extras, " FROM ", self.relation, " AS u OFFSET 0)", alias)


_EXTRA = "a vector "
"""With blanks: a name that no uploaded column has."""


@dataclass(frozen=True, eq=False)
class Mention:
    """A column that an expression names outside of aggregates.

    Attributes:
        name: In ADQL.
        text: Its SQL.
        node: Where.
    """

    name: str
    text: sql.Composed
    node: exp.Expr


@dataclass(frozen=True, eq=False)
class OutputColumn:
    """A column of a query.

    Attributes:
        name: In ADQL.
        alias: In SQL.
        value: What it gives; its text is only valid inside the query.
        mentions: The columns that it is made of.
        weight: Pieces of SQL that it is once the sub-queries that it names are put in; 0 of a bare column.
    """

    name: str
    alias: str
    value: Value
    mentions: tuple[Mention, ...] = ()
    weight: int = 0


@dataclass(frozen=True, eq=False)
class TranslatedQuery:
    """A query made ready.

    Attributes:
        text: Its SQL, without brackets around it.
        outputs: Its columns.
        limit: Its own TOP; None where it has none.
    """

    text: sql.Composed
    outputs: tuple[OutputColumn, ...]
    limit: int | None = None
