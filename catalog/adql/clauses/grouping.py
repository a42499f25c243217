"""GROUP BY and HAVING: beside groups of rows stand keys, and aggregates of everything else.

Postgres would say the same, of columns by the names that we give them.
"""

from collections.abc import Iterable, Sequence

from psycopg import sql
from sqlglot import exp

from catalog.adql.clauses.sorting import translate_group_by
from catalog.adql.emitter import emit, emit_list
from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of
from catalog.adql.relations import Mention
from catalog.adql.scope import Scope
from catalog.adql.values.conditions import translate_condition

_TAKEN = "\0"


class GroupKeys:
    """Pieces of SQL are each written as one letter: so many keys are found in many texts at once."""

    def __init__(self, texts: Iterable[sql.Composed]) -> None:
        self._letters: dict[str, str] = {}
        self._keys = sorted({self._encode(text) for text in texts}, key=len, reverse=True)

    def check(self, text: sql.Composed, mentions: Sequence[Mention]) -> None:
        """Refuse a column that a text mentions more often than the keys in it account for.

        Raises:
            AdqlError: It names the column.
        """
        whole = self._encode(text) if mentions else ""
        if not mentions or whole in self._keys:
            return
        rest = whole
        for key in self._keys:
            rest = rest.replace(key, _TAKEN)
        covered: dict[str, int] = {}
        for mention in mentions:
            column = self._encode(mention.text)
            if column not in covered:
                covered[column] = whole.count(column) - rest.count(column)
            covered[column] -= 1
            if covered[column] < 0:
                reason = "stands beside groups of rows: name it in GROUP BY or take its MIN"
                raise AdqlError(f"column {mention.name!r} {reason}", offset_of(mention.node))

    def _encode(self, text: sql.Composed) -> str:
        letters = self._letters
        return "".join(letters.setdefault(repr(piece), chr(len(letters) + 1)) for piece in text)


def translate_grouping(node: exp.Select, scope: Scope) -> tuple[sql.Composed, GroupKeys | None]:
    """Translate GROUP BY and HAVING; gives their SQL and the keys, None for a query without groups.

    Raises:
        AdqlError: A column is neither a key nor within an aggregate.
    """
    group, having = node.args.get("group"), node.args.get("having")
    if group is None and having is None and not scope.aggregates:
        return emit(""), None
    text = emit("")
    keys = GroupKeys(())
    if group is not None:
        if not group.expressions:
            raise AdqlError("GROUP BY needs a column", offset_of(node))
        places, texts = translate_group_by(group, scope)
        keys = GroupKeys(texts)
        text = emit(" GROUP BY ", emit_list(places))
    for output in scope.outputs:
        keys.check(output.value.text, output.mentions)
    if having is not None:
        before = len(scope.mentions)
        met = translate_condition(having.this, scope)
        keys.check(met, scope.mentions[before:])
        text = emit(text, " HAVING ", met)
    return text, keys
