"""The tables and columns of schema `galcat` as Python names them: a typed mirror of `sql/` for SQLAlchemy.

`sql/` alone makes and changes the database, and a test compares the two in both directions. The mirror serves
three ends. The statements that write tiles, releases and versions of models, and those that find a release or
a version by its columns, are built from it, so that a misspelt column fails before Postgres is asked;
`catalog.database.statements` runs them. Records name their columns by it. And the columns of the votes are
spelt out here once, from the questions. All else is SQL as text: what copies rows, searches, joins, or calls
functions of the schema.
"""

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
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from catalog.constants import BANDS, SEARCH_DIMENSION

QUESTIONS: dict[str, tuple[str, ...]] = {
    "smooth_or_featured": ("smooth", "featured_or_disk", "artifact"),
    "disk_edge_on": ("yes", "no"),
    "has_spiral_arms": ("yes", "no"),
    "bar": ("strong", "weak", "no"),
    "bulge_size": ("dominant", "large", "moderate", "small", "none"),
    "how_rounded": ("round", "in_between", "cigar_shaped"),
    "edge_on_bulge": ("boxy", "none", "rounded"),
    "spiral_winding": ("tight", "medium", "loose"),
    "spiral_arm_count": ("1", "2", "3", "4", "more_than_4", "cant_tell"),
    "merging": ("none", "minor_disturbance", "major_disturbance", "merger"),
}
FRACTIONS = tuple(f"{q}_{answer}_fraction" for q, answers in QUESTIONS.items() for answer in answers)
CONCENTRATIONS = tuple(f"{q}_concentration" for q in QUESTIONS)
PROPORTIONS_ASKED = tuple(f"{q}_proportion_asked" for q in QUESTIONS)

metadata = MetaData(schema="galcat")

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

task = Table(
    "task",
    metadata,
    Column("task_id", SmallInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("classes", ARRAY(Text), nullable=False),
    Column("owner", Text, nullable=False),
    Column("has_column", Boolean, nullable=False),
    Column("is_dropped", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

label = Table(
    "label",
    metadata,
    Column("label_id", BigInteger, primary_key=True),
    Column("task", Text, nullable=False),
    Column("object_id", BigInteger, nullable=False),
    Column("answer", Text),
    Column("rating", REAL),
    Column("labeller", Text, nullable=False),
    Column("labelled_at", DateTime(timezone=True), nullable=False),
    Column("origin", Text, nullable=False),
)

tag = Table(
    "tag",
    metadata,
    Column("tag_id", BigInteger, primary_key=True),
    Column("object_id", BigInteger, nullable=False),
    Column("tag", Text, nullable=False),
    Column("is_withdrawn", Boolean, nullable=False),
    Column("labeller", Text, nullable=False),
    Column("labelled_at", DateTime(timezone=True), nullable=False),
    Column("origin", Text, nullable=False),
)

task_version = Table(
    "task_version",
    metadata,
    Column("version_id", Integer, primary_key=True),
    Column("task", Text, nullable=False),
    Column("release_id", SmallInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("method", Text, nullable=False),
    Column("labels_seen", BigInteger, nullable=False),
    Column("model", LargeBinary, nullable=False),
    Column("report", JSONB, nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("refused", Text),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

interest_round = Table(
    "interest_round",
    metadata,
    Column("task", Text, primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("release_id", SmallInteger),
    Column("labels_seen", BigInteger, nullable=False),
    Column("ratings", Integer, nullable=False),
    Column("model", LargeBinary),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

interest_offer = Table(
    "interest_offer",
    metadata,
    Column("task", Text, primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("place", SmallInteger, primary_key=True),
    Column("object_id", BigInteger, nullable=False),
    Column("expected_improvement", REAL),
    Column("interest", REAL),
    Column("uncertainty", REAL),
)

interest_top = Table(
    "interest_top",
    metadata,
    Column("task", Text, primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("object_id", BigInteger, nullable=False),
    Column("interest", REAL, nullable=False),
    Column("uncertainty", REAL, nullable=False),
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
