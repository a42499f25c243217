"""Scopes: what can be named at some place of a query, and what its whole translation shares.

ADQL is recursive: an expression may be a CASE of conditions, a condition may hold a sub-query, and a query
holds both. Modules must not import one another in a circle, so each imports only what is below it and asks
a `Translator` for what is above: that interface is defined here, below all that use it, and implemented once,
at the top, in catalog.adql.translate. The alternative, all three in one module, would be a thousand lines.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from psycopg import sql
from sqlglot import exp

from catalog.adql.bound_parameters import BoundParameters
from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of
from catalog.adql.limits import MAX_EXPANDED_PIECES
from catalog.adql.lookup import hint_for_column, matches_schema, matches_source, resolve_column
from catalog.adql.names import (
    ColumnsByName,
    dotted_name,
    index_by_name,
    matches_name,
    require_identifier,
    suggest_name,
)
from catalog.adql.published import Published
from catalog.adql.relations import Mention, OutputColumn, Source, TranslatedQuery
from catalog.adql.translation import SimilaritySearch
from catalog.adql.value import Column, Value


class Translator(Protocol):
    """Translates the three parts of ADQL that hold one another: queries, conditions and expressions.

    Each method gives SQL that can stand as an operand where the part stood, and raises AdqlError where the
    part names what is not there or is not ADQL.
    """

    def translate_query(self, node: exp.Query, scope: "Scope") -> TranslatedQuery:
        """Translate a sub-query; `scope` is its own, and may reach what its parents can name."""

    def translate_condition(self, node: exp.Expr, scope: "Scope") -> sql.Composed:
        """Translate what is true or false of a row."""

    def translate_expression(self, node: exp.Expr, scope: "Scope") -> Value:
        """Translate what gives a value of a row."""


@dataclass(eq=False)
class Context:
    """What one translation of a whole query gathers, shared by all its scopes.

    Attributes:
        published: All tables and columns that the query may name.
        translator: Translates parts that are nested in others.
        parameters: The values that the SQL needs beside it.
        searches: The similarity searches that are to be answered before the query is run.
        aliases: How many aliases were made so far.
        tables: How often FROM named a published table.
        results_named: How often FROM named a result of WITH.
        expanded: Pieces of SQL that Postgres puts in place of the columns that were named so far.
    """

    published: Published
    translator: Translator
    parameters: BoundParameters = field(default_factory=BoundParameters)
    searches: list[SimilaritySearch] = field(default_factory=list)
    aliases: int = 0
    tables: int = 0
    results_named: int = 0
    expanded: int = 0

    def make_alias(self, prefix: str) -> str:
        """An alias that nothing else in the SQL has."""
        self.aliases += 1
        return f"{prefix}{self.aliases}"

    def expand(self, weight: int, node: exp.Expr) -> None:
        """Count what Postgres puts in place of a column: nested sub-queries can double it at each level.

        Args:
            weight: Pieces of SQL that stand for the column.
            node: Where the query names the column.

        Raises:
            AdqlError: The sum is beyond MAX_EXPANDED_PIECES.
        """
        self.expanded += weight
        if self.expanded > MAX_EXPANDED_PIECES:
            raise AdqlError("the sub-queries are too large once put together", offset_of(node))


@dataclass(eq=False)
class Scope:
    """What can be named at some place of a query.

    Attributes:
        sources: The tables and sub-queries in FROM, for names with a qualifier.
        columns: The columns for names without a qualifier; those that a join made one of two stand first.
        outputs: The columns of SELECT, which ORDER BY, GROUP BY and HAVING may name.
        tables: The results of WITH, the latest first: the name in the query, the query, and its name in SQL.
        parent: The scope of the query around this sub-query; None for the outermost query.
        is_operand: Whether this is one side of a set operation, where the other side decides the type of a
            NULL.
        reaches_out: Whether the sub-query names something of its parents.
        aggregates: How many aggregate functions were called here so far.
        outputs_named: How often columns of the answer were named here so far.
        mentions: The columns of FROM that were named here so far, other than inside aggregate functions.
        context: What the whole translation shares.
    """

    context: Context
    parent: "Scope | None" = None
    tables: tuple[tuple[exp.Identifier, TranslatedQuery, str], ...] = ()
    sources: list[Source] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    outputs: tuple[OutputColumn, ...] = ()
    is_operand: bool = False
    reaches_out: bool = False
    aggregates: int = 0
    outputs_named: int = 0
    mentions: list[Mention] = field(default_factory=list)
    _by_name: ColumnsByName | None = field(default=None, init=False)

    @property
    def enclosing(self) -> Iterator["Scope"]:
        """This scope and those around it, the innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    @property
    def aggregates_named(self) -> int:
        """How often something was named, here or around, that may hold an aggregate function."""
        return sum(one.aggregates + one.outputs_named for one in self.enclosing)

    def inner(self) -> "Scope":
        """Make a scope for a sub-query, which can name all that this one can."""
        return Scope(self.context, self, self.tables)

    def resolve_column(self, node: exp.Column) -> Value:
        """Find the value that a column's name means, here or in the scopes around.

        Raises:
            AdqlError: Nothing, or more than one thing.
        """
        scope: Scope | None = self
        while scope is not None:
            found = scope.find_here(node)
            if found is not None:
                self._note_reach(scope)
                return found
            scope = scope.parent
        raise self._unknown_column(node)

    def _note_reach(self, target: "Scope") -> None:
        scope: Scope | None = self
        while scope is not None and scope is not target:
            scope.reaches_out = True
            scope = scope.parent

    def find_here(self, node: exp.Column) -> Value | None:
        """Find the value that a column's name means in this FROM; None where it means none."""
        name = require_identifier(node.this)
        if node.args.get("table") is None:
            self._by_name = index_by_name(self.columns) if self._by_name is None else self._by_name
            found = resolve_column(name, self._by_name, node)
            if found is not None:
                return self._mention(found, node)
            made = [output for output in self.outputs if matches_name(name, output.name)]
            if made:
                self.outputs_named += 1
                self.context.expand(made[0].weight, node)
            return made[0].value if made else None
        source = self.resolve_qualifier(node)
        if source is None:
            return None
        found = resolve_column(name, source.columns_by_name, node)
        if found is None:
            known = [column.name for column in source.columns]
            hint = hint_for_column(name, known, self.context.published)
            raise AdqlError(f"no column {name.name!r} in {source.label}{hint}", offset_of(name))
        return self._mention(found, node)

    def _mention(self, column: Column, node: exp.Expr) -> Value:
        self.context.expand(column.weight, node)
        found = column.value
        self.mentions.append(Mention(column.name, found.text, node))
        return found

    def resolve_qualifier(self, node: exp.Column) -> Source | None:
        """Find the table in this FROM that a column's qualifier means; None where it means none."""
        table, schema = require_identifier(node.args["table"]), node.args.get("db")
        if node.args.get("catalog") is not None:
            raise AdqlError(f"{dotted_name(node.parts)!r} has too many parts", offset_of(node))
        found = [
            source
            for source in self.sources
            if source.name is not None
            and matches_source(table, source.name)
            and (
                schema is None
                or (source.schema and matches_schema(require_identifier(schema), source.schema))
            )
        ]
        if len(found) > 1:
            raise AdqlError(f"{table.name!r} means more than one table here", offset_of(node))
        return found[0] if found else None

    def _unknown_column(self, node: exp.Column) -> AdqlError:
        name = require_identifier(node.this)
        scopes = list(self.enclosing)
        sources = [source for scope in scopes for source in scope.sources]
        if node.args.get("table") is not None:
            known = [source.name.name for source in sources if source.name is not None]
            here = ", ".join(known) or "nothing"
            qualifier = dotted_name(node.parts[:-1])
            return AdqlError(
                f"no table {qualifier!r} in FROM, which has {here}{suggest_name(qualifier, known)}",
                offset_of(node),
            )
        columns = [column.name for scope in scopes for column in scope.columns]
        columns += [output.name for output in self.outputs]
        where = f" in {sources[0].label}" if len(sources) == 1 else ""
        hint = hint_for_column(name, columns, self.context.published)
        return AdqlError(f"no column {name.name!r}{where}{hint}", offset_of(node))
