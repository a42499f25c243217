"""Simple Cone Search over HTTP, as pyvo, stilts and plain GETs ask for it."""

import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord
from astropy.io.votable import parse
from astropy.io.votable.tree import VOTableFile
from astropy.table import Table
from pyvo.dal import DALQueryError, DALServiceError, SCSService

from catalog.tap.limits import ServiceLimits
from tests.catalog.galaxies import fill
from tests.catalog.tap.tap_server import serving

GALAXIES = 3000
RA, DEC, RADIUS = 0.4, 12.5, 9.0


@pytest.fixture
def base(database: str, connection: psycopg.Connection, tmp_path: Path) -> Iterator[str]:
    """URL of a service of 3,000 galaxies all over the sky."""
    fill(connection, GALAXIES)
    with serving(database, tmp_path, ServiceLimits()) as served:
        yield served.url


@pytest.fixture
def expected(base: str, connection: psycopg.Connection) -> Table:  # noqa: ARG001 - filled by it
    """Galaxies within the cone, by astropy, nearest first."""
    rows = connection.execute("SELECT object_id::text, ra, dec FROM galcat.galaxy").fetchall()
    table = Table(rows=rows, names=("object_id", "ra", "dec"))
    centre = SkyCoord(RA, DEC, unit="deg")
    table["separation"] = SkyCoord(table["ra"], table["dec"], unit="deg").separation(centre).deg
    table = table[table["separation"] <= RADIUS]
    table.sort("separation")
    assert len(table) > 10
    assert table["ra"].max() > 355  # over ra = 0
    return table


def cone(base: str, **parameters: object) -> httpx.Response:
    given = {"RA": RA, "DEC": DEC, "SR": RADIUS, **parameters}
    return httpx.get(f"{base}/scs", params={k: str(v) for k, v in given.items() if v is not None})


def document(response: httpx.Response) -> VOTableFile:
    return parse(io.BytesIO(response.content), verify="ignore")  # of UCDs older than it knows


def status(found: VOTableFile) -> list[str]:
    (resource,) = [one for one in found.resources if one.type == "results"]
    infos = [*resource.infos, *resource.tables[0].infos]
    return [info.value for info in infos if info.name == "QUERY_STATUS"]


def test_a_cone_gives_every_galaxy_within_it_nearest_first(base: str, expected: Table) -> None:
    response = cone(base)
    assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, "text/xml")
    found = document(response)
    table = found.get_first_table().to_table()
    assert table["object_id"].tolist() == expected["object_id"].tolist()
    for name in ("ra", "dec", "separation"):
        np.testing.assert_allclose(table[name], expected[name], atol=1e-9)
    assert status(found) == ["OK"]


def test_three_columns_have_the_old_ucds_and_the_others_those_of_today(base: str) -> None:
    fields = document(cone(base, VERB=3)).get_first_table().fields
    ucds = {field.name: field.ucd for field in fields}
    assert [(field.ucd, field.datatype) for field in fields if field.ucd and field.ucd.isupper()] == [
        ("ID_MAIN", "char"),
        ("POS_EQ_RA_MAIN", "double"),
        ("POS_EQ_DEC_MAIN", "double"),
    ]
    assert (ucds["object_id"], ucds["ra"], ucds["dec"]) == ("ID_MAIN", "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN")
    assert not [ucd for ucd in ucds.values() if ucd and "meta.main" in ucd]
    assert ucds["mag_r"] == "phot.mag;em.opt.R"
    (separation,) = [field for field in fields if field.name == "separation"]
    assert (separation.ucd, str(separation.unit)) == ("pos.angDistance", "deg")
    assert all(field.description for field in fields)


