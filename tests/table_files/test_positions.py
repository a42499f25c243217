"""Positions of tables in ICRS degrees, whatever names, units, spellings and frames they have."""

from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import FK4, FK5, ICRS, Galactic, SkyCoord
from astropy.io import fits
from astropy.table import Table

from table_files.angle import parse_position
from table_files.errors import TableError
from table_files.positions import has_positions, read_positions
from table_files.read import read_table

SKY = SkyCoord([150.1, 10.25, 359.999], [2.2, -45.5, 0.001], unit="deg")


def votable(fields: str, rows: list[tuple[object, ...]], coosys: str = "") -> str:
    cells = "".join(f"<TR>{''.join(f'<TD>{cell}</TD>' for cell in row)}</TR>" for row in rows)
    return (
        f'<VOTABLE version="1.4"><RESOURCE>{coosys}<TABLE>{fields}<DATA><TABLEDATA>{cells}</TABLEDATA></DATA>'
        "</TABLE></RESOURCE></VOTABLE>"
    )


def require_sky(path: Path, tolerance_arcsec: float = 1e-6) -> None:
    found = read_positions(read_table(path))
    apart = SkyCoord(found.ra_deg, found.dec_deg, unit="deg").separation(SKY)
    assert apart.arcsec.max() < tolerance_arcsec


@pytest.mark.parametrize(
    ("coosys", "frame"),
    [
        ('system="eq_FK4" equinox="B1950"', FK4(equinox="B1950")),
        ('system="eq_FK4"', FK4(equinox="B1950")),
        ('system="eq_FK5" equinox="J1975.5"', FK5(equinox="J1975.5")),
        ('system="eq_FK5" equinox="2000."', FK5(equinox="J2000")),
        ('system="galactic"', Galactic()),
        ('system="ICRS"', SKY.frame),
        ('system="ICRS" epoch="J2015.5"', SKY.frame),
    ],
)
@pytest.mark.parametrize("is_referred_to", [True, False])
def test_the_frame_of_a_votable_is_converted_to_icrs(
    coosys: str, frame: object, is_referred_to: bool, tmp_path: Path
) -> None:
    given = SKY.transform_to(frame).spherical
    reference = ' ref="f"' if is_referred_to else ""
    fields = "".join(f'<FIELD name="{name}" datatype="double"{reference}/>' for name in ("ra", "dec"))
    rows = list(zip(given.lon.deg, given.lat.deg, strict=True))
    path = tmp_path / "t.vot"
    path.write_text(votable(fields, rows, f'<COOSYS ID="f" {coosys}/>'))

    require_sky(path)


def test_each_column_of_a_votable_has_its_own_frame(tmp_path: Path) -> None:
    old = SKY.transform_to(FK4(equinox="B1950"))
    coosys = '<COOSYS ID="old" system="eq_FK4" equinox="B1950"/><COOSYS ID="new" system="ICRS"/>'
    fields = "".join(
        f'<FIELD name="{name}" datatype="double" ref="{frame}"/>'
        for name, frame in (("RAB1950", "old"), ("DEB1950", "old"), ("_RA", "new"), ("_DE", "new"))
    )
    rows = list(zip(old.ra.deg, old.dec.deg, SKY.ra.deg, SKY.dec.deg, strict=True))
    path = tmp_path / "t.vot"
    path.write_text(votable(fields, rows, coosys))

    require_sky(path)
    found = read_positions(read_table(path), "RAB1950", "DEB1950")
    np.testing.assert_allclose(found.ra_deg, SKY.ra.deg, atol=1e-9)
    with pytest.raises(TableError, match="_RA and DEB1950 are in different frames"):
        read_positions(read_table(path), "_RA", "DEB1950")


