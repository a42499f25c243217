"""Relations: the tables and sub-queries in FROM, and the columns that a translated query gives."""

from dataclasses import dataclass, field

from psycopg import sql
from sqlglot import exp

from catalog.adql.emitter import emit
from catalog.adql.names import ColumnsByName, index_by_name
from catalog.adql.published import PublishedTable
from catalog.adql.value import Column, Value

_EXTRA = "a vector "
"""With blanks: a name that no uploaded column has."""


@dataclass(eq=False)
class Source:
    """A table or a sub-query in FROM.

    Attributes:
        alias: The alias of the table in SQL, which the translation makes.
        name: The table's name or alias in the query; None for a sub-query without a name.
        schema: The schema of a published table that the query gives no alias; else empty.
        columns: The columns that the query can name, in the order that `*` gives them.
        table: The published table; None for a sub-query or a result of WITH.
        text: The SQL of a sub-query or of a result of WITH; None for a published table.
        extras: Columns that are computed once for each row of the table, which their SQL calls `u`.
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
        """The columns by their names in small letters."""
        self._by_name = index_by_name(self.columns) if self._by_name is None else self._by_name
        return self._by_name

    @property
    def label(self) -> str:
        """What an error calls the table."""
        if self.name is None:
            return "the sub-query"
        return f"{self.schema}.{self.name.name}" if self.schema else self.name.name

    @property
    def is_one_row(self) -> bool:
        """Whether the table is known to have exactly one row."""
        return self.table is not None and self.table.rows == 1

    @property
    def relation(self) -> sql.Composed:
        """The SQL that stands in FROM, without computed columns and without the alias."""
        if self.text is not None:
            return self.text
        return emit(sql.Identifier(*self.table.relation)) if self.table is not None else emit("")

    def add_extra(self, text: sql.Composed) -> str:
        """Have a column computed once for each row, however often it is used; gives its name."""
        if text not in self.extras:
            self.extras.append(text)
        return f"{_EXTRA}{self.extras.index(text)}"

    def emit(self) -> sql.Composed:
        """Emit what stands in FROM; OFFSET keeps Postgres from computing the extra columns elsewhere."""
        alias = emit(" AS ", sql.Identifier(self.alias))
        if not self.extras:
            return emit(self.relation, alias)
        extras = [
            emit(", ", text, " AS ", sql.Identifier(f"{_EXTRA}{i}")) for i, text in enumerate(self.extras)
        ]
        return emit("(SELECT u.*", *extras, " FROM ", self.relation, " AS u OFFSET 0)", alias)


@dataclass(frozen=True, eq=False)
class Mention:
    """A column that an expression names outside of aggregates.

    Attributes:
        name: The column's name in ADQL, for errors.
        text: The column in SQL.
        node: Where the query names the column.
    """

    name: str
    text: sql.Composed
    node: exp.Expr


@dataclass(frozen=True, eq=False)
class OutputColumn:
    """A column that a query gives.

    Attributes:
        name: The column's name in the answer.
        alias: The column's alias in SQL.
        value: The value that the column gives; its SQL is valid inside the query only.
        mentions: The columns of FROM that the value is made of.
        weight: Pieces of SQL that stand for the value once Postgres has put in the sub-queries that it names;
            0 for a bare column.
    """

    name: str
    alias: str
    value: Value
    mentions: tuple[Mention, ...] = ()
    weight: int = 0


@dataclass(frozen=True, eq=False)
class TranslatedQuery:
    """A query or sub-query in SQL.

    Attributes:
        text: The query in SQL, without brackets around it.
        outputs: The columns that the query gives.
        limit: The number after the query's own TOP; None where it has none.
    """

    text: sql.Composed
    outputs: tuple[OutputColumn, ...]
    limit: int | None = None