def test_verbosity_chooses_few_some_or_all_columns(base: str, connection: psycopg.Connection) -> None:
    names = [
        [field.name for field in document(cone(base, VERB=verbosity)).get_first_table().fields]
        for verbosity in (1, 2, 3)
    ]
    published = connection.execute(
        "SELECT column_name, principal FROM tap_schema.columns WHERE table_name = 'galcat.galaxy' "
        "ORDER BY column_index"
    ).fetchall()
    assert names[0] == ["object_id", "survey", "ra", "dec", "mag_r", "separation"]
    assert names[1] == [name for name, principal in published if principal] + ["separation"]
    assert names[2] == [name for name, _ in published] + ["separation"]
    assert [field.name for field in document(cone(base)).get_first_table().fields] == names[1]


def test_parameters_may_be_written_in_any_case_and_others_are_ignored(base: str, expected: Table) -> None:
    response = httpx.get(f"{base}/scs?ra={RA}&Dec={DEC}&sr={RADIUS}&catalog=none&RA={RA}")
    assert len(document(response).get_first_table().array) == len(expected)


def test_no_radius_or_no_rows_gives_the_columns_alone(base: str) -> None:
    full = [field.name for field in document(cone(base)).get_first_table().fields]
    for parameters in ({"SR": 0}, {"MAXREC": 0}):
        found = document(cone(base, **parameters)).get_first_table()
        assert [field.name for field in found.fields] == full
        assert len(found.array) == 0


def test_an_empty_cone_is_no_error(base: str) -> None:
    found = document(cone(base, SR=1e-9))
    assert len(found.get_first_table().array) == 0
    assert status(found) == ["OK"]


def test_a_cut_is_said_and_keeps_the_nearest(base: str, expected: Table) -> None:
    found = document(cone(base, MAXREC=4))
    assert found.get_first_table().to_table()["object_id"].tolist() == expected["object_id"].tolist()[:4]
    assert status(found) == ["OK", "OVERFLOW"]
    assert status(document(cone(base, MAXREC=len(expected)))) == ["OK"]


def test_the_poles_and_the_whole_sky_are_cones_too(base: str, connection: psycopg.Connection) -> None:
    rows = connection.execute("SELECT count(*) FROM galcat.galaxy WHERE dec >= 80").fetchone()
    for parameters in ({"RA": 123, "DEC": 90, "SR": 10}, {"RA": 360, "DEC": 90, "SR": 10}):
        assert (len(document(cone(base, **parameters)).get_first_table().array),) == rows
    assert len(document(cone(base, SR=180)).get_first_table().array) == GALAXIES


def test_rows_link_to_their_pictures(base: str, expected: Table) -> None:
    found = document(cone(base))
    (meta,) = [one for one in found.resources if one.type == "meta"]
    params = {param.name: param.value for param in meta.params}
    assert params["accessURL"] == f"{base}/datalink/links"
    results = SCSService(f"{base}/scs").search((RA, DEC), RADIUS)
    linked = {str(links[0].id): links for links in results.iter_datalinks()}
    assert sorted(linked) == sorted(expected["object_id"].tolist())


WRONG: list[tuple[dict[str, object], str]] = [
    ({"RA": None}, "RA is missing: the right ascension of the centre in degrees, 0 to 360"),
    ({"DEC": ""}, "DEC is missing: the declination of the centre in degrees, -90 to 90"),
    ({"SR": None}, "SR is missing: the radius in degrees, 0 to 180"),
    ({"RA": 361}, "RA is '361': expected the right ascension of the centre in degrees, 0 to 360"),
    ({"RA": "12h"}, "RA is '12h': expected the right ascension of the centre in degrees, 0 to 360"),
    ({"DEC": -90.1}, "DEC is '-90.1': expected the declination of the centre in degrees, -90 to 90"),
    ({"DEC": "nan"}, "DEC is 'nan': expected the declination of the centre in degrees, -90 to 90"),
    ({"SR": 181}, "SR is '181': expected the radius in degrees, 0 to 180"),
    ({"SR": "inf"}, "SR is 'inf': expected the radius in degrees, 0 to 180"),
    ({"SR": "1)) OR 1=1"}, "SR is '1)) OR 1=1': expected the radius in degrees, 0 to 180"),
    ({"VERB": 4}, "VERB is '4': expected 1 or 2 or 3"),
    ({"MAXREC": "many"}, "MAXREC is 'many': expected a whole number, 0 or more"),
    ({"RESPONSEFORMAT": "xls"}, "no format 'xls'"),
]