@pytest.mark.parametrize(
    ("cards", "frame"),
    [
        ({"RADESYS": "FK4", "EQUINOX": 1950.0}, FK4(equinox="B1950")),
        ({"RADECSYS": "FK5", "EQUINOX": 1975.0}, FK5(equinox="J1975")),
        ({"EQUINOX": 1950.0}, FK4(equinox="B1950")),
        ({"RADESYS": "ICRS", "EQUINOX": 2000.0}, SKY.frame),
        ({}, SKY.frame),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_the_frame_of_a_fits_table_is_converted_to_icrs(
    cards: dict[str, object], frame: object, place: int, tmp_path: Path
) -> None:
    given = SKY.transform_to(frame)
    hdus = fits.HDUList(
        [fits.PrimaryHDU(), fits.table_to_hdu(Table({"RA": given.ra.deg, "DEC": given.dec.deg}))]
    )
    hdus[place].header.update(cards)
    hdus.writeto(tmp_path / "t.fits")

    require_sky(tmp_path / "t.fits")


@pytest.mark.parametrize("system", ["ecl_FK5", "supergalactic", "MARS"])
def test_a_frame_that_is_not_known_is_refused_by_its_name(system: str, tmp_path: Path) -> None:
    fields = '<FIELD name="ra" datatype="double"/><FIELD name="dec" datatype="double"/>'
    path = tmp_path / "t.vot"
    path.write_text(votable(fields, [(1, 2)], f'<COOSYS ID="f" system="{system}"/>'))

    with pytest.raises(TableError, match=f"its COOSYS says '{system}'"):
        read_positions(read_table(path))


def sexagesimal(separators: str) -> tuple[list[str], list[str]]:
    ra = SKY.ra.to_string(unit="hour", sep=separators, precision=6, pad=True)
    dec = SKY.dec.to_string(unit="deg", sep=separators, precision=6, pad=True, alwayssign=True)
    return ra.tolist(), dec.tolist()


@pytest.mark.parametrize(
    ("ra_unit", "dec_unit"),
    [
        ("", ""),
        ("&quot;h:m:s&quot;", "&quot;d:m:s&quot;"),
        ("h:m:s", "d:m:s"),
        ("hms", "dms"),
        ("hourangle", "deg"),
        ("hours", "degrees"),
        ("HOURS", "DEG"),
    ],
)
@pytest.mark.parametrize("separators", [":", " "])
def test_sexagesimal_text_is_read_in_the_units_that_tables_have(
    ra_unit: str, dec_unit: str, separators: str, tmp_path: Path
) -> None:
    ra, dec = sexagesimal(separators)
    fields = "".join(
        f'<FIELD name="{name}" datatype="char" arraysize="*" unit="{unit}"/>'
        for name, unit in (("RAJ2000", ra_unit), ("DEJ2000", dec_unit))
    )
    path = tmp_path / "t.vot"
    path.write_text(votable(fields, list(zip(ra, dec, strict=True))))

    require_sky(path, 1e-4)


@pytest.mark.parametrize("separators", ["hms", ":", " "])
@pytest.mark.parametrize("minus", ["-", "\u2212"])
def test_sexagesimal_text_of_a_csv_may_have_the_minus_of_a_paper(
    separators: str, minus: str, tmp_path: Path
) -> None:
    ra, dec = sexagesimal(separators)
    dec = [text.replace("h", "d").replace("-", minus) for text in dec]
    path = tmp_path / "t.csv"
    path.write_text(
        "ra,dec\n" + "".join(f"{x},{y}\n" for x, y in zip(ra, dec, strict=True)), encoding="utf-8"
    )

    require_sky(path, 1e-4)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("deg", 1), ("DEG", 1), ("degrees", 1), ("hours", 15), ("h", 15), ("rad", 180 / np.pi)],
)
def test_numbers_are_in_the_unit_of_their_column(unit: str, factor: float, tmp_path: Path) -> None:
    columns = [
        fits.Column("ra", "D", unit=unit, array=SKY.ra.deg / factor),
        fits.Column("dec", "D", unit="DEG", array=SKY.dec.deg),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")

    require_sky(tmp_path / "t.fits")


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        ("RAdeg", "DEdeg"), ("_RA", "_DE"), ("_RAJ2000", "_DEJ2000"), ("RAJ2000", "DEJ2000"),
        ("ALPHA_J2000", "DELTA_J2000"), ("RA_ICRS", "DE_ICRS"), ("ra", "dec"), ("Ra", "Dec"),
    ],
)  # fmt: skip
def test_columns_are_known_by_their_usual_names(ra: str, dec: str, tmp_path: Path) -> None:
    Table({"x": [0.0] * 3, ra: SKY.ra.deg, dec: SKY.dec.deg}).write(tmp_path / "t.parquet")

    assert has_positions(["x", ra, dec])
    require_sky(tmp_path / "t.parquet")


