"""pyvo: queries, jobs, uploads, metadata, links and errors, as a notebook uses them."""

import gc
import io
from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pytest
import requests
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import Table
from PIL import Image
from pyvo.dal import DALOverflowWarning, DALQueryError, SCSService, TAPService
from pyvo.dal.adhoc import DatalinkResults
from pyvo.utils.http import create_session

from tests.clients.galaxies import N
from tests.clients.rows import rows_of, sql_rows
from tests.clients.service import Service
from tests.waiting import LAST_LIMIT_S

pytestmark = [
    pytest.mark.xdist_group("clients"),
    # pyvo leaves connections to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

BRIGHT = (
    "SELECT object_id, survey_source_id, ra, dec, mag_r, ring_probability "
    "FROM galcat.galaxy WHERE mag_r < 16 ORDER BY object_id"
)
VECTORS = "SELECT object_id, ra, dec, search::real[] FROM galcat.galaxy ORDER BY object_id"


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """One that is closed; what pyvo itself leaves open is swept up before another test finds it."""
    with create_session() as opened:
        yield opened
    gc.collect()


@pytest.fixture
def tap(service: Service, session: requests.Session) -> TAPService:
    return TAPService(service.tap, session=session)


def test_search_gives_rows_with_units_and_descriptions(service: Service, tap: TAPService) -> None:
    table = tap.search(BRIGHT).to_table()
    assert rows_of(table) == sql_rows(service.rows(BRIGHT))
    assert [str(table[name].unit) for name in ("ra", "dec", "mag_r")] == ["deg", "deg", "mag"]
    assert table["ra"].description == "Right ascension, ICRS"


def test_arrays_times_and_regions_arrive_as_what_they_are(service: Service, tap: TAPService) -> None:
    found = tap.search("SELECT TOP 5 object_id, search, vector FROM galcat.embedding ORDER BY object_id")
    stored = "SELECT object_id, search, vector FROM galcat_tap.embedding ORDER BY object_id LIMIT 5"
    assert rows_of(found.to_table()) == sql_rows(service.rows(stored))
    tile = tap.search("SELECT s_region, finished_at FROM galcat.tile")[0]
    ((corners, finished_at),) = service.rows("SELECT s_region, finished_at FROM galcat_tap.tile")
    assert tile["s_region"].tolist() == corners
    assert datetime.fromisoformat(tile["finished_at"]) == finished_at


def test_a_job_runs_from_its_creation_to_its_deletion(service: Service, tap: TAPService) -> None:
    job = tap.submit_job(BRIGHT)
    assert job.phase == "PENDING"
    job.execution_duration = 77
    job.run()
    job.wait(timeout=LAST_LIMIT_S)
    assert (job.phase, job.execution_duration.sec, job.query) == ("COMPLETED", 77, BRIGHT)
    assert job.job_id in [one.jobid for one in tap.get_job_list(phases=["COMPLETED"])]
    assert rows_of(job.fetch_result().to_table()) == sql_rows(service.rows(BRIGHT))
    job.delete()
    assert job.job_id not in [one.jobid for one in tap.get_job_list()]


def test_run_async_gives_the_same(service: Service, tap: TAPService) -> None:
    assert rows_of(tap.run_async(BRIGHT).to_table()) == sql_rows(service.rows(BRIGHT))


@pytest.mark.parametrize("way", ["run_sync", "run_async"])
def test_an_uploaded_table_of_ids_positions_and_vectors_is_compared(
    service: Service, tap: TAPService, way: str
) -> None:
    ids, ra, dec, vectors = (np.array(column) for column in zip(*service.rows(VECTORS), strict=True))
    rng = np.random.default_rng(8)
    mine = rng.choice(len(ids), 12, replace=False)
    other = rng.permutation(mine)
    sent = Table(
        {"galaxy": ids[mine], "lon": ra[mine], "lat": dec[mine], "look": vectors[other].astype("f4")}
    )
    found = getattr(tap, way)(
        "SELECT m.galaxy, g.object_id, morph_distance(g.object_id, m.look) AS unlikeness "
        "FROM TAP_UPLOAD.mine AS m JOIN galcat.galaxy AS g "
        "ON 1 = CONTAINS(POINT(g.ra, g.dec), CIRCLE(m.lon, m.lat, 1 / 3600.0)) ORDER BY m.galaxy",
        uploads={"mine": sent},
    ).to_table()
    rows = np.argsort(ids[mine])
    assert found["galaxy"].tolist() == found["object_id"].tolist() == ids[mine][rows].tolist()
    expected = np.linalg.norm(vectors[mine] - vectors[other], axis=1)[rows]
    assert found["unlikeness"].tolist() == pytest.approx(expected.tolist(), abs=2e-3)


def test_the_galaxies_most_like_an_uploaded_vector_are_those_numpy_finds(
    service: Service, tap: TAPService
) -> None:
    ids, _, _, vectors = (np.array(column) for column in zip(*service.rows(VECTORS), strict=True))
    vector = vectors[[5, 50]].mean(axis=0, dtype=np.float32)
    found = tap.search(
        "SELECT TOP 10 g.object_id, morph_distance(g.object_id, t.vector) AS unlikeness "
        "FROM galcat.galaxy AS g, TAP_UPLOAD.t1 AS t ORDER BY unlikeness",
        uploads={"t1": Table({"vector": vector[None]})},
    ).to_table()
    distance = np.linalg.norm(vectors - vector, axis=1)
    nearest = np.argsort(distance)[:10]
    assert found["object_id"].tolist() == ids[nearest].tolist()
    assert found["unlikeness"].tolist() == pytest.approx(distance[nearest].tolist(), abs=2e-3)


def test_the_tables_are_those_of_tap_schema_with_units_and_ucds(service: Service, tap: TAPService) -> None:
    described = {
        (name, column.name): (column.description, column.unit, column.ucd)
        for name, table in tap.tables.items()
        for column in table.columns
    }
    stored = service.rows("SELECT table_name, column_name, description, unit, ucd FROM tap_schema.columns")
    assert described == {(row[0], row[1]): row[2:] for row in stored}
    assert described["galcat.galaxy", "ra"] == ("Right ascension, ICRS", "deg", "pos.eq.ra;meta.main")


def test_every_example_that_needs_no_upload_runs(tap: TAPService) -> None:
    queries = [example["QUERY"] for example in tap.examples]
    assert sum("morph_distance" in query for query in queries) >= 3
    for query in queries:
        if "TAP_UPLOAD" not in query:
            assert tap.search(query).fieldnames


def test_the_capabilities_name_functions_ways_to_upload_and_limits(tap: TAPService) -> None:
    language = tap.get_tap_capability().get_adql()
    assert language.get_udf("morph_distance").form == "morph_distance(a BIGINT, b BIGINT) -> DOUBLE PRECISION"
    assert language.get_feature("ivo://ivoa.net/std/TAPRegExt#features-adqlgeo", "CIRCLE")
    methods = {method.ivo_id for method in tap.upload_methods}
    assert "ivo://ivoa.net/std/TAPRegExt#upload-inline" in methods
    assert (tap.maxrec, tap.hardlimit) == (20_000, 5_000_000)


@pytest.mark.parametrize("way", ["run_sync", "run_async"])
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT objectid FROM galcat.galaxy", "line 1, column 8: no column 'objectid'.*object_id"),
        ("SELECT * FROM galcat.source", "line 1, column 15: no table 'galcat.source'"),
        ("SELECT pg_sleep(9) FROM galcat.galaxy", "line 1, column 8: .*pg_sleep"),
    ],
)
def test_an_error_says_where_and_why(tap: TAPService, way: str, query: str, message: str) -> None:
    with pytest.raises(DALQueryError, match=message):
        getattr(tap, way)(query)


