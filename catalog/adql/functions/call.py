"""A function of ADQL, and a call of it."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql

from catalog.adql.emitter import emit
from catalog.adql.errors import AdqlError
from catalog.adql.scope import Scope
from catalog.adql.value import NULL_NUMBER, NULL_TEXT, Kind, Value, as_double

MAX_ARGUMENTS = 10_000


@dataclass(frozen=True, eq=False)
class Call:
    """A call of a function, its arguments translated.

    Attributes:
        name: The function's name, in capitals.
        scope: What can be named where the function is called.
        offset: Where the call begins in the query's text, in characters from 0; None where that is not known.
        arguments: The values of the arguments, translated.
        offsets: Where each argument begins in the query's text.
        is_star: Whether the call is COUNT(*).
        has_aggregates: Whether an argument may hold an aggregate function.
        is_distinct: Whether DISTINCT stands before the argument.
    """

    name: str
    scope: Scope
    offset: int | None
    arguments: tuple[Value, ...] = ()
    offsets: tuple[int | None, ...] = ()
    is_star: bool = False
    is_distinct: bool = False
    has_aggregates: bool = False

    def argument_error(self, index: int, expected: str, found: str = "") -> AdqlError:
        """Make the error of an argument that is not what the function takes.

        Args:
            index: Which argument, from 0.
            expected: What the function takes there.
            found: What stands there; the argument's kind where this is empty.
        """
        kind = found or self.arguments[index].kind.name.lower()
        what = "" if len(self.arguments) == 1 else f" as argument {index + 1}"
        return AdqlError(f"{self.name} expects {expected}{what}, not {kind}", self.offsets[index])

    def number(self, index: int) -> Value:
        """An argument that must be a number; NULL becomes a NULL of double precision."""
        found = self.arguments[index]
        if found.kind is Kind.NULL:
            return NULL_NUMBER
        if not found.kind.is_number:
            raise self.argument_error(index, "a number")
        return found

    def double(self, index: int) -> sql.Composed:
        """An argument that must be a number, as double precision."""
        return as_double(self.number(index))

    def integer(self, index: int) -> sql.Composed:
        """An argument that must be an integer, as Postgres' integer."""
        if self.arguments[index].kind is not Kind.INTEGER:
            raise self.argument_error(index, "an integer")
        return emit(self.arguments[index].text, "::integer")

    def text(self, index: int) -> sql.Composed:
        """An argument that must be a text, in SQL."""
        if self.arguments[index].kind is Kind.NULL:
            return NULL_TEXT.text
        if self.arguments[index].kind is not Kind.TEXT:
            raise self.argument_error(index, "a text")
        return self.arguments[index].text

    def constant_text(self, index: int) -> str:
        """An argument that must be a text written in the query."""
        found = self.arguments[index].constant
        if not isinstance(found, str):
            raise self.argument_error(index, "a text in single quotes", "an expression")
        return found


@dataclass(frozen=True)
class Function:
    """A function that a query may call.

    Attributes:
        name: The function's name in capitals, or as written where the function is not of ADQL itself.
        min_arguments: The smallest number of arguments that it takes.
        max_arguments: The largest number of arguments that it takes.
        make: Translates a call of the function to the value that it gives.
        is_aggregate: Whether the function makes one value of many rows.
    """

    name: str
    min_arguments: int
    max_arguments: int
    make: Callable[[Call], Value]
    is_aggregate: bool = False

    @property
    def arity(self) -> str:
        """How many arguments the function takes, in words."""
        if self.max_arguments >= MAX_ARGUMENTS:
            return f"{self.min_arguments} arguments or more"
        number = (
            str(self.min_arguments)
            if self.min_arguments == self.max_arguments
            else f"{self.min_arguments} to {self.max_arguments}"
        )
        return f"{number} argument{'' if number == '1' else 's'}"
