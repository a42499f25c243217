"""GROUP BY and HAVING: beside groups of rows stand keys, and aggregates of everything else.

Postgres would say the same, of columns by the names that we give them.
"""

from psycopg import sql
from sqlglot import exp

from catalog.adql.clauses.group_keys import Keys
from catalog.adql.clauses.sorting import grouped_by
from catalog.adql.errors import AdqlError
from catalog.adql.glue import glue, listed
from catalog.adql.grammar.tree import offset_of
from catalog.adql.scope import Scope
from catalog.adql.values.conditions import condition


def grouping(node: exp.Select, scope: Scope) -> tuple[sql.Composed, Keys | None]:
    """The SQL of GROUP BY and HAVING, and the keys; None of a query without groups.

    Raises:
        AdqlError: A column is neither a key nor within an aggregate.
    """
    group, having = node.args.get("group"), node.args.get("having")
    if group is None and having is None and not scope.aggregates:
        return glue(""), None
    text = glue("")
    keys = Keys(())
    if group is not None:
        if not group.expressions:
            raise AdqlError("GROUP BY needs a column", offset_of(node))
        places, texts = grouped_by(group, scope)
        keys = Keys(texts)
        text = glue(" GROUP BY ", listed(places))
    for output in scope.outputs:
        keys.check(output.value.text, output.mentions)
    if having is not None:
        before = len(scope.mentions)
        met = condition(having.this, scope)
        keys.check(met, scope.mentions[before:])
        text = glue(text, " HAVING ", met)
    return text, keys
