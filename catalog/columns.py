"""The columns that answers show, and what is said of each (`ColumnMeta`)."""

from table_files.column_meta import ColumnMeta

__all__ = ["UNSIGNED_LONG", "USUAL_COLUMNS", "ColumnMeta"]

UNSIGNED_LONG = "unsignedLong"
"""Whole numbers of 64 bits without a sign: no datatype of VOTable, but FITS and Parquet hold them."""

USUAL_COLUMNS = (
    "survey",
    "survey_source_id",
    "ra",
    "dec",
    "mag_r",
    "smooth_or_featured_smooth_fraction",
    "smooth_or_featured_featured_or_disk_fraction",
    "disk_edge_on_yes_fraction",
    "has_spiral_arms_yes_fraction",
)
"""What searches and matches show of a galaxy where nobody says which columns."""
