"""Tasks, what people say, and what is learnt from it."""

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from catalog.schema.metadata import metadata

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
