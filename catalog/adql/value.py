"""Values: pieces of SQL and what is known of what they give; and the columns that names can mean."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from psycopg import sql

from catalog.adql.emitter import emit, piece_count
from catalog.adql.limits import MAX_OPERAND_PIECES
from catalog.columns import ColumnMeta

RANDOM = sql.SQL("pg_catalog.random()")
"""Another number each time that it is computed."""
_INTEGER_DATATYPES = frozenset({"short", "int", "long"})
NUMBER_DATATYPES = ("short", "int", "long", "float", "double")
"""Datatypes, the narrowest first."""


class Kind(Enum):
    """What sort of value it is, as far as the translation must know."""

    INTEGER = auto()
    FLOAT = auto()
    TEXT = auto()
    BOOLEAN = auto()
    TIMESTAMP = auto()
    ARRAY = auto()
    POINT = auto()
    CIRCLE = auto()
    POLYGON = auto()
    NULL = auto()

    @property
    def is_number(self) -> bool:
        """Whether the value is a number."""
        return self in {Kind.INTEGER, Kind.FLOAT}

    @property
    def is_region(self) -> bool:
        """Whether the value is a point or a region on the sky."""
        return self in {Kind.POINT, Kind.CIRCLE, Kind.POLYGON}


_META = {
    Kind.INTEGER: ColumnMeta("", "int"),
    Kind.FLOAT: ColumnMeta("", "double"),
    Kind.TEXT: ColumnMeta("", "unicodeChar", "*"),
    Kind.BOOLEAN: ColumnMeta("", "boolean"),
    Kind.TIMESTAMP: ColumnMeta("", "char", "*", "timestamp"),
    Kind.ARRAY: ColumnMeta("", "double", "*"),
    Kind.POINT: ColumnMeta("", "double", "2", "point", unit="deg"),
    Kind.CIRCLE: ColumnMeta("", "double", "3", "circle", unit="deg"),
    Kind.POLYGON: ColumnMeta("", "double", "*", "polygon", unit="deg"),
    Kind.NULL: ColumnMeta("", "char", "*"),
}


@dataclass(frozen=True, eq=False)
class Value:
    """The translation of an expression.

    Attributes:
        text: SQL that can stand as an operand, without brackets around it.
        kind: What sort of value it is.
        meta: Type, unit and description for the answer's column; a bare column has all that TAP_SCHEMA says
            of it.
        constant: The value itself where the query writes it: int, float or str; else None.
        column: The column that the value is, where it is nothing else.
        truth: The condition of which the value 1 or 0 says whether it is true; None for other values.
        coordinates: The coordinates of a region in degrees, where they are known one by one; else empty.
        distance: The two positions (ra, dec, ra, dec) whose distance the value is; empty for other values.
        cone: Right ascension, declination and radius in degrees, where the value says whether a galaxy of the
            row lies in that circle of constants; else None.
        likeness: The search vector's distance that the value is; None for other values.
        name: The name of the answer's column where the query gives none; may be empty.
    """

    text: sql.Composed
    kind: Kind
    meta: ColumnMeta
    constant: int | float | str | None = None
    column: "Column | None" = None
    truth: sql.Composed | None = None
    coordinates: tuple["Value", ...] = ()
    distance: tuple["Value", ...] = ()
    cone: tuple[float, float, float] | None = None
    likeness: "Likeness | None" = None
    name: str = ""

    @property
    def is_repeatable(self) -> bool:
        """Whether its text may be written more than once."""
        return is_repeatable(self.text)

    def with_name(self, name: str) -> "Value":
        """The same value with another name for the answer's column."""
        return replace(self, name=name)


@dataclass(frozen=True, eq=False)
class Likeness:
    """The distance of a galaxy's search vector from a vector that is the same for all rows.

    Attributes:
        source: The table in FROM that holds the galaxies.
        vector: The vector that they are compared with: SQL that names nothing of FROM.
    """

    source: object
    vector: sql.Composed


@dataclass(eq=False, slots=True)
class Column:
    """A column that can be named at some place of a query.

    Attributes:
        name: The column's name in ADQL.
        meta: The column's type, unit and description.
        stored_as: The column's name in Postgres.
        alias: The alias in SQL of the table that it belongs to.
        source: The table in FROM that it belongs to; None for a column that a join made of two.
        merged_text: The SQL of a column that a join made of two; None for others.
        weight: Pieces of SQL that Postgres puts in the column's place where it is one of a sub-query; else 0.
    """

    name: str
    meta: ColumnMeta
    stored_as: str
    alias: str
    source: object = None
    merged_text: sql.Composed | None = None
    weight: int = 0

    @property
    def text(self) -> sql.Composed:
        """The column in SQL, as the query names it."""
        return self.merged_text or emit(sql.Identifier(self.alias, self.stored_as))

    @property
    def value(self) -> Value:
        """The column as an expression."""
        return Value(self.text, column_kind(self.meta), self.meta, column=self, name=self.name)


def is_repeatable(text: sql.Composed, max_pieces: int = MAX_OPERAND_PIECES) -> bool:
    """Whether some SQL may be written more than once: it is short, and gives the same each time."""
    return piece_count(text) <= max_pieces and RANDOM not in text


def make_value(text: sql.Composed, kind: Kind, unit: str = "", datatype: str = "") -> Value:
    """Make a value that is not a column."""
    meta = _META[kind]
    if unit or datatype:
        meta = replace(meta, unit=unit or meta.unit, datatype=datatype or meta.datatype)
    return Value(text, kind, meta)


def as_double(number: Value) -> sql.Composed:
    """A number as double precision, in SQL."""
    return number.text if number.meta.datatype == "double" else emit(number.text, "::double precision")


def make_text_value(text: sql.Composed, operands: Sequence[Value] = ()) -> Value:
    """Make a text that is not a column: in ASCII, as `char` is, where all its operands are."""
    is_ascii = all(one.kind is not Kind.TEXT or one.meta.datatype == "char" for one in operands)
    return make_value(text, Kind.TEXT, datatype="char" if is_ascii else "unicodeChar")


NULL_TEXT = make_text_value(emit("NULL::text"))
NULL_NUMBER = make_value(emit("NULL::double precision"), Kind.FLOAT)
"""Postgres does not always find out what a bare NULL is meant to be."""


def column_kind(meta: ColumnMeta) -> Kind:
    """Find what sort of value a column holds."""
    region = {"point": Kind.POINT, "circle": Kind.CIRCLE, "polygon": Kind.POLYGON}.get(meta.xtype)
    if region is not None and meta.is_array:
        return region
    if meta.is_text:
        return Kind.TIMESTAMP if meta.xtype == "timestamp" else Kind.TEXT
    if meta.is_array:
        return Kind.ARRAY
    if meta.datatype == "boolean":
        return Kind.BOOLEAN
    return Kind.INTEGER if meta.datatype in _INTEGER_DATATYPES else Kind.FLOAT
