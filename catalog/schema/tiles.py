"""Surveys, tiles, what became of them, and the galaxies that they hold."""

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from catalog.constants import BANDS
from catalog.schema.metadata import metadata

survey = Table(
    "survey",
    metadata,
    Column("survey_id", SmallInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("bands", ARRAY(Text), nullable=False),
    Column("definition", Text, nullable=False),
)

tile = Table(
    "tile",
    metadata,
    Column("tile_id", BigInteger, primary_key=True),
    Column("survey_id", SmallInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("ra", Double),
    Column("dec", Double),
    Column("healpix29", BigInteger),
    Column("footprint", ARRAY(Double), nullable=False),
    Column("files", ARRAY(Text), nullable=False),
    Column("folder", Text),
)

ingestion = Table(
    "ingestion",
    metadata,
    Column("tile_id", BigInteger, primary_key=True),
    Column("release_id", SmallInteger, primary_key=True),
    Column("state", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("content_hash", Text),
    Column("n_sources", Integer, nullable=False),
    Column("n_galaxies", Integer, nullable=False),
    Column("n_skipped", Integer, nullable=False),
    Column("n_failed", Integer, nullable=False),
    Column("error", Text),
    Column("attempts", Integer, nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False),
)

skipped_row = Table(
    "skipped_row",
    metadata,
    Column("tile_id", BigInteger, primary_key=True),
    Column("release_id", SmallInteger, primary_key=True),
    Column("file_row", Integer, primary_key=True),
    Column("survey_source_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("will_retry", Boolean, nullable=False),
)

source = Table(
    "source",
    metadata,
    Column("object_id", BigInteger, primary_key=True),
    Column("survey_id", SmallInteger, nullable=False),
    Column("survey_source_id", Text, nullable=False),
    Column("tile_id", BigInteger, nullable=False),
    Column("ra", Double, nullable=False),
    Column("dec", Double, nullable=False),
    Column("healpix29", BigInteger, nullable=False),
    Column("petro_th50", REAL),
    Column("petro_th90", REAL),
    Column("shape_r", REAL),
    Column("pixel_scale_arcsec", REAL),
    *(Column(f"mag_{band}", REAL) for band in BANDS),
    Column("is_retired", Boolean, nullable=False),
)

thumbnail = Table(
    "thumbnail",
    metadata,
    Column("object_id", BigInteger, primary_key=True),
    Column("jpeg", LargeBinary, nullable=False),
)

sky_count = Table(
    "sky_count",
    metadata,
    Column("cell_order", SmallInteger, primary_key=True),
    Column("cell", BigInteger, primary_key=True),
    Column("galaxies", BigInteger, nullable=False),
    Column("ra", Double, nullable=False),
    Column("dec", Double, nullable=False),
    Column("spread_deg", Double, nullable=False),
)
