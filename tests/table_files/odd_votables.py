"""Small VOTables of every type, serialisation and frame, and what is wrong with some."""

import base64
import struct


def votable(
    fields: str, rows: str = "", *, before: str = "", after: str = "", data: str | None = None
) -> bytes:
    """A document of one table."""
    inside = f"<DATA><TABLEDATA>{rows}</TABLEDATA></DATA>" if data is None else data
    return (
        '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f'<RESOURCE>{before}<TABLE name="t">{fields}{inside}</TABLE>{after}</RESOURCE></VOTABLE>'
    ).encode()


def row(*cells: object) -> str:
    return "<TR>" + "".join(f"<TD>{cell}</TD>" for cell in cells) + "</TR>"


def votables() -> dict[str, bytes]:
    """VOTables of every type and serialisation, and of what no VOTable has."""
    kinds = ("boolean", "bit", "unsignedByte", "short", "int", "long", "float", "double")
    scalars = "".join(f'<FIELD name="{kind}" datatype="{kind}"/>' for kind in kinds)
    nulls = "".join(
        f'<FIELD name="n{kind}" datatype="{kind}"><VALUES null="{null}"/></FIELD>'
        for kind, null in (
            ("short", "-99"),
            ("long", "0x10"),
            ("float", "-99.9"),
            ("double", "-1"),
            ("int", "x"),
        )
    )
    text = (
        '<FIELD name="a" datatype="char" arraysize="*" ucd="meta.id" unit="mag"><DESCRIPTION>The\n  name'
        '</DESCRIPTION></FIELD><FIELD name="b" datatype="unicodeChar" arraysize="5"/>'
        '<FIELD name="c" datatype="char"/><FIELD name="d" datatype="char" arraysize="*">'
        '<VALUES null="none"/></FIELD>'
    )
    arrays = (
        '<FIELD name="v" datatype="float" arraysize="3"/><FIELD name="w" datatype="int" arraysize="*"/>'
        '<FIELD name="x" datatype="double" arraysize="2*"><VALUES null="-1"/></FIELD>'
    )
    place = "".join(f'<FIELD name="{name}" datatype="double" unit="deg"{{0}}/>' for name in ("ra", "dec"))
    n = '<FIELD name="n" datatype="int"/>'
    full = row("T", 1, 255, "-3", "0x1F", 2**62 + 1, "1.5", "-2e3")
    status = '<INFO name="QUERY_STATUS" value="{}">no such column</INFO>'
    found = {
        "scalars.vot": votable(scalars, full + row("?", *[""] * 7)),
        "nulls.vot": votable(
            nulls, row("-99", "16", "-99.9", "-1", "5") + row("1", "0x11", "NaN", "+inf", "")
        ),
        "text.vot": votable(text, row(" x ", "\xe9\xe8", "c", "none") + row("", "a&lt;b", "", "some")),
        "arrays.vot": votable(arrays, row("1 2 3", "4,5", "-1 2") + row("NaN NaN NaN", "", "-1 -1")),
        "shortarray.vot": votable(arrays, row("1 2", "4", "1")),
        "badnumber.vot": votable(scalars, row("T", 1, 255, "3.5", *[""] * 4)),
        "badtruth.vot": votable(scalars, row("maybe", *[""] * 7)),
        "underscore.vot": votable(scalars, row("T", 1, 1, 1, "1_000", *[""] * 3)),
        "complex.vot": votable('<FIELD name="z" datatype="doubleComplex"/>' + n, row("1 2", 3)),
        "cube.vot": votable(
            '<FIELD name="z" datatype="int" arraysize="2x2"/>' + n,
            row("1 2 3 4", 3),
        ),
        "bits.vot": votable('<FIELD name="z" datatype="bit" arraysize="9"/>' + n, row("1", 3)),
        "untyped.vot": votable('<FIELD name="z"/><FIELD name="y" datatype="string"/>' + n, row(1, 2, 3)),
        "shape.vot": votable('<FIELD name="z" datatype="int" arraysize="two"/>', row(1)),
        "times.vot": votable(
            '<FIELD name="t" datatype="char" arraysize="*" xtype="timestamp"/>', row("2020-01-01T00:00:00")
        ),
        "headless.vot": votable("", row(1)),
        "rowless.vot": votable(scalars),
        "dataless.vot": votable(scalars, data=""),
        "fewcells.vot": votable(scalars, row("T", 1)),
        "manycells.vot": votable(n, row(1, 2)),
        "overflow.vot": votable(place.format(""), row(1, 2), after=status.format("OVERFLOW")),
        "error.vot": votable("", after=status.format("ERROR"), data=""),
        "silent.vot": votable("", after='<INFO name="QUERY_STATUS" value="ERROR"/>', data=""),
        "cut.vot": votable(scalars, full)[:-40],
        "doctype.vot": b'<!DOCTYPE VOTABLE SYSTEM "x.dtd"><VOTABLE/>',
        "other.vot": b"<kml><a/></kml>",
    }
    for name, system in {
        "icrs": 'system="ICRS"',
        "fk4": 'system="eq_FK4" equinox="B1950"',
        "fk5": 'system="eq_FK5" equinox="J1975"',
        "galactic": 'system="galactic"',
        "ecliptic": 'system="ecl_FK5"',
        "epochless": 'system="eq_FK4"',
    }.items():
        found[f"{name}.vot"] = votable(
            place.format(' ref="s"'), row(150.25, 2.5), before=f'<COOSYS ID="s" {system}/>'
        )
    record = struct.pack(">qd", 2**62 + 1, 1.5) + struct.pack(">qd", -1, float("nan"))
    two = '<FIELD name="id" datatype="long"/><FIELD name="x" datatype="double"/>'
    binary = '<DATA><{0}><STREAM encoding="base64">{1}</STREAM></{0}></DATA>'
    flagged = b"".join(bytes([flag]) + record[16 * i : 16 * i + 16] for i, flag in enumerate((0, 0b10000000)))
    for name, kind, content in (
        ("binary", "BINARY", record),
        ("binary2", "BINARY2", flagged),
        ("cutstream", "BINARY", record[:20]),
    ):
        found[f"{name}.vot"] = votable(two, data=binary.format(kind, base64.b64encode(content).decode()))
    found["everybinary.vot"] = votable(
        "".join(f'<FIELD name="c{i}" {kind}/>' for i, kind in enumerate(_BINARY_KINDS)),
        data=binary.format("BINARY", base64.b64encode(_every_binary()).decode()),
    )
    found["elsewhere.vot"] = votable(two, data='<DATA><BINARY><STREAM href="http://x.y/z"/></BINARY></DATA>')
    return found


