"""Refuses columns as a position that, by what is known of them, are none in ICRS degrees."""

from catalog.adql.errors import AdqlError
from catalog.adql.value import Value
from table_files.sky.axis import find_axis
from table_files.sky.column_frame import FrameError, judge_axes

_REMEDY = "positions here are ICRS degrees, so convert them before the table is sent"
_OTHER_UNITS = {
    "rad",
    "radian",
    "radians",
    "hourangle",
    "hour",
    "hours",
    "h",
    "hr",
    "arcmin",
    "arcsec",
    "mas",
}


def require_icrs_columns(ra: Value, dec: Value, offset: int | None) -> None:
    """Refuse two columns that are taken for right ascension and declination, and are something else.

    Only plain columns are looked at: what a query computes is its own.

    Args:
        ra: What is taken for right ascension.
        dec: What is taken for declination.
        offset: Where the first of them begins in the query's text.

    Raises:
        AdqlError: A name, a UCD, a unit or the file that they came in says that they are of another frame, in
            another unit, or the other way round.
    """
    if ra.column is None or dec.column is None:
        return
    metas = [ra.column.meta, dec.column.meta]
    pair = f"{ra.column.name} and {dec.column.name}"
    for meta in metas:
        if meta.frame:
            raise AdqlError(f"{meta.name} is in {meta.frame} by its file: {_REMEDY}", offset)
        if meta.unit.strip().lower() in _OTHER_UNITS:
            raise AdqlError(f"{meta.name} is in {meta.unit}: {_REMEDY}", offset)
    try:
        frame = judge_axes(pair, [find_axis(meta.name, meta.ucd, meta.description) for meta in metas])
    except FrameError as error:
        raise AdqlError(f"{error.said}: {_REMEDY}", offset) from None
    if frame is not None:
        raise AdqlError(f"{pair} are in {frame} by their {frame.keyword}: {_REMEDY}", offset)