def test_positions_in_columns_of_hours_minutes_and_seconds_are_put_together(tmp_path: Path) -> None:
    hours, degrees = SKY.ra.hms, SKY.dec.signed_dms
    parts = {"RAh": hours.h.astype(int), "RAm": hours.m.astype(int), "RAs": hours.s}
    parts |= {"DE-": ["-" if one < 0 else "+" for one in degrees.sign], "DEd": degrees.d.astype(int)}
    parts |= {"DEm": degrees.m.astype(int), "DEs": degrees.s}
    Table(parts).write(tmp_path / "t.fits")

    require_sky(tmp_path / "t.fits")


def test_the_exact_name_comes_before_a_name_in_another_case(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("ra,RA,dec,_RAj2000\n1,2,3,4\n")

    assert read_positions(read_table(path)).ra_deg.tolist() == [1]


def test_two_names_in_other_cases_are_refused_together(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("RA,Ra,dec\n1,2,3\n")

    with pytest.raises(TableError, match="RA and Ra differ in case only: say by --ra and --dec"):
        read_positions(read_table(path))
    assert read_positions(read_table(path), "Ra").ra_deg.tolist() == [2]


def test_columns_of_no_usual_name_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("lon,lat\n1,2\n")

    with pytest.raises(TableError, match=r"say which of lon, lat it is, by --ra and --dec"):
        read_positions(read_table(path))


@pytest.mark.parametrize(
    "text",
    [
        "150.1 {}2.2", "150.1,{}2.2", "10:00:24 {}02:12:00", "10 00 24 {}02 12 00", "10h00m24s {}2d12m",
        "10h00m24s, {}2\u00b012'",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("sign", "factor"), [("", 1), ("+", 1), ("-", -1), ("\u2212", -1)])
def test_a_position_is_understood_as_people_write_it(text: str, sign: str, factor: int) -> None:
    assert parse_position(text.format(sign)) == pytest.approx((150.1, factor * 2.2))


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("galactic 150.1 2.2", Galactic()), ("150.1, 2.2 GAL", Galactic()), ("l=150.1 b=2.2", Galactic()),
        ("GLON 150.1 GLAT 2.2", Galactic()), ("150.1 2.2 B1950", FK4(equinox="B1950")),
        ("FK4 10:00:24 +02:12:00", FK4(equinox="B1950")), ("150.1 2.2 icrs", ICRS()),
        ("J2000 150.1 2.2", FK5()),
    ],
)  # fmt: skip
def test_a_position_whose_text_names_its_frame_is_converted(text: str, frame: object) -> None:
    expected = SkyCoord(150.1, 2.2, unit="deg", frame=frame).icrs

    assert parse_position(text) == pytest.approx((expected.ra.deg, expected.dec.deg), abs=1e-9)


@pytest.mark.parametrize("text", ["M 51", "NGC 1234", "3C 273", "150.1", "SDSS J100024.1+021530", "a b"])
def test_a_name_is_no_position(text: str) -> None:
    assert parse_position(text) is None


@pytest.mark.parametrize("text", ["25:00:00 +95:00:00", "400 2", "10:00:24 +02:72:00"])
def test_a_position_that_is_nowhere_is_said_to_be(text: str) -> None:
    with pytest.raises(ValueError, match=r"nowhere on the sky|in the range"):
        parse_position(text)
