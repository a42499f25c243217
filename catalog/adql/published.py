"""What may be asked for: the tables and columns of TAP_SCHEMA, and the tables that came with a query."""

from dataclasses import dataclass, field, replace

from catalog.columns import ColumnMeta


@dataclass(frozen=True)
class PublishedColumn:
    """A column that queries may name.

    Attributes:
        meta: As TAP_SCHEMA describes it; `meta.name` is its name in ADQL.
        stored_as: Its name in Postgres.
        is_indexed: Whether a condition on it is fast.
        is_principal: Whether it belongs to a first look.
        is_standard: Whether a standard defines it.
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
        schema: In ADQL: galcat, tap_schema, ivoa, or TAP_UPLOAD.
        name: In ADQL, without the schema.
        relation: Schema and name in Postgres.
        columns: In their order.
        description: A sentence.
        search_column: In Postgres, the halfvec(40) beside `object_id` that morph_distance compares; empty
            where there is none. It is no column that queries may name.
        search_array: In Postgres, a column that queries may name with the same as a real[]; or empty.
        has_sky_index: Whether its columns `ra` and `dec` are found by the index of positions.
        rows: How many rows it has, where that is known (a table that came with the query); else None.
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
        """Whether it came with the query."""
        return self.schema.lower() == "tap_upload"


@dataclass(frozen=True)
class Published:
    """All that may be asked for.

    Attributes:
        tables: Every table.
        schemas: Description of each schema by its name.
    """

    tables: tuple[PublishedTable, ...]
    schemas: dict[str, str] = field(default_factory=dict)

    def with_uploads(self, uploads: tuple[PublishedTable, ...]) -> "Published":
        """The same and the tables that came with a query."""
        return replace(self, tables=(*self.tables, *uploads))
