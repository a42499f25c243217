"""The error of a query that cannot be translated: what is wrong, and where."""

from catalog.errors import QueryError


class AdqlError(QueryError):
    """A query is not ADQL, names what is not published, or asks for more than is allowed.

    Attributes:
        reason: One line that says what is wrong.
        offset: Where the wrong part begins in the query's text, in characters from 0; None where the whole
            query is meant.
        line: The line of `offset`, from 1; None where the text is not known yet or there is no offset.
        column: The character of `offset` in its line, from 1; None where `line` is None.
    """

    def __init__(self, reason: str, offset: int | None = None, text: str | None = None) -> None:
        self.reason = " ".join(reason.split())
        self.offset = offset
        self.line: int | None = None
        self.column: int | None = None
        if text is not None and offset is not None:
            self.line = text.count("\n", 0, offset) + 1
            self.column = offset - text.rfind("\n", 0, offset)
        where = "" if self.line is None else f"line {self.line}, column {self.column}: "
        super().__init__(where + self.reason)

    def with_position(self, text: str) -> "AdqlError":
        """The same error with its line and column in a text."""
        return AdqlError(self.reason, self.offset, text)
