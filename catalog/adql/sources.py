"""What stands in FROM, and what a query gives."""

from dataclasses import dataclass, field

from psycopg import sql
from sqlglot import exp

from catalog.adql.glue import glue
from catalog.adql.names import ByName, by_name
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
        by_name: Its columns, once one was looked for.
        extras: Columns that the query needs of it beyond its own, as SQL on it under the name `u`.
    """

    alias: str
    name: exp.Identifier | None
    schema: str
    columns: tuple[Column, ...]
    table: PublishedTable | None = None
    text: sql.Composed | None = None
    extras: list[sql.Composed] = field(default_factory=list)
    by_name: ByName | None = field(default=None, init=False)

    @property
    def named(self) -> ByName:
        """Its columns by their names."""
        self.by_name = by_name(self.columns) if self.by_name is None else self.by_name
        return self.by_name

    @property
    def shown(self) -> str:
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
        return glue(sql.Identifier(*self.table.relation)) if self.table is not None else glue("")

    def computed(self, text: sql.Composed) -> str:
        """The name of a column that is computed once a row, however often it is used."""
        if text not in self.extras:
            self.extras.append(text)
        return f"{_EXTRA}{self.extras.index(text)}"

    def in_from(self) -> sql.Composed:
        """What stands in FROM; OFFSET keeps Postgres from computing the extras elsewhere."""
        alias = glue(" AS ", sql.Identifier(self.alias))
        if not self.extras:
            return glue(self.relation, alias)
        extras = [
            glue(", ", text, " AS ", sql.Identifier(f"{_EXTRA}{i}")) for i, text in enumerate(self.extras)
        ]
        return glue("(SELECT u.*", *extras, " FROM ", self.relation, " AS u OFFSET 0)", alias)


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
class Output:
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
class Answer:
    """A query made ready.

    Attributes:
        text: Its SQL, without brackets around it.
        outputs: Its columns.
        limit: Its own TOP; None where it has none.
    """

    text: sql.Composed
    outputs: tuple[Output, ...]
    limit: int | None = None