_BINARY_KINDS = (
    'datatype="boolean"',
    'datatype="boolean" arraysize="3"',
    'datatype="unsignedByte"',
    'datatype="short"',
    'datatype="int" arraysize="*"',
    'datatype="float"',
    'datatype="double" arraysize="2"',
    'datatype="char"',
    'datatype="char" arraysize="4"',
    'datatype="char" arraysize="*"',
    'datatype="unicodeChar" arraysize="*"',
)


def _every_binary() -> bytes:
    """Two rows of `_BINARY_KINDS`, as BINARY has them."""

    def counted(values: bytes, n: int) -> bytes:
        return struct.pack(">i", n) + values

    one = (b"T", b"TFt", b"\xff", struct.pack(">h", -3), counted(struct.pack(">2i", 7, -8), 2))
    other = (b"?", b"10f", b"\0", struct.pack(">h", 0), counted(b"", 0))
    more = (struct.pack(">f", 1.5), struct.pack(">2d", 0.25, float("nan")), b"x", b"ab\0\0")
    less = (struct.pack(">f", float("nan")), struct.pack(">2d", *[float("nan")] * 2), b"\0", b"abcd")
    texts = counted(b"word", 4) + counted("\xe9\u2212".encode("utf-16-be"), 2)
    return b"".join((*one, *more, texts, *other, *less, counted(b"", 0), counted(b"", 0)))
