"""GROUP BY and HAVING: beside groups of rows stand keys, and aggregates of everything else.

Postgres would say the same, of columns by the names that we give them.
"""

from collections import Counter
from collections.abc import Sequence

from psycopg import sql
from sqlglot import exp

from catalog.adql.conditions import condition
from catalog.adql.errors import AdqlError
from catalog.adql.glue import glue, listed
from catalog.adql.scope import Scope
from catalog.adql.sorting import grouped_by
from catalog.adql.sources import Mention
from catalog.adql.tree import offset_of

Keys = tuple[sql.Composed, ...]


def grouping(node: exp.Select, scope: Scope) -> tuple[sql.Composed, Keys | None]:
    """The SQL of GROUP BY and HAVING, and the keys; None of a query without groups.

    Raises:
        AdqlError: A column is neither a key nor within an aggregate.
    """
    group, having = node.args.get("group"), node.args.get("having")
    if group is None and having is None and not scope.aggregates:
        return glue(""), None
    text = glue("")
    keys: Keys = ()
    if group is not None:
        if not group.expressions:
            raise AdqlError("GROUP BY needs a column", offset_of(node))
        places, keys = grouped_by(group, scope)
        text = glue(" GROUP BY ", listed(places))
    for output in scope.outputs:
        check_grouped(output.value.text, output.mentions, keys)
    if having is not None:
        before = len(scope.mentions)
        met = condition(having.this, scope)
        check_grouped(met, scope.mentions[before:], keys)
        text = glue(text, " HAVING ", met)
    return text, keys


def check_grouped(text: sql.Composed, mentions: Sequence[Mention], keys: Keys) -> None:
    """Refuse a column that a text mentions more often than the keys in it account for."""
    if not mentions or text in keys:
        return
    pieces = list(text)
    used = [(list(key), times) for key in keys if (times := _occurrences(list(key), pieces))]
    mentioned: Counter[str] = Counter()
    for mention in mentions:
        mentioned[repr(mention.text)] += 1
        covered = sum(times * _occurrences(list(mention.text), key) for key, times in used)
        if mentioned[repr(mention.text)] > covered:
            raise AdqlError(
                f"column {mention.name!r} stands beside groups of rows: name it in GROUP BY or take its MIN",
                offset_of(mention.node),
            )


def _occurrences(part: list[sql.Composable], whole: list[sql.Composable]) -> int:
    starts = range(len(whole) - len(part) + 1)
    return sum(whole[start] == part[0] and whole[start : start + len(part)] == part for start in starts)
