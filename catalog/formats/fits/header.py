"""The headers of a FITS file with one binary table."""

from collections.abc import Sequence

from astropy.io import fits

from catalog.columns import UNSIGNED_LONG
from catalog.formats.fits.cells import ascii_text, form
from catalog.formats.fits.shape import FitsShape
from catalog.formats.writer import Ending, Heading


def primary_header() -> bytes:
    """The header of the empty image that every FITS file begins with."""
    cards = [("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)]
    return bytes(fits.Header(cards).tostring().encode("ascii"))


def table_header(
    shapes: Sequence[FitsShape],
    row_bytes: int,
    n_rows: int,
    heap_bytes: int,
    heading: Heading,
    ending: Ending,
) -> bytes:
    """The header of the table: columns (TUCDn and TCOMMn as TOPCAT has them), QUERY, OVERFLOW, any ERROR."""
    header = fits.Header(
        [
            ("XTENSION", "BINTABLE"),
            ("BITPIX", 8),
            ("NAXIS", 2),
            ("NAXIS1", row_bytes),
            ("NAXIS2", n_rows),
            ("PCOUNT", heap_bytes),
            ("GCOUNT", 1),
            ("TFIELDS", len(shapes)),
        ]
    )
    for i, shape in enumerate(shapes, 1):
        for name, value in _column_cards(shape, heap_bytes).items():
            header[f"{name}{i}"] = value
    header["EXTNAME"] = "RESULT"
    header["OVERFLOW"] = (ending.is_cut, "there are more rows than were asked for")
    texts = {"QUERY": heading.query, "ERROR": ending.error}
    for name, text in texts.items():
        if text:
            header[name] = ascii_text(" ".join(text.split()))
    for name, text in heading.info.items():
        header.add_comment(ascii_text(" ".join(f"{name}: {text}".split())))
    return bytes(header.tostring().encode("ascii"))


def _column_cards(shape: FitsShape, heap_bytes: int) -> dict[str, str | int]:
    column = shape.column
    texts = {"TUNIT": column.unit, "TUCD": column.ucd, "TCOMM": column.description}
    cards: dict[str, str | int] = {"TTYPE": ascii_text(column.name), "TFORM": form(shape, heap_bytes)}
    cards |= {name: ascii_text(text) for name, text in texts.items() if text}
    if column.datatype == UNSIGNED_LONG:
        cards["TZERO"] = 2**63
    if shape.null is not None:
        cards["TNULL"] = shape.null - (2**63 if column.datatype == UNSIGNED_LONG else 0)
    return cards
