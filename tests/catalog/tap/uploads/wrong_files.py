"""Files that are no tables, or worse, and what is said of each."""

from catalog.formats.votable.document import votable_error

VOTABLE = '<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE><TABLE>{}</TABLE></RESOURCE></VOTABLE>'
A = '<FIELD name="a" datatype="int"/>'
B = '<FIELD name="b" datatype="int"/>'


def votable(fields: str, rows: str) -> bytes:
    """A VOTable in TABLEDATA."""
    return VOTABLE.format(f"{fields}<DATA><TABLEDATA>{rows}</TABLEDATA></DATA>").encode()


def _field(name: str, **attributes: str) -> str:
    return f'<FIELD name="{name}"{"".join(f" {key}={value!r}" for key, value in attributes.items())}/>'


def _rows(cell: str) -> str:
    return f"<TR><TD>{cell}</TD></TR>"


def _stream(fields: str, serialisation: str, stream: str) -> bytes:
    data = f"<DATA><{serialisation}><STREAM {stream}</STREAM></{serialisation}></DATA>"
    return VOTABLE.format(fields + data).encode()


_DOCTYPE = "it has a document type"
_NO_XML = "it is no XML that can be read"
_AWAY = "its data lie elsewhere"
_NO_CSV = "it is no table of separated values"
_CARDS = (
    b"SIMPLE  =                    T",
    b"BITPIX  =                    8",
    b"NAXIS   =                    0",
)

WRONG_FILES = {
    "entities": (b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><VOTABLE>&b;</VOTABLE>', _DOCTYPE),
    "an external entity": (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><VOTABLE>&f;</VOTABLE>',
        _DOCTYPE,
    ),
    "an external document type": (
        b'<!DOCTYPE VOTABLE SYSTEM "http://127.0.0.1:1/x"><VOTABLE/>',
        _DOCTYPE,
    ),
    "entities in UTF-16": ('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'.encode("utf-16"), _DOCTYPE),
    "an undeclared entity": (votable(A, _rows("&a;")), _NO_XML),
    "XML that ends early": (votable(A, _rows("1"))[:-30], _NO_XML),
    "an unknown encoding": (b'<?xml version="1.0" encoding="x-y"?><a/>', _NO_XML),
    "data at a URL": (_stream(A, "BINARY", 'href="file:///etc/passwd">'), _AWAY),
    "FITS at a URL": (_stream(A, "FITS", 'href="http://127.0.0.1:1/x">'), _AWAY),
    "Parquet at a URL": (_stream(A, "PARQUET", 'href="http://127.0.0.1:1/x">'), "its rows are in Parquet"),
    "another encoding of a stream": (_stream(A, "BINARY", 'encoding="gzip">'), _AWAY),
    "other XML": (b"<html><body/></html>", "it has no table with columns"),
    "an error of another service": (votable_error("no"), "it has no table with columns"),
    "too few cells": (votable(A + B, _rows("1")), "row 1 has 1 cells, not 2"),
    "a text for a number": (votable(A, _rows("1") + _rows("x")), "row 2, column a: 'x' is no int"),
    "complex numbers": (
        votable(_field("z", datatype="floatComplex"), ""),
        "column z is of the type floatComplex",
    ),
    "bits": (votable(_field("z", datatype="bit", arraysize="8"), ""), "column z is of the type bit"),
    "no datatype": (votable(_field("m"), ""), "column m is of the type nothing"),
    "a matrix": (votable(_field("m", datatype="int", arraysize="2x3"), ""), "column m has the shape 2x3"),
    "no name": (votable(_field("", datatype="int"), ""), "column 1 is called '', which is no name"),
    "a wrong length": (
        votable(_field("v", datatype="int", arraysize="2"), _rows("1 2 3")),
        "row 1, column v: an array of 3, where 2 are expected",
    ),
    "a time that is none": (
        votable(_field("d", datatype="char", arraysize="*", xtype="timestamp"), _rows("noon")),
        "row 1, column d: 'noon' is no time such as",
    ),
    "an array of a billion": (
        _stream(
            _field("v", datatype="double", arraysize="999999999"), "BINARY2", 'encoding="base64">AAAAAAAA'
        ),
        "row 1 cannot be read: an array of more than 100,000 numbers",
    ),
    "a stream that ends early": (
        _stream(A, "BINARY", 'encoding="base64">AAAAAQAA'),
        "in the middle of row 2",
    ),
    "a negative length": (
        _stream(_field("v", datatype="int", arraysize="*"), "BINARY", 'encoding="base64">/////wAA'),
        "its data end in the middle of row 1",
    ),
    "no base64": (_stream(A, "BINARY", 'encoding="base64">AAAAA'), "its stream is no base64"),
    "a NUL in a text": (b"a\n" + b"x" * 1000 + b"\n\0\n", "row 2, column a: a text with a NUL in it"),
    "nothing": (b"", "it is empty"),
    "compressed": (b"\x1f\x8b\x08\x00", "it is compressed"),
    "a picture": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "it is no VOTable, FITS, Parquet, CSV or TSV"),
    "broken Parquet": (b"PAR1" + bytes(40), "it is no Parquet that can be read"),
    "broken FITS": (b"SIMPLE  =" + bytes(4000), "it is no FITS that can be read"),
    "FITS without a table": (
        b"".join(card.ljust(80) for card in (*_CARDS, b"END")).ljust(2880),
        "no binary table",
    ),
    "ragged CSV": (b"a,b\n1,2\n3\n", _NO_CSV),
    "CSV in another encoding": ("a,b\né,1\n".encode("latin-1"), _NO_CSV),
    "a CSV with one name twice": (b"a,A\n1,2\n", "two columns are called a and A: rename one"),
}
