"""The keys of GROUP BY, and what of an expression they account for."""

from collections.abc import Iterable, Sequence

from psycopg import sql

from catalog.adql.errors import AdqlError
from catalog.adql.grammar.tree import offset_of
from catalog.adql.sources import Mention

_TAKEN = "\0"


class Keys:
    """Pieces of SQL are each written as one letter: so many keys are found in many texts at once."""

    def __init__(self, texts: Iterable[sql.Composed]) -> None:
        self._letters: dict[str, str] = {}
        self._keys = sorted({self._written(text) for text in texts}, key=len, reverse=True)

    def check(self, text: sql.Composed, mentions: Sequence[Mention]) -> None:
        """Refuse a column that a text mentions more often than the keys in it account for.

        Raises:
            AdqlError: It names the column.
        """
        whole = self._written(text) if mentions else ""
        if not mentions or whole in self._keys:
            return
        rest = whole
        for key in self._keys:
            rest = rest.replace(key, _TAKEN)
        covered: dict[str, int] = {}
        for mention in mentions:
            column = self._written(mention.text)
            if column not in covered:
                covered[column] = whole.count(column) - rest.count(column)
            covered[column] -= 1
            if covered[column] < 0:
                reason = "stands beside groups of rows: name it in GROUP BY or take its MIN"
                raise AdqlError(f"column {mention.name!r} {reason}", offset_of(mention.node))

    def _written(self, text: sql.Composed) -> str:
        letters = self._letters
        return "".join(letters.setdefault(repr(piece), chr(len(letters) + 1)) for piece in text)
