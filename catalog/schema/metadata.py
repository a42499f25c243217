"""The schema that every mirrored table belongs to."""

from sqlalchemy import MetaData

metadata = MetaData(schema="galcat")
