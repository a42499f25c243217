"""What can be named at some place of a query, and what is shared by its whole translation."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import LiteralString

from psycopg import sql
from sqlglot import exp

from catalog.adql.errors import AdqlError
from catalog.adql.glue import glue
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import EXPANDED
from catalog.adql.lookup import matches_schema, matches_source, of_column, one_of
from catalog.adql.names import ByName, by_name, identifier, matches, spelt, suggestion
from catalog.adql.published import Published
from catalog.adql.sources import Answer, Mention, Output, Source
from catalog.adql.translation import Similarity
from catalog.adql.value import Column, Value


class Parameters:
    """Values by the names of their placeholders; equal ones of a type share one, as GROUP BY needs it."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self._placeholders: dict[tuple[str, str], sql.Placeholder] = {}
        self._names: dict[int, str] = {}

    def bind(self, value: object, postgres_type: LiteralString) -> sql.Composed:
        """A placeholder with its type."""
        key = (postgres_type, repr(value))
        placeholder = self._placeholders.get(key)
        if placeholder is None:
            name = f"p{len(self.values) + 1}"
            placeholder = self._placeholders[key] = sql.Placeholder(name)
            self._names[id(placeholder)] = name
            self.values[name] = value
        return glue(placeholder, "::", postgres_type)

    def used_in(self, pieces: Iterable[sql.Composable]) -> dict[str, object]:
        """The values that have a placeholder in some SQL: some constants end as something else."""
        parts = (part for piece in pieces for part in glue(piece))
        names = {self._names[id(part)] for part in parts if id(part) in self._names}
        return {name: value for name, value in self.values.items() if name in names}


@dataclass(eq=False)
class Context:
    """What one translation gathers.

    Attributes:
        published: All that may be named.
        answer: Makes a sub-query ready; it may name what its scope can.
        condition: Makes a condition ready.
        compared: Makes a comparison of two values ready.
        parameters: The values.
        searches: To be answered before.
        aliases: How many were made.
        tables: How many published tables FROM named.
        results_named: How often FROM named a result of WITH.
        expanded: Weights of the columns that were named.
    """

    published: Published
    answer: Callable[[exp.Query, "Scope"], Answer]
    condition: Callable[[exp.Expr, "Scope"], sql.Composed]
    compared: Callable[[type[exp.Expr], Value, Value, "Scope", int | None], sql.Composed]
    parameters: Parameters = field(default_factory=Parameters)
    searches: list[Similarity] = field(default_factory=list)
    aliases: int = 0
    tables: int = 0
    results_named: int = 0
    expanded: int = 0

    def fresh(self, prefix: str) -> str:
        """An alias that is used nowhere else."""
        self.aliases += 1
        return f"{prefix}{self.aliases}"

    def expand(self, weight: int, node: exp.Expr) -> None:
        """Count what Postgres puts in place of a column: nested sub-queries can double it at each level.

        Raises:
            AdqlError: It is too much.
        """
        self.expanded += weight
        if self.expanded > EXPANDED:
            raise AdqlError("the sub-queries are too large once put together", offset_of(node))


@dataclass(eq=False)
class Scope:
    """What can be named.

    Attributes:
        sources: Of FROM, for names with a qualifier.
        columns: For names without; those that a join made one of two stand first.
        outputs: Of SELECT, for ORDER BY, GROUP BY and HAVING.
        tables: Results named by WITH, the last first.
        parent: Of the query around a sub-query.
        is_operand: Whether it is of an operand of a set operation: what a NULL is, the other side says.
        reaches_out: Whether something of the parent was named.
        aggregates: How many aggregate functions were named.
        outputs_named: How often columns of the answer were named.
        mentions: The columns of this FROM that were named, but within aggregates.
        by_name: The columns, once one was looked for.
    """

    context: Context
    parent: "Scope | None" = None
    tables: tuple[tuple[exp.Identifier, Answer, str], ...] = ()
    sources: list[Source] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    outputs: tuple[Output, ...] = ()
    is_operand: bool = False
    reaches_out: bool = False
    aggregates: int = 0
    outputs_named: int = 0
    mentions: list[Mention] = field(default_factory=list)
    by_name: ByName | None = field(default=None, init=False)

    @property
    def around(self) -> "Iterator[Scope]":
        """This and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    @property
    def of_groups(self) -> int:
        """How often something was named, here or around, that may be an aggregate."""
        return sum(one.aggregates + one.outputs_named for one in self.around)

    def inner(self) -> "Scope":
        """A scope for a sub-query, which can name all that this can."""
        return Scope(self.context, self, self.tables)

    def value_of(self, node: exp.Column) -> Value:
        """What a column's name means.

        Raises:
            AdqlError: Nothing, or more than one thing.
        """
        scope: Scope | None = self
        while scope is not None:
            found = scope.found_here(node)
            if found is not None:
                self._note_reach(scope)
                return found
            scope = scope.parent
        raise self._unknown(node)

    def _note_reach(self, target: "Scope") -> None:
        scope: Scope | None = self
        while scope is not None and scope is not target:
            scope.reaches_out = True
            scope = scope.parent

    def found_here(self, node: exp.Column) -> Value | None:
        """What a column's name means in this FROM; None where it means nothing."""
        name = identifier(node.this)
        if node.args.get("table") is None:
            self.by_name = by_name(self.columns) if self.by_name is None else self.by_name
            found = one_of(name, self.by_name, node)
            if found is not None:
                return self._mentioned(found, node)
            made = [output for output in self.outputs if matches(name, output.name)]
            if made:
                self.outputs_named += 1
                self.context.expand(made[0].weight, node)
            return made[0].value if made else None
        source = self.source_of(node)
        if source is None:
            return None
        found = one_of(name, source.named, node)
        if found is None:
            known = [column.name for column in source.columns]
            raise AdqlError(
                f"no column {name.name!r} in {source.shown}{of_column(name, known, self.context.published)}",
                offset_of(name),
            )
        return self._mentioned(found, node)

    def _mentioned(self, column: Column, node: exp.Expr) -> Value:
        self.context.expand(column.weight, node)
        found = column.value
        self.mentions.append(Mention(column.name, found.text, node))
        return found

    def source_of(self, node: exp.Column) -> Source | None:
        """What a qualifier means among what stands in this FROM."""
        table, schema = identifier(node.args["table"]), node.args.get("db")
        if node.args.get("catalog") is not None:
            raise AdqlError(f"{spelt(node.parts)!r} has too many parts", offset_of(node))
        found = [
            source
            for source in self.sources
            if source.name is not None
            and matches_source(table, source.name)
            and (schema is None or (source.schema and matches_schema(identifier(schema), source.schema)))
        ]
        if len(found) > 1:
            raise AdqlError(f"{table.name!r} means more than one table here", offset_of(node))
        return found[0] if found else None

    def _unknown(self, node: exp.Column) -> AdqlError:
        name = identifier(node.this)
        scopes = list(self.around)
        sources = [source for scope in scopes for source in scope.sources]
        if node.args.get("table") is not None:
            known = [source.name.name for source in sources if source.name is not None]
            here = ", ".join(known) or "nothing"
            qualifier = spelt(node.parts[:-1])
            return AdqlError(
                f"no table {qualifier!r} in FROM, which has {here}{suggestion(qualifier, known)}",
                offset_of(node),
            )
        columns = [column.name for scope in scopes for column in scope.columns]
        columns += [output.name for output in self.outputs]
        where = f" in {sources[0].shown}" if len(sources) == 1 else ""
        hint = of_column(name, columns, self.context.published)
        return AdqlError(f"no column {name.name!r}{where}{hint}", offset_of(node))
