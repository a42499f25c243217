"""Columns that are no right ascension and declination: converted where the table says what they are."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import FK4, SkyCoord
from astropy.io import fits
from astropy.table import QTable, Table

from table_files.astropy_table import from_astropy
from table_files.errors import TableError
from table_files.positions import SkyPositions, has_positions, read_positions
from table_files.read import read_table

SKY = SkyCoord([150.1, 10.25, 359.999], [2.2, -45.5, 0.001], unit="deg")
GALACTIC = SKY.galactic
OLD = SKY.transform_to(FK4(equinox="B1950"))


def write_csv(path: Path, columns: dict[str, object]) -> Path:
    Table({name: list(values) for name, values in columns.items()}).write(path, format="ascii.csv")
    return path


def require_sky(found: SkyPositions) -> None:
    apart = SkyCoord(found.ra_deg, found.dec_deg, unit="deg").separation(SKY)
    assert apart.arcsec.max() < 1e-5


@pytest.mark.parametrize(
    ("lon", "lat"),
    [("GLON", "GLAT"), ("glon", "glat"), ("_Glon", "_Glat"), ("gal_lon", "gal_lat"), ("LII", "BII")],
)
@pytest.mark.parametrize("are_named", [True, False])
def test_galactic_columns_are_converted_and_said_to_be(
    lon: str, lat: str, are_named: bool, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "t.csv", {lon: GALACTIC.l.deg, lat: GALACTIC.b.deg, "z": [1, 2, 3]})
    assert has_positions(["z", lat, lon])

    found = read_positions(read_table(path), *((lon, lat) if are_named else ()))

    require_sky(found)
    assert found.note == f"{lon} and {lat} were converted from galactic to ICRS, by their names"


def test_right_ascension_comes_before_galactic_columns(tmp_path: Path) -> None:
    galactic = {"GLON": GALACTIC.l.deg, "GLAT": GALACTIC.b.deg}
    path = write_csv(tmp_path / "t.csv", galactic | {"RAJ2000": SKY.ra.deg, "DEJ2000": SKY.dec.deg})

    found = read_positions(read_table(path))

    require_sky(found)
    assert (found.ra_name, found.note) == ("RAJ2000", "")
    require_sky(read_positions(read_table(path), "GLON", "GLAT"))


def test_galactic_columns_beside_right_ascensions_of_another_frame_are_galactic(tmp_path: Path) -> None:
    columns = {"RA": OLD.ra.deg, "DEC": OLD.dec.deg, "GLON": GALACTIC.l.deg, "GLAT": GALACTIC.b.deg}
    table = fits.table_to_hdu(Table(columns))
    table.header["EQUINOX"] = 1950.0
    table.writeto(tmp_path / "t.fits")

    require_sky(read_positions(read_table(tmp_path / "t.fits")))
    require_sky(read_positions(read_table(tmp_path / "t.fits"), "GLON", "GLAT"))


@pytest.mark.parametrize("kind", ["fits", "vot", "ecsv", "astropy"])
def test_a_ucd_says_that_columns_of_any_name_are_galactic(kind: str, tmp_path: Path) -> None:
    table = Table({"x": GALACTIC.l.deg, "y": GALACTIC.b.deg})
    for name, ucd in (("x", "pos.galactic.lon"), ("y", "pos.galactic.lat")):
        table[name].meta["ucd"] = ucd
    path = tmp_path / f"t.{kind}"
    if kind == "fits":
        hdu = fits.table_to_hdu(table)
        hdu.header.update({"TUCD1": "pos.galactic.lon", "TUCD2": "pos.galactic.lat"})
        hdu.writeto(path)
    elif kind == "vot":
        table.write(path, format="votable")
    elif kind == "ecsv":
        table.write(path)

    read = from_astropy(table, "t") if kind == "astropy" else read_table(path)

    require_sky(read_positions(read, "x", "y"))


@pytest.mark.parametrize(
    ("ra", "dec"), [("RAB1950", "DEB1950"), ("ra_1950", "dec_1950"), ("RA1950", "DE1950")]
)
def test_columns_of_an_old_equinox_are_precessed(ra: str, dec: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", {ra: OLD.ra.deg, dec: OLD.dec.deg})

    found = read_positions(read_table(path), ra, dec)

    require_sky(found)
    assert found.note == f"{ra} and {dec} were converted from FK4 B1950 to ICRS, by their names"


def test_the_parts_of_a_cds_table_are_precessed_where_their_descriptions_name_an_old_equinox() -> None:
    hours, degrees = OLD.ra.hms, OLD.dec.signed_dms
    parts = {"RAh": hours.h.astype(int), "RAm": hours.m.astype(int), "RAs": hours.s}
    parts |= {"DE-": ["-" if one < 0 else "+" for one in degrees.sign], "DEd": degrees.d.astype(int)}
    parts |= {"DEm": degrees.m.astype(int), "DEs": degrees.s}
    table = Table(parts)
    table["RAh"].description = "Hour of right ascension (B1950)"
    table["DEd"].description = "Degree of declination (1950.0)"

    found = read_positions(from_astropy(table, "t"))

    require_sky(found)
    assert found.note.endswith("were converted from FK4 B1950 to ICRS, by their descriptions")


def test_a_table_of_astropy_keeps_the_equinox_of_its_file(tmp_path: Path) -> None:
    hdu = fits.table_to_hdu(Table({"RA": OLD.ra.deg, "DEC": OLD.dec.deg}))
    hdu.header["RADESYS"], hdu.header["EQUINOX"] = "FK4", 1950.0
    hdu.writeto(tmp_path / "t.fits")

    require_sky(read_positions(from_astropy(Table.read(tmp_path / "t.fits"), "t")))


def test_a_table_of_text_in_fits_has_the_equinox_of_its_header(tmp_path: Path) -> None:
    columns = [
        fits.Column("RA", "D25.17", ascii=True, array=OLD.ra.deg),
        fits.Column("DEC", "D25.17", ascii=True, array=OLD.dec.deg),
    ]
    hdu = fits.TableHDU.from_columns(columns)
    hdu.header["EQUINOX"] = 1950.0
    hdu.writeto(tmp_path / "t.fits")

    require_sky(read_positions(read_table(tmp_path / "t.fits")))


@pytest.mark.parametrize(
    ("ra", "dec", "said"),
    [
        ("GLON", "DEC", "of two frames, galactic and equatorial, by their names"),
        ("GLON", "y", "of two frames, galactic and unknown, by their names"),
        ("GLAT", "GLON", "latitude and longitude by their names: name them the other way round"),
        ("DEC", "RA", "latitude and longitude by their names: name them the other way round"),
        ("ELON", "ELAT", "are ecliptic by their names: name columns in ICRS, FK5, FK4 or galactic"),
        ("SGL", "SGB", "are supergalactic by their names: name columns in ICRS"),
        ("AZ", "ALT", "are horizontal by their names: name columns in ICRS"),
        ("l", "b", "may be galactic, and the table names no frame: rename them GLON and GLAT, or convert"),
        ("lambda", "beta", "may be ecliptic, and the table names no frame: convert them to ICRS"),
        ("RAB1950", "DEC", "of two equinoxes by their names, FK4 B1950 and of none that is said"),
    ],
)
def test_what_is_no_position_without_doubt_is_refused_by_the_names_of_its_columns(
    ra: str, dec: str, said: str, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "t.csv", {ra: [10.0, 20.0], dec: [1.0, 2.0]})

    with pytest.raises(TableError) as error:
        read_positions(read_table(path), ra, dec)

    assert str(error.value).startswith(f"{path}: {ra} and {dec} ")
    assert said in str(error.value)


def test_a_frame_that_the_file_contradicts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.vot"
    fields = "".join(f'<FIELD name="{name}" datatype="double" ref="f"/>' for name in ("GLON", "GLAT"))
    path.write_text(
        f'<VOTABLE version="1.4"><RESOURCE><COOSYS ID="f" system="ICRS"/><TABLE>{fields}<DATA><TABLEDATA>'
        "<TR><TD>1</TD><TD>2</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )

    with pytest.raises(
        TableError, match="GLON and GLAT are in galactic by their names, and in ICRS by COOSYS"
    ):
        read_positions(read_table(path), "GLON", "GLAT")


def test_galactic_longitude_in_text_is_in_degrees_not_hours(tmp_path: Path) -> None:
    lon = GALACTIC.l.to_string(sep=":", precision=6, unit="deg").tolist()
    lat = GALACTIC.b.to_string(sep=":", precision=6, unit="deg", alwayssign=True).tolist()
    path = write_csv(tmp_path / "t.csv", {"GLON": lon, "GLAT": lat})

    require_sky(read_positions(read_table(path)))


@pytest.mark.parametrize(
    ("ra", "dec", "factors"),
    [
        ("ra_hours", "dec_deg", (15, 1)),
        ("RA(hr)", "Dec", (15, 1)),
        ("ra_rad", "dec_rad", (180 / np.pi, 180 / np.pi)),
        ("RA [rad]", "Dec [radians]", (180 / np.pi, 180 / np.pi)),
    ],
)
def test_a_unit_in_the_name_of_a_column_counts(
    ra: str, dec: str, factors: tuple[float, float], tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "t.csv", {ra: SKY.ra.deg / factors[0], dec: SKY.dec.deg / factors[1]})

    require_sky(read_positions(read_table(path), ra, dec))


def test_one_part_of_a_position_is_no_position(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", {"RAh": [1], "RAm": [2], "RAs": [3.0], "DEd": [4], "DEm": [5]})

    with pytest.raises(TableError, match="RAh is a part of a position: leave out --ra and --dec"):
        read_positions(read_table(path), "RAh", "DEd")


def test_columns_of_no_usual_name_are_known_by_their_ucd(tmp_path: Path) -> None:
    table = QTable({"e": [0.0] * 3, "x": SKY.ra.to(units.rad), "y": SKY.dec})
    for name, ucd in (("e", "stat.error;pos.eq.ra"), ("x", "pos.eq.ra;meta.main"), ("y", "pos.eq.dec")):
        table[name].info.meta = {"ucd": ucd}
    table.write(tmp_path / "t.ecsv")

    require_sky(read_positions(read_table(tmp_path / "t.ecsv")))
