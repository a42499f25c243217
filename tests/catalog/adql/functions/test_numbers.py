"""Numbers out of ADQL equal numpy's and astropy's on the same rows."""

from collections.abc import Callable

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy_healpix import HEALPix
from numpy.typing import NDArray

from tests.catalog.adql.adql_catalogue import AdqlCatalogue

Numbers = NDArray[np.float64]
Galaxies = dict[str, Numbers]
COLUMNS = (
    "ra",
    "dec",
    "mag_r",
    "shape_r",
    "anomaly_score",
    "bar_no_fraction",
    "bar_strong_fraction",
    "bar_concentration",
)


def test_numbers_equal_numpy(catalogue: AdqlCatalogue, galaxies: Galaxies) -> None:
    wrong = {}
    for expression, expected in EXPRESSIONS.items():
        found = catalogue.column(f"SELECT {expression} FROM galcat.galaxy ORDER BY object_id")
        with np.errstate(all="ignore"):
            wanted = np.broadcast_to(expected(galaxies), found.shape)
        is_real = (
            catalogue.translated(f"SELECT {expression} FROM galcat.galaxy").columns[0].datatype == "float"
        )
        if not np.allclose(found, wanted, rtol=1e-6 if is_real else 1e-12, atol=1e-12, equal_nan=True):
            wrong[expression] = found[:3], wanted[:3]
    assert wrong == {}
    assert len(EXPRESSIONS) >= 50


def test_aggregates_equal_numpy(catalogue: AdqlCatalogue, galaxies: Galaxies) -> None:
    wrong = {}
    for expression, expected in AGGREGATES.items():
        found = float(str(catalogue.rows(f"SELECT {expression} FROM galcat.galaxy")[0][0]))
        if not np.isclose(found, expected(galaxies), rtol=1e-7):
            wrong[expression] = found, expected(galaxies)
    assert wrong == {}


def test_conditions_equal_numpy(catalogue: AdqlCatalogue, galaxies: Galaxies) -> None:
    wrong = {}
    for text, expected in CONDITIONS.items():
        found = catalogue.rows(f"SELECT object_id FROM galcat.galaxy WHERE {text} ORDER BY object_id")
        with np.errstate(invalid="ignore"):
            wanted = read_ids(catalogue)[expected(galaxies)]
        if [row[0] for row in found] != wanted.tolist():
            wrong[text] = len(found), len(wanted)
    assert wrong == {}


def test_histograms_equal_numpy(catalogue: AdqlCatalogue, galaxies: Galaxies) -> None:
    rows = catalogue.rows(
        "SELECT FLOOR(mag_r) AS m, COUNT(*) AS n, AVG(ra) FROM galcat.galaxy WHERE mag_r IS NOT NULL "
        "GROUP BY FLOOR(mag_r) HAVING COUNT(*) > 3 ORDER BY m"
    )
    bins = np.floor(galaxies["mag_r"])
    for m, n, mean in rows:
        inside = bins == m
        assert n == inside.sum()
        assert mean == pytest.approx(galaxies["ra"][inside].mean())
    assert sum(int(str(n)) for _, n, _ in rows) == (~np.isnan(bins)).sum()


def test_healpix_cells_equal_astropy_healpix(catalogue: AdqlCatalogue, galaxies: Galaxies) -> None:
    for order in (0, 6, 10, 29):
        grid = HEALPix(nside=2**order, order="nested")
        wanted = grid.lonlat_to_healpix(galaxies["ra"] * units.deg, galaxies["dec"] * units.deg)
        for arguments in ("ra, dec", "POINT(ra, dec)", "ra + 0, dec"):
            rows = catalogue.rows(
                f"SELECT ivo_healpix_index({order}, {arguments}) FROM galcat.galaxy ORDER BY object_id"
            )
            assert [row[0] for row in rows] == wanted.tolist()


