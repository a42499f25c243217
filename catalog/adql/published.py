"""The tables and columns that queries may name: those of TAP_SCHEMA, and those that came with a query."""

from dataclasses import dataclass, field, replace

from catalog.columns import ColumnMeta


@dataclass(frozen=True)
class PublishedColumn:
    """A column that queries may name.

    Attributes:
        meta: The column as TAP_SCHEMA describes it; `meta.name` is its name in ADQL.
        stored_as: The column's name in Postgres.
        is_indexed: Whether a condition on the column is fast.
        is_principal: Whether the column belongs to a first look at the table.
        is_standard: Whether a standard of the Virtual Observatory defines the column.
    """

    meta: ColumnMeta
    stored_as: str
    is_indexed: bool = False
    is_principal: bool = False
    is_standard: bool = False


@dataclass(frozen=True)
class PublishedTable:
    """A table that queries may name.

    Attributes:
        schema: The schema's name in ADQL: galcat, tap_schema, ivoa, or TAP_UPLOAD.
        name: The table's name in ADQL, without the schema.
        relation: The schema and the name of the table in Postgres.
        columns: The columns that queries may name, in the order of TAP_SCHEMA.
        description: A sentence that says what a row is.
        search_column: The name in Postgres of the column of vectors, halfvec(40), that morph_distance
            compares; empty where the table has none. Queries cannot name it.
        search_array: The name in Postgres of a column that holds the same vectors as real[] and that queries
            may name; empty where the table has none.
        has_sky_index: Whether an index finds the table's rows by its columns `ra` and `dec`.
        rows: The number of rows, where it is known, as of a table that came with the query; else None.
    """

    schema: str
    name: str
    relation: tuple[str, str]
    columns: tuple[PublishedColumn, ...]
    description: str = ""
    search_column: str = ""
    search_array: str = ""
    has_sky_index: bool = False
    rows: int | None = None

    @property
    def is_upload(self) -> bool:
        """Whether the table came with the query."""
        return self.schema.lower() == "tap_upload"


@dataclass(frozen=True)
class Published:
    """All tables that queries may name.

    Attributes:
        tables: Every table that a query may name.
        schemas: The description of each schema, by the schema's name.
    """

    tables: tuple[PublishedTable, ...]
    schemas: dict[str, str] = field(default_factory=dict)

    def with_uploads(self, uploads: tuple[PublishedTable, ...]) -> "Published":
        """The same tables and those that came with a query."""
        return replace(self, tables=(*self.tables, *uploads))
