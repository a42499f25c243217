"""STILTS: its validators find nothing, and its commands get what is in the catalogue."""

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import Table

from tests.clients.rows import Rows, rows_of, sql_rows
from tests.clients.service import Service

pytestmark = [
    pytest.mark.xdist_group("clients"),
    pytest.mark.skipif(shutil.which("stilts") is None, reason="stilts is not here: apt-get install stilts"),
]

STAGES = "TMV TME TMS TMC CPV CAP AVV QGE QPO QAS UWS MDQ OBS LOC UPL EXA"
COLUMNS = "object_id, survey_source_id, ra, dec, mag_r, healpix29, ring_probability"
BRIGHT = f"SELECT {COLUMNS} FROM galcat.galaxy WHERE mag_r < 15 ORDER BY object_id"
ALL_KINDS = (
    "SELECT g.*, e.release, e.search, e.vector, t.finished_at FROM galcat.galaxy AS g "
    "JOIN galcat.embedding AS e ON e.object_id = g.object_id JOIN galcat.tile AS t ON t.name = g.tile"
)
WITH_POLYGON = ALL_KINDS.replace("t.finished_at", "t.finished_at, t.s_region")
"""For TABLEDATA alone: of a polygon of any length in BINARY2, votlint 3.4 reads the length and no corner."""
NEAR_DEG = 0.002


def stilts(*words: str) -> str:
    """What a command of STILTS writes to both its outputs."""
    done = subprocess.run(
        ["stilts", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def result(folder: Path, *words: str) -> Table:
    """The table that a command of STILTS makes."""
    file = folder / "result.vot"
    stilts(*words, f"out={file}", "ofmt=votable-binary2-inline")
    return Table.read(file, format="votable")


def complaints(said: str) -> list[str]:
    return re.findall(r"^[EWF]-.*", said, re.MULTILINE)


def test_taplint_misses_nothing_but_a_schedule_of_observations(service: Service) -> None:
    said = stilts("taplint", f"tapurl={service.tap}", "report=EWISF")
    assert complaints(said) == ["F-LOC-NOTP-1 No table with name ivoa.obsplan"]
    assert " ".join(re.findall(r"^Section ([A-Z]{3}):", said, re.MULTILINE)) == STAGES


@pytest.mark.parametrize(("form", "query"), [("votable/b2", ALL_KINDS), ("votable/td", WITH_POLYGON)])
def test_votlint_finds_nothing_in_a_table_of_all_kinds_of_columns(
    service: Service, tmp_path: Path, form: str, query: str
) -> None:
    asked = {"QUERY": query, "RESPONSEFORMAT": form, "MAXREC": "30"}
    answer = httpx.post(f"{service.tap}/sync", data=asked)
    assert len(Table.read(_keep_answer(answer, tmp_path), format="votable")) == 30
    assert stilts("votlint", str(tmp_path / "answer.vot")) == ""


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/tap/sync", {"QUERY": "SELECT nothing FROM galcat.galaxy"}),
        ("/tap/sync", {"QUERY": BRIGHT, "MAXREC": "0"}),
        ("/scs", {"RA": "10", "DEC": "0", "SR": "30", "VERB": "3"}),
        ("/scs", {"RA": "10", "DEC": "0", "SR": "-1"}),
    ],
    ids=["an error", "columns alone", "a cone", "a wrong cone"],
)
def test_votlint_finds_nothing_in(service: Service, tmp_path: Path, path: str, asked: dict[str, str]) -> None:
    _keep_answer(httpx.get(service.url + path, params=asked), tmp_path)
    assert stilts("votlint", str(tmp_path / "answer.vot")) == ""


def test_datalinklint_finds_nothing_in_links(service: Service, tmp_path: Path) -> None:
    ids = [*service.names("SELECT object_id FROM galcat.galaxy ORDER BY 1 LIMIT 3"), "17"]
    links = _keep_answer(
        httpx.get(f"{service.url}/datalink/links", params=[("ID", one) for one in ids]), tmp_path
    )
    assert complaints(stilts("datalinklint", str(links))) == []
    assert [row["semantics"] for row in Table.read(links, format="votable")] == [
        *["#this", "#preview"] * 3,
        "#this",
    ]


@pytest.mark.parametrize("is_sync", ["true", "false"])
def test_tapquery_gets_what_sql_gives(service: Service, tmp_path: Path, is_sync: str) -> None:
    table = result(tmp_path, "tapquery", f"tapurl={service.tap}", f"adql={BRIGHT}", f"sync={is_sync}")
    assert rows_of(table) == sql_rows(service.rows(BRIGHT))
    assert table["ra"].unit == units.deg
    assert table["mag_r"].description == "Magnitude in r, observed, AB"