@pytest.fixture(scope="module")
def galaxies(catalogue: AdqlCatalogue) -> Galaxies:
    """The galaxies' columns, sorted by object_id; NULL is NaN."""
    names = ", ".join(f"{name}::float8" for name in COLUMNS)
    rows = catalogue.connection.execute(f"SELECT {names} FROM galcat.galaxy ORDER BY object_id").fetchall()
    return dict(zip(COLUMNS, np.array(rows, np.float64).T, strict=True))


def read_ids(catalogue: AdqlCatalogue) -> NDArray[np.int64]:
    rows = catalogue.connection.execute("SELECT object_id FROM galcat.galaxy ORDER BY object_id").fetchall()
    return np.array([row[0] for row in rows], np.int64)


def from_place(g: Galaxies) -> Numbers:
    there = SkyCoord(g["ra"], g["dec"], unit="deg")
    return there.separation(SkyCoord(150.1, 2.2, unit="deg")).deg


Expected = Callable[[Galaxies], Numbers | float]
EXPRESSIONS: dict[str, Expected] = {
    "ABS(dec)": lambda g: np.abs(g["dec"]),
    "ACOS(dec / 90)": lambda g: np.arccos(g["dec"] / 90),
    "ASIN(dec / 90)": lambda g: np.arcsin(g["dec"] / 90),
    "ATAN(dec)": lambda g: np.arctan(g["dec"]),
    "ATAN2(dec, ra)": lambda g: np.arctan2(g["dec"], g["ra"]),
    "CEILING(dec)": lambda g: np.ceil(g["dec"]),
    "COS(ra)": lambda g: np.cos(g["ra"]),
    "COT(ra)": lambda g: 1 / np.tan(g["ra"]),
    "DEGREES(dec)": lambda g: np.degrees(g["dec"]),
    "EXP(dec / 10)": lambda g: np.exp(g["dec"] / 10),
    "FLOOR(dec)": lambda g: np.floor(g["dec"]),
    "LOG(shape_r)": lambda g: np.log(g["shape_r"]),
    "LOG10(shape_r)": lambda g: np.log10(g["shape_r"]),
    "LOG(100)": lambda _: np.log(100),
    "LOG10(100)": lambda _: 2.0,
    "MOD(dec, 7)": lambda g: np.fmod(g["dec"], 7),
    "MOD(dec, -7.5)": lambda g: np.fmod(g["dec"], -7.5),
    "MOD(-7, 3)": lambda _: np.fmod(-7, 3),
    "PI()": lambda _: np.pi,
    "POWER(shape_r, 2.5)": lambda g: g["shape_r"] ** 2.5,
    "POWER(2, 10)": lambda _: 1024.0,
    "RADIANS(ra)": lambda g: np.radians(g["ra"]),
    "ROUND(ra)": lambda g: np.round(g["ra"]),
    "ROUND(ra, 2)": lambda g: np.round(g["ra"], 2),
    "ROUND(mag_r, 2)": lambda g: np.round(g["mag_r"], 2),
    "ROUND(ra, -1)": lambda g: np.round(g["ra"], -1),
    "TRUNCATE(dec)": lambda g: np.trunc(g["dec"]),
    "TRUNCATE(dec, 2)": lambda g: np.trunc(g["dec"] * 100) / 100,
    "SIGN(dec)": lambda g: np.sign(g["dec"]),
    "SIN(ra)": lambda g: np.sin(g["ra"]),
    "SQRT(shape_r)": lambda g: np.sqrt(g["shape_r"]),
    "SQRT(2)": lambda _: np.sqrt(2),
    "TAN(ra)": lambda g: np.tan(g["ra"]),
    "7 / 2": lambda _: 3.0,
    "-7 / 2": lambda _: -3.0,
    "3 * 7 / 2": lambda _: 10.0,
    "7 / 2.0": lambda _: 3.5,
    "7 / 2 * 1.5": lambda _: 4.5,
    "3 * dec / 2": lambda g: 3 * g["dec"] / 2,
    "1 - 2 - 3": lambda _: -4.0,
    "2 * (3 + 4) - -5": lambda _: 19.0,
    "100 / 10 / 5": lambda _: 2.0,
    "20000 * 20000": lambda _: 4e8,
    "3000000000 * 2": lambda _: 6e9,
    "1.5E-3 + .5 + 5. + 0x1F": lambda _: 36.5015,
    "+dec - -ra": lambda g: g["dec"] + g["ra"],
    "-(dec * 2)": lambda g: -2 * g["dec"],
    "ra * ra + dec * dec": lambda g: g["ra"] ** 2 + g["dec"] ** 2,
    "bar_no_fraction + bar_strong_fraction": lambda g: as_real(
        g["bar_no_fraction"] + g["bar_strong_fraction"]
    ),
    "SQRT(bar_no_fraction * (1 - bar_no_fraction) / (bar_concentration + 1))": lambda g: np.sqrt(
        g["bar_no_fraction"] * (1 - g["bar_no_fraction"]) / (g["bar_concentration"] + 1)
    ),
    "COALESCE(mag_r, -1.0)": lambda g: np.nan_to_num(g["mag_r"], nan=-1),
    "NULLIF(SIGN(dec), 1.0)": lambda g: np.where(np.sign(g["dec"]) == 1, np.nan, np.sign(g["dec"])),
    "CASE WHEN dec > 0 THEN ra WHEN dec > -30 THEN 0 ELSE -1 END": lambda g: np.where(
        g["dec"] > 0, g["ra"], np.where(g["dec"] > -30, 0, -1)
    ),
    "CASE SIGN(dec) WHEN 1 THEN 10 END": lambda g: np.where(g["dec"] > 0, 10, np.nan),
    "CAST(dec AS INTEGER)": lambda g: np.trunc(g["dec"]),
    "CAST(dec * 1000000000 AS BIGINT)": lambda g: np.trunc(g["dec"] * 1e9),
    "CAST(dec AS SMALLINT)": lambda g: np.trunc(g["dec"]),
    "CAST(ra AS REAL)": lambda g: as_real(g["ra"]),
    "CAST(7 AS DOUBLE PRECISION) / 2": lambda _: 3.5,
    "CAST('3.25' AS DOUBLE PRECISION)": lambda _: 3.25,
    "CAST(' 42 ' AS INTEGER)": lambda _: 42.0,
    "IN_UNIT(ra, 'arcmin')": lambda g: g["ra"] * 60,
    "IN_UNIT(shape_r, 'deg')": lambda g: g["shape_r"] / 3600,
    "IN_UNIT(IN_UNIT(ra, 'rad'), 'arcsec')": lambda g: g["ra"] * 3600,
    "DISTANCE(ra, dec, 150.1, 2.2)": from_place,
    "DISTANCE(POINT(150.1, 2.2), POINT('ICRS', ra, dec))": from_place,
    "COORD1(POINT(ra, dec))": lambda g: g["ra"],
    "COORD2(CENTROID(CIRCLE(ra, dec, 1)))": lambda g: g["dec"],
    "AREA(CIRCLE(ra, dec, 10))": lambda _: 2 * np.pi * (1 - np.cos(np.radians(10))) * np.degrees(1) ** 2,
    "AREA(POINT(ra, dec))": lambda _: 0.0,
    "CONTAINS(POINT(ra, dec), CIRCLE(150.1, 2.2, 60))": lambda g: (from_place(g) <= 60).astype(float),
    "(SELECT MAX(ra) FROM galcat.galaxy) - ra": lambda g: g["ra"].max() - g["ra"],
}
AGGREGATES: dict[str, Expected] = {
    "COUNT(*)": lambda g: len(g["ra"]),
    "COUNT(mag_r)": lambda g: np.count_nonzero(~np.isnan(g["mag_r"])),
    "COUNT(DISTINCT FLOOR(ra))": lambda g: len(np.unique(np.floor(g["ra"]))),
    "SUM(ra)": lambda g: g["ra"].sum(),
    "SUM(shape_r)": lambda g: g["shape_r"].sum(),
    "SUM(CASE WHEN dec > 0 THEN 1 ELSE 0 END)": lambda g: (g["dec"] > 0).sum(),
    "AVG(mag_r)": lambda g: np.nanmean(g["mag_r"]),
    "AVG(CASE WHEN dec > 0 THEN 1 ELSE 0 END)": lambda g: (g["dec"] > 0).mean(),
    "MIN(mag_r)": lambda g: np.nanmin(g["mag_r"]),
    "MAX(ABS(dec))": lambda g: np.abs(g["dec"]).max(),
    "SQRT(AVG(dec * dec) - AVG(dec) * AVG(dec))": lambda g: g["dec"].std(),
    "SUM(DISTINCT CAST(ra AS INTEGER))": lambda g: np.unique(np.trunc(g["ra"])).sum(),
}
CONDITIONS: dict[str, Callable[[Galaxies], NDArray[np.bool_]]] = {
    "mag_r < 17": lambda g: g["mag_r"] < 17,
    "NOT mag_r < 17": lambda g: g["mag_r"] >= 17,
    "mag_r BETWEEN 15 AND 16.5": lambda g: (g["mag_r"] >= 15) & (g["mag_r"] <= 16.5),
    "mag_r NOT BETWEEN 15 AND 16.5": lambda g: (g["mag_r"] < 15) | (g["mag_r"] > 16.5),
    "mag_r IS NULL": lambda g: np.isnan(g["mag_r"]),
    "mag_r IS NOT NULL AND dec > 0 OR ra < 10": lambda g: (
        (~np.isnan(g["mag_r"]) & (g["dec"] > 0)) | (g["ra"] < 10)
    ),
    "(dec > 0 OR ra < 10) AND ra < 100": lambda g: ((g["dec"] > 0) | (g["ra"] < 10)) & (g["ra"] < 100),
    "NOT (dec > 0 AND ra < 10)": lambda g: ~((g["dec"] > 0) & (g["ra"] < 10)),
    "FLOOR(ra) IN (1, 2, 300)": lambda g: np.isin(np.floor(g["ra"]), [1, 2, 300]),
    "FLOOR(ra) NOT IN (1, 2, -300)": lambda g: ~np.isin(np.floor(g["ra"]), [1, 2, -300]),
    "FLOOR(ra) IN (1, 20, dec)": lambda g: np.isin(np.floor(g["ra"]), [1, 20]),
    "FLOOR(ra) IN (1, 20, NULL)": lambda g: np.isin(np.floor(g["ra"]), [1, 20]),
    "FLOOR(ra) IN (1.0, 20, FLOOR(dec))": lambda g: (
        np.isin(np.floor(g["ra"]), [1, 20]) | (np.floor(g["ra"]) == np.floor(g["dec"]))
    ),
    "1 = CONTAINS(POINT(ra, dec), CIRCLE(150.1, 2.2, 30))": lambda g: from_place(g) <= 30,
    "CONTAINS(POINT(ra, dec), CIRCLE(150.1, 2.2, 30)) <> 1": lambda g: from_place(g) > 30,
    "0 = CONTAINS(POINT(ra, dec), CIRCLE(150.1, 2.2, 30))": lambda g: from_place(g) > 30,
    "DISTANCE(POINT(ra, dec), POINT(150.1, 2.2)) < 30": lambda g: from_place(g) < 30,
    "30 >= DISTANCE(150.1, 2.2, ra, dec)": lambda g: from_place(g) <= 30,
    "DISTANCE(ra, dec, 150.1, 2.2) > 150": lambda g: from_place(g) > 150,
    "DISTANCE(ra, dec, 150.1, 2.2) < 200": lambda g: from_place(g) < 200,
    "DISTANCE(ra, dec, 150.1, 2.2) < shape_r": lambda g: from_place(g) < g["shape_r"],
    "DISTANCE(ra, dec, 150.1, 2.2) < ra": lambda g: from_place(g) < g["ra"],
}


def as_real(numbers: Numbers) -> Numbers:
    """Numbers as Postgres' real has them."""
    return numbers.astype(np.float32).astype(np.float64)
