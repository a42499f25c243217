"""What can be wrong with a table in a file."""


class TableError(Exception):
    """A table cannot be read; the text is one line that says what is wrong, where, and what helps."""


class MissingColumnError(TableError):
    """A table has no column of a name that was asked for."""
