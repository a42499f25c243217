"""Published tables as TAP_SCHEMA describes them, without a database: what translations need and no more."""

from catalog.adql.published import Published, PublishedColumn, PublishedTable
from catalog.adql.translate import translate
from catalog.adql.translation import Translation
from catalog.columns import ColumnMeta
from tests.catalog.adql.adql_catalogue import uploads

_POSITION = ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")
_GALAXY = (
    ColumnMeta("object_id", "long", ucd="meta.id;meta.main", description="Identifies a galaxy."),
    ColumnMeta("ra", "double", unit="deg", ucd=_POSITION[0], description="Right ascension, ICRS."),
    ColumnMeta("dec", "double", unit="deg", ucd=_POSITION[1], description="Declination, ICRS."),
    ColumnMeta("healpix29", "long", description="Nested HEALPix cell of order 29."),
    ColumnMeta("mag_r", "float", unit="mag", ucd="phot.mag;em.opt.R", description="Magnitude in r."),
    ColumnMeta("mag_g", "float", unit="mag", ucd="phot.mag;em.opt.B", description="Magnitude in g."),
    ColumnMeta("shape_r", "float", unit="arcsec", description="Half-light radius."),
    ColumnMeta("n_views", "short", description="Views of the picture."),
    ColumnMeta("tile_id", "int", description="Identifies a tile."),
    ColumnMeta("survey", "char", "*", description="Name of the survey."),
    ColumnMeta("tile", "unicodeChar", "*", description="Name of the tile."),
)
_TILE = (
    ColumnMeta("name", "char", "*", description="Name of the tile."),
    ColumnMeta("ra", "double", unit="deg", description="Right ascension of the middle."),
    ColumnMeta("finished_at", "char", "*", xtype="timestamp", description="When it was done."),
    ColumnMeta("s_region", "double", "*", xtype="polygon", unit="deg", description="Corners."),
)
_RELEASE = (
    ColumnMeta("name", "char", "*"),
    ColumnMeta("is_current", "boolean"),
    ColumnMeta("created_at", "char", "*", xtype="timestamp"),
    ColumnMeta("size", "int", description="A reserved word."),
)
_OBSCORE = (
    ColumnMeta("obs_id", "char", "*", utype="DataID.observationID"),
    ColumnMeta("s_region", "char", "*", xtype="adql:REGION"),
)
_COLUMNS = (ColumnMeta("column_name", "char", "*"), ColumnMeta("size", "int"))
_EMBEDDING = (ColumnMeta("object_id", "long"), ColumnMeta("search", "float", "*"))


class AdqlTranslator:
    """Translates what an `AdqlCatalogue` asks, without a database."""

    def __init__(self) -> None:
        self.published = small_published()

    def translated(self, query: str, most: int | None = None) -> Translation:
        return translate(query, self.published, most)

    def names(self, query: str) -> list[str]:
        """What the answer's columns are called."""
        return [column.name for column in self.translated(query).columns]


def small_published() -> Published:
    """Galaxies, their vectors, tiles, releases, tables of ObsCore and TAP_SCHEMA, and four uploads."""
    tables = (
        _table("galcat", "galaxy", _GALAXY, search_column="search", has_sky_index=True),
        _table("galcat", "embedding", _EMBEDDING, search_array="search"),
        _table("galcat", "tile", _TILE),
        _table("galcat", "release", _RELEASE),
        _table("ivoa", "obscore", _OBSCORE),
        _table("tap_schema", "columns", _COLUMNS),
    )
    return Published(tables, {"galcat": "Galaxies.", "ivoa": "ObsCore."}).with_uploads(uploads())


def _table(
    schema: str,
    name: str,
    columns: tuple[ColumnMeta, ...],
    *,
    search_column: str = "",
    search_array: str = "",
    has_sky_index: bool = False,
) -> PublishedTable:
    return PublishedTable(
        schema,
        name,
        (schema if name == "galaxy" else "galcat_tap", name),
        tuple(PublishedColumn(meta, meta.name) for meta in columns),
        search_column=search_column,
        search_array=search_array,
        has_sky_index=has_sky_index,
    )
