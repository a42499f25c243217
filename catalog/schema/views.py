"""What readers see: views over the tables."""

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import REAL, BigInteger, Boolean, Column, Double, SmallInteger, Table, Text

from catalog.constants import BANDS, SEARCH_DIMENSION
from catalog.questions import CONCENTRATIONS, FRACTIONS, PROPORTIONS_ASKED
from catalog.schema.labels import label, tag
from catalog.schema.metadata import metadata

neighbour = Table(
    "neighbour",
    metadata,
    Column("object_id", BigInteger),
    Column("place", BigInteger),
    Column("neighbour_id", BigInteger),
    Column("distance", REAL),
    info={"is_view": True},
)

current_release = Table(
    "current_release",
    metadata,
    Column("release_id", SmallInteger),
    Column("name", Text),
    info={"is_view": True},
)

current_label = Table(
    "current_label",
    metadata,
    *(Column(column.name, column.type) for column in label.columns),
    info={"is_view": True},
)

current_tag = Table(
    "current_tag",
    metadata,
    *(Column(column.name, column.type) for column in tag.columns if column.name != "is_withdrawn"),
    info={"is_view": True},
)

galaxy = Table(
    "galaxy",
    metadata,
    Column("object_id", BigInteger),
    Column("survey", Text),
    Column("survey_source_id", Text),
    Column("tile", Text),
    Column("ra", Double),
    Column("dec", Double),
    Column("healpix29", BigInteger),
    Column("petro_th50", REAL),
    Column("petro_th90", REAL),
    Column("shape_r", REAL),
    Column("pixel_scale_arcsec", REAL),
    *(Column(f"mag_{band}", REAL) for band in BANDS),
    *(Column(name, REAL) for name in FRACTIONS + CONCENTRATIONS + PROPORTIONS_ASKED),
    Column("anomaly_score", REAL),
    Column("framing_flag", SmallInteger),
    Column("domain_distance", REAL),
    Column("is_calibrated", Boolean),
    Column("search", HALFVEC(SEARCH_DIMENSION)),
    info={"is_view": True},
)