def test_tapquery_sends_a_table_along(service: Service, tmp_path: Path) -> None:
    wanted = service.rows("SELECT object_id, mag_r FROM galcat.galaxy ORDER BY object_id LIMIT 40")
    Table(rows=wanted[::2], names=["galaxy", "magnitude"]).write(tmp_path / "mine.vot", format="votable")
    table = result(
        tmp_path,
        "tapquery",
        f"tapurl={service.tap}",
        "nupload=1",
        f"upload1={tmp_path / 'mine.vot'}",
        "upname1=mine",
        "adql=SELECT g.object_id, g.mag_r FROM TAP_UPLOAD.mine AS m JOIN galcat.galaxy AS g "
        "ON g.object_id = m.galaxy ORDER BY 1",
    )
    assert rows_of(table) == sql_rows(wanted[::2])


def test_tapresume_gets_a_job_s_result_and_removes_it(service: Service, tmp_path: Path) -> None:
    job = httpx.post(f"{service.tap}/async", data={"QUERY": BRIGHT, "PHASE": "RUN"}).headers["location"]
    table = result(tmp_path, "tapresume", f"joburl={job}", "delete=finished", "progress=false")
    assert rows_of(table) == sql_rows(service.rows(BRIGHT))
    assert httpx.get(job).status_code == 404


def test_tapskymatch_finds_every_pair(service: Service, tmp_path: Path) -> None:
    places = _places(service, tmp_path)
    table = result(
        tmp_path,
        "tapskymatch",
        f"in={tmp_path / 'places.vot'}",
        "inlon=lon",
        "inlat=lat",
        f"tapurl={service.tap}",
        "taptable=galcat.galaxy",
        "taplon=ra",
        "taplat=dec",
        "tapcols=object_id",
        f"sr={NEAR_DEG}",
        "find=all",
        "blocksize=7",
    )
    assert sorted(rows_of(table["number", "object_id"])) == _pairs(service, places, NEAR_DEG)


def test_coneskymatch_finds_every_pair(service: Service, tmp_path: Path) -> None:
    places = _places(service, tmp_path)
    table = result(
        tmp_path,
        "coneskymatch",
        f"in={tmp_path / 'places.vot'}",
        "ra=lon",
        "dec=lat",
        "sr=4",
        f"serviceurl={service.url}/scs",
        "find=all",
        "parallel=3",
        "copycols=number",
    )
    found = sorted((row["number"], int(row["object_id"])) for row in table)
    assert found == _pairs(service, places, 4)


def test_cone_gets_the_galaxies_around_a_place_nearest_first(service: Service, tmp_path: Path) -> None:
    where = {"lon": 359.0, "lat": 40.0, "radius": 12.0}
    asked = [f"{name}={value}" for name, value in where.items()]
    table = result(tmp_path, "cone", f"serviceurl={service.url}/scs", *asked)
    ids, sky = _galaxies(service)
    distance = sky.separation(SkyCoord(where["lon"], where["lat"], unit="deg")).deg
    nearest = np.argsort(distance)[: (distance < where["radius"]).sum()]
    assert [int(one) for one in table["object_id"]] == ids[nearest].tolist()
    assert table["separation"].tolist() == pytest.approx(distance[nearest].tolist(), abs=1e-9)


def _keep_answer(answer: httpx.Response, folder: Path) -> Path:
    file = folder / "answer.vot"
    file.write_bytes(answer.content)
    return file


def _galaxies(service: Service) -> tuple[np.ndarray, SkyCoord]:
    """object_id (n,) and position of every galaxy."""
    ids, ra, dec = zip(*service.rows("SELECT object_id, ra, dec FROM galcat.galaxy"), strict=True)
    return np.array(ids), SkyCoord(np.array(ra), np.array(dec), unit="deg")


def _places(service: Service, folder: Path) -> SkyCoord:
    """20 places a few arcsec off galaxies, and 5 anywhere; also as a file, by number."""
    rng = np.random.default_rng(4)
    _, sky = _galaxies(service)
    near = sky[rng.choice(len(sky), 20, replace=False)]
    near = near.directional_offset_by(
        rng.uniform(0, 360, 20) * units.deg, rng.uniform(0, 5, 20) * units.arcsec
    )
    anywhere = SkyCoord(rng.uniform(0, 360, 5), rng.uniform(-60, 60, 5), unit="deg")
    lon, lat = (np.concatenate([getattr(near, one).deg, getattr(anywhere, one).deg]) for one in ("ra", "dec"))
    Table({"number": np.arange(25), "lon": lon, "lat": lat}).write(folder / "places.vot", format="votable")
    return SkyCoord(lon, lat, unit="deg")


def _pairs(service: Service, places: SkyCoord, radius_deg: float) -> Rows:
    """(number of the place, object_id) of all pairs nearer than a radius."""
    ids, sky = _galaxies(service)
    number, galaxy, _, _ = sky.search_around_sky(places, radius_deg * units.deg)
    pairs: Rows = sorted(zip(number.tolist(), ids[galaxy].tolist(), strict=True))
    assert len(pairs) >= 20
    return pairs
