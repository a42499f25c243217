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


_DATA = f"<DATA><TABLEDATA>{_rows('1')}</TABLEDATA></DATA>"
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
    "other XML": (b"<page><body/></page>", "it has no table with columns"),
    "a web page": (
        b"<!-- 503 -->\n<!DOCTYPE html>\n<html><body/></html>",
        "it is no table but a web page (HTML)",
    ),
    "an error of another service": (
        votable_error("no"),
        "the service that made it says that its answer failed: no",
    ),
    "a failure after some rows": (
        VOTABLE.replace(
            "</RESOURCE>", '<INFO name="QUERY_STATUS" value="ERROR">out of time</INFO></RESOURCE>'
        )
        .format(A + _DATA)
        .encode(),
        "the service that made it says that its answer failed: out of time",
    ),
    "two tables": (
        VOTABLE.replace("</TABLE>", "</TABLE><TABLE>{}</TABLE>").format(*[A + _DATA] * 2).encode(),
        "it has several tables with data: send the one that is meant",
    ),
    "B1950": (
        VOTABLE.replace("<TABLE>", '<COOSYS ID="b" system="eq_FK4" equinox="B1950"/><TABLE>')
        .format(
            _field("ra", datatype="double", ref="b")
            + "<DATA><TABLEDATA>"
            + _rows("1")
            + "</TABLEDATA></DATA>"
        )
        .encode(),
        "column ra is in FK4 B1950 by its COOSYS, and queries take it for ICRS: convert it",
    ),
    "a number as Python writes it": (votable(A, _rows("1_000")), "row 1, column a: '1_000' is no int"),
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
    "a NUL in a text": (b"a\n" + b"x" * 9000 + b"\n\0\n", "line 3 has a NUL"),
    "nothing": (b"", "it is empty"),
    "compressed": (b"\x1f\x8b\x08\x00", "it is compressed"),
    "a picture": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "it is no table but a picture"),
    "a spreadsheet": (b"PK\x03\x04" + bytes(40), "a spreadsheet such as .xlsx: save the table as CSV"),
    "JSON": (b'{"a": [1, 2]}', "it is no table but JSON"),
    "columns in blanks": (b"id ra dec\n1 2 3\n4 5 6\n", "its cells seem to be parted by blanks"),
    "columns in bars": (b"id|ra\n1|2\n", "its cells seem to be parted by bars"),
    "YAML that refers to itself": (
        b"# %ECSV 1.0\n# ---\n# datatype:\n# - &a {name: x, datatype: int64}\n# - *a\nx\n1\n",
        "its header has YAML anchors",
    ),
    "broken Parquet": (b"PAR1" + bytes(40), "it is no Parquet that can be read"),
    "broken FITS": (b"SIMPLE  =" + bytes(4000), "it is no FITS that can be read"),
    "FITS without a table": (
        b"".join(card.ljust(80) for card in (*_CARDS, b"END")).ljust(2880),
        "it has no table",
    ),
    "ragged CSV": (b"a,b\n1,2\n3\n", _NO_CSV),
    "CSV in another encoding": ("a,b\né,1\n".encode("latin-1"), "line 2 is not in UTF-8: save it as UTF-8"),
    "a CSV with one name twice": (b"a,A\n1,2\n", "two columns are called a and A: rename one"),
}