def test_an_answer_that_is_cut_warns(tap: TAPService) -> None:
    with pytest.warns(DALOverflowWarning):
        found = tap.search("SELECT a.object_id FROM galcat.galaxy AS a, galcat.galaxy AS b")
    assert len(found) == tap.maxrec < N**2
    assert len(tap.search("SELECT object_id FROM galcat.galaxy", maxrec=N)) == N


def test_a_cone_search_gives_what_lies_within(service: Service, session: requests.Session) -> None:
    place, radius = SkyCoord(0.5, -30, unit="deg"), 15 * units.deg
    found = SCSService(f"{service.url}/scs", session=session).search(pos=place, radius=radius)
    ids, ra, dec = zip(*service.rows("SELECT object_id, ra, dec FROM galcat.galaxy"), strict=True)
    distance = SkyCoord(np.array(ra), np.array(dec), unit="deg").separation(place)
    nearest = np.argsort(distance)[: (distance < radius).sum()]
    assert [int(record.id) for record in found] == [ids[i] for i in nearest]
    assert found[0].pos.separation(place).deg == pytest.approx(distance.min().deg)
    links = {link["ID"] for one in found.iter_datalinks() for link in one}
    assert links == {record.id for record in found}


def test_every_row_leads_to_its_picture_and_to_itself(service: Service, tap: TAPService) -> None:
    found = tap.search("SELECT TOP 3 object_id, ra, mag_r FROM galcat.galaxy ORDER BY object_id DESC")
    # Without the order it compares whole numbers with the texts that DataLink wants, and finds none.
    for record, links in zip(found, found.iter_datalinks(preserve_order=True), strict=True):
        _check_links(service, record["object_id"], links)
    _check_links(service, found[1]["object_id"], found[1].getdatalink())


def _check_links(service: Service, object_id: int, links: DatalinkResults) -> None:
    found = {link.semantics: link.getdataset().read() for link in links}
    assert list(found) == ["#this", "#preview"]
    ((jpeg,),) = service.rows("SELECT jpeg FROM galcat.thumbnail WHERE object_id = %s", int(object_id))
    assert found["#preview"] == jpeg
    assert Image.open(io.BytesIO(jpeg)).format == "JPEG"
    assert Table.read(io.BytesIO(found["#this"]), format="votable")["object_id"].tolist() == [object_id]
