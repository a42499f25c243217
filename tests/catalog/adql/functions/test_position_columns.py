"""Columns of a table that came with a query, taken for a position: refused where they are something else."""

import io

import pytest

from catalog.adql.errors import AdqlError
from catalog.adql.published import Published, PublishedColumn, PublishedTable
from catalog.adql.translate import translate
from catalog.tap.uploads.read import read_upload
from tests.catalog.adql.small_published import small_published


def with_upload(content: bytes) -> Published:
    table = read_upload(io.BytesIO(content), None, "u")
    columns = tuple(PublishedColumn(column, f"c{i}") for i, column in enumerate(table.columns, 1))
    return small_published().with_uploads(
        (PublishedTable("TAP_UPLOAD", "u", ("tap_upload", "u9"), columns, rows=1),)
    )


def votable(coosys: str, *fields: str) -> bytes:
    declared = "".join(f'<FIELD datatype="double" {field}/>' for field in fields)
    cells = "<TD>1</TD>" * len(fields)
    return (
        f'<VOTABLE version="1.4"><RESOURCE>{coosys}<TABLE>{declared}<DATA><TABLEDATA><TR>{cells}</TR>'
        "</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


USES = (
    "POINT(u.{0}, u.{1})",
    "POINT('ICRS', u.{0}, u.{1})",
    "CIRCLE(u.{0}, u.{1}, 0.1)",
    "BOX(u.{0}, u.{1}, 1, 1)",
    "POLYGON(0, 0, u.{0}, u.{1}, 2, 3)",
    "DISTANCE(g.ra, g.dec, u.{0}, u.{1})",
)
TABLES = (
    (b"GLON,GLAT\n1,2\n", "GLON", "GLAT", "GLON and GLAT are in galactic by their names"),
    (b"RAB1950,DEB1950\n1,2\n", "RAB1950", "DEB1950", "are in FK4 B1950 by their names"),
    (b"ELON,ELAT\n1,2\n", "ELON", "ELAT", "ELON and ELAT are ecliptic by their names"),
    (b"x,dec,ra\n1,2,3\n", "dec", "ra", "dec and ra are latitude and longitude by their names"),
    (
        votable("", 'name="x" ucd="pos.galactic.lon"', 'name="y" ucd="pos.galactic.lat"'),
        "x",
        "y",
        "x and y are in galactic by their UCDs",
    ),
    (
        votable('<COOSYS ID="f" system="eq_FK4" equinox="B1950"/>', 'name="x" ref="f"', 'name="y" ref="f"'),
        "x",
        "y",
        "x is in FK4 B1950 by its file",
    ),
    (votable("", 'name="x" unit="rad"', 'name="y" unit="rad"'), "x", "y", "x is in rad"),
)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(("content", "ra", "dec", "said"), TABLES, ids=[table[3] for table in TABLES])
def test_columns_of_another_frame_or_unit_are_no_position(
    content: bytes, ra: str, dec: str, said: str, use: str
) -> None:
    query = f"SELECT {use.format(ra, dec)} AS p FROM galcat.galaxy AS g, TAP_UPLOAD.u"

    with pytest.raises(AdqlError) as error:
        translate(query, with_upload(content))

    assert said in str(error.value)
    assert str(error.value).endswith(
        "positions here are ICRS degrees, so convert them before the table is sent"
    )


@pytest.mark.parametrize("use", USES)
def test_columns_of_icrs_and_what_a_query_computes_are_positions(use: str) -> None:
    published = with_upload(b"RAJ2000,DEJ2000,GLON,GLAT\n1,2,3,4\n")
    tables = "FROM galcat.galaxy AS g, TAP_UPLOAD.u"

    assert translate(f"SELECT {use.format('RAJ2000', 'DEJ2000')} AS p {tables}", published).columns
    assert translate(f"SELECT {use.format('GLON + 0', 'GLAT + 0')} AS p {tables}", published).columns
