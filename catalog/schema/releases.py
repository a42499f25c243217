"""Releases of encoders, and what each says of every galaxy."""

from pgvector.sqlalchemy import HALFVEC
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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from catalog.constants import SEARCH_DIMENSION
from catalog.questions import CONCENTRATIONS, FRACTIONS
from catalog.schema.metadata import metadata

release = Table(
    "release",
    metadata,
    Column("release_id", SmallInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("weights_sha256", Text, nullable=False),
    Column("backbone", Text, nullable=False),
    Column("recipe", JSONB, nullable=False),
    Column("view_set", SmallInteger, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("projection_mean", ARRAY(REAL), nullable=False),
    Column("projection_components", ARRAY(REAL), nullable=False),
    Column("projection_deviations", ARRAY(REAL), nullable=False),
    Column("projection_scale", REAL, nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("anomaly_reference", LargeBinary),
    Column("measured", JSONB),
)

embedding = Table(
    "embedding",
    metadata,
    Column("object_id", BigInteger, primary_key=True),
    Column("release_id", SmallInteger, primary_key=True),
    Column("search", HALFVEC(SEARCH_DIMENSION), nullable=False),
)

embedding_full = Table(
    "embedding_full",
    metadata,
    Column("object_id", BigInteger, primary_key=True),
    Column("release_id", SmallInteger, primary_key=True),
    Column("vector", HALFVEC, nullable=False),
    Column("picture_digest", BigInteger),
)

morphology = Table(
    "morphology",
    metadata,
    Column("object_id", BigInteger, primary_key=True),
    Column("release_id", SmallInteger, primary_key=True),
    *(Column(name, REAL, nullable=False) for name in FRACTIONS + CONCENTRATIONS),
    Column("anomaly_score", REAL),
    Column("framing_flag", SmallInteger),
    Column("domain_distance", REAL),
    Column("network_posterior", ARRAY(REAL)),
)

attribute_axis = Table(
    "attribute_axis",
    metadata,
    Column("release_id", SmallInteger, primary_key=True),
    Column("attribute", Text, primary_key=True),
    Column("axis", HALFVEC(SEARCH_DIMENSION), nullable=False),
    Column("galaxies", BigInteger, nullable=False),
)

calibration = Table(
    "calibration",
    metadata,
    Column("release_id", SmallInteger, primary_key=True),
    Column("survey_id", SmallInteger, primary_key=True),
    Column("question", Text, primary_key=True),
    Column("temperature", Double, nullable=False),
    Column("shifts", ARRAY(Double), nullable=False),
    Column("report", JSONB, nullable=False),
    Column("votes_file", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

release_map = Table(
    "release_map",
    metadata,
    Column("release_id", SmallInteger, primary_key=True),
    Column("object_ids", LargeBinary, nullable=False),
    Column("places", LargeBinary, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

recall = Table(
    "recall",
    metadata,
    Column("release_id", SmallInteger, primary_key=True),
    Column("measured_at", DateTime(timezone=True), primary_key=True),
    Column("occasion", Text, nullable=False),
    Column("recall", REAL, nullable=False),
    Column("nearest", SmallInteger, nullable=False),
    Column("queries", Integer, nullable=False),
    Column("vectors", BigInteger, nullable=False),
    Column("vacuumed_at", DateTime(timezone=True)),
)

galaxy_change = Table(
    "galaxy_change",
    metadata,
    Column("change_id", BigInteger, primary_key=True),
    Column("transaction_id", BigInteger, nullable=False),
    Column("changed_ids", ARRAY(BigInteger)),
)

neighbour_graph = Table(
    "neighbour_graph",
    metadata,
    Column("graph_id", Integer, primary_key=True),
    Column("release_id", SmallInteger, nullable=False),
    Column("nearest", SmallInteger, nullable=False),
    Column("content", Text, nullable=False),
    Column("recall", REAL),
    Column("made_at", DateTime(timezone=True)),
)

neighbour_list = Table(
    "neighbour_list",
    metadata,
    Column("graph_id", Integer, primary_key=True),
    Column("object_id", BigInteger, primary_key=True),
    Column("neighbours", ARRAY(BigInteger), nullable=False),
    Column("distances", ARRAY(REAL), nullable=False),
)