def test_a_wrong_request_is_a_votable_that_says_why(database: str, tmp_path: Path) -> None:
    with serving(database, tmp_path, ServiceLimits()) as served:
        responses = [cone(served.url, **parameters) for parameters, _ in WRONG]
    for response, (_, says) in zip(responses, WRONG, strict=True):
        assert response.status_code == 400
        assert response.headers["content-type"].split(";")[0] == "text/xml"
        found = document(response)
        (old,) = found.infos
        (new,) = found.resources[0].infos
        assert (old.name, new.name, new.value) == ("Error", "QUERY_STATUS", "ERROR")
        assert old.value == new.content
        assert old.value.startswith(says)


def test_other_formats_may_be_asked_for(base: str, expected: Table) -> None:
    response = cone(base, RESPONSEFORMAT="csv", VERB=1)
    assert response.headers["content-type"].startswith("text/csv")
    table = Table.read(response.text, format="ascii.csv", converters={"object_id": str})
    assert table.colnames == ["object_id", "survey", "ra", "dec", "mag_r", "separation"]
    assert table["object_id"].tolist() == expected["object_id"].tolist()
    binary = document(cone(base, RESPONSEFORMAT="votable/b2", VERB=1)).get_first_table().to_table()
    assert binary["object_id"].tolist() == expected["object_id"].tolist()


def test_pyvo_searches_and_reads_the_columns(base: str, expected: Table) -> None:
    service = SCSService(f"{base}/scs")
    found = service.search(SkyCoord(RA, DEC, unit="deg"), RADIUS, verbosity=1)
    assert [record.id for record in found] == expected["object_id"].tolist()
    assert found[0].pos.separation(SkyCoord(RA, DEC, unit="deg")).deg == pytest.approx(
        expected["separation"][0], abs=1e-9
    )
    assert "separation" in {column.name for column in service.columns}
    with pytest.raises((DALQueryError, DALServiceError)):
        service.search((RA, DEC), 181)


def test_stilts_searches_and_matches_a_table(base: str, expected: Table, tmp_path: Path) -> None:
    if shutil.which("stilts") is None:
        pytest.skip("stilts is not on this machine")
    where = [f"lon={RA}", f"lat={DEC}", f"radius={RADIUS}", "ofmt=csv"]
    found = stilts("cone", f"serviceurl={base}/scs", "verb=1", *where)
    assert Table.read(found, format="ascii.csv")["ra"].tolist() == pytest.approx(expected["ra"].tolist())
    mine = tmp_path / "mine.csv"
    expected["ra", "dec"].write(mine)
    matched = stilts(
        "coneskymatch", f"serviceurl={base}/scs", f"in={mine}", "ifmt=csv", "ra=ra", "dec=dec", "sr=0.001",
        "find=best", "verb=1", "ofmt=csv",
    )  # fmt: skip
    table = Table.read(matched, format="ascii.csv", converters={"object_id": str})
    assert table["object_id"].tolist() == expected["object_id"].tolist()
    answer = tmp_path / "answer.vot"
    answer.write_bytes(cone(base).content)
    assert stilts("votlint", f"votable={answer}") == ""


def stilts(*words: str) -> str:
    said = subprocess.run(["stilts", *words], capture_output=True, text=True, check=True)
    return said.stdout


def test_what_was_asked_is_in_the_log(database: str, connection: psycopg.Connection, tmp_path: Path) -> None:
    fill(connection, 50)
    with serving(database, tmp_path, ServiceLimits()) as served:
        cone(served.url, SR=180, VERB=1)
    rows = connection.execute("SELECT interface, phase, rows, query FROM galcat_tap.query_log").fetchall()
    assert [row[:3] for row in rows] == [("scs", "COMPLETED", 50)]
    assert "CIRCLE(0.4, 12.5, 180.0)" in rows[0][3]
