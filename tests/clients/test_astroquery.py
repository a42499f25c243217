"""astroquery's TapPlus: the tables there are, queries and jobs of its own making."""

import gc
from collections.abc import Iterator

import pytest
from astropy import units
from astropy.table import Table
from astroquery.utils.tap.core import TapPlus
from requests.exceptions import HTTPError

from tests.clients.rows import rows_of, sql_rows
from tests.clients.service import Service

pytestmark = [
    pytest.mark.xdist_group("clients"),
    # TapPlus leaves connections to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

BRIGHT = (
    "SELECT object_id, survey_source_id, ra, dec, mag_r "
    "FROM galcat.galaxy WHERE mag_r < 15 ORDER BY object_id"
)


@pytest.fixture
def tap(service: Service) -> Iterator[TapPlus]:
    yield TapPlus(url=service.tap)
    gc.collect()


def test_load_tables_shows_every_table_with_its_columns_and_units(service: Service, tap: TapPlus) -> None:
    tables = tap.load_tables()
    described = service.rows("SELECT table_name, description FROM tap_schema.tables")
    assert {table.name: table.description for table in tables} == dict(described)
    found = {
        (table.name, column.name): (column.description, column.unit, column.ucd)
        for table in tables
        for column in table.columns
    }
    stored = service.rows("SELECT table_name, column_name, description, unit, ucd FROM tap_schema.columns")
    assert found == {(row[0], row[1]): row[2:] for row in stored}


def test_load_table_shows_one(service: Service, tap: TapPlus) -> None:
    table = tap.load_table("galcat.galaxy")
    stored = service.names(
        "SELECT column_name FROM tap_schema.columns WHERE table_name = 'galcat.galaxy' ORDER BY column_index"
    )
    assert [column.name for column in table.columns] == stored


def test_launch_job_gives_what_sql_gives(service: Service, tap: TapPlus) -> None:
    table = tap.launch_job(BRIGHT).get_results()
    assert rows_of(table) == sql_rows(service.rows(BRIGHT))
    assert table["mag_r"].unit == units.mag


def test_launch_job_sends_a_table_along(service: Service, tap: TapPlus) -> None:
    wanted = service.rows("SELECT object_id, mag_r FROM galcat.galaxy ORDER BY object_id LIMIT 9")
    job = tap.launch_job(
        "SELECT m.galaxy, g.mag_r FROM TAP_UPLOAD.mine AS m JOIN galcat.galaxy AS g "
        "ON g.object_id = m.galaxy ORDER BY m.galaxy",
        upload_resource=Table({"galaxy": [row[0] for row in wanted]}),
        upload_table_name="mine",
    )
    assert rows_of(job.get_results()) == sql_rows(wanted)


@pytest.mark.parametrize("in_background", [False, True])
def test_launch_job_async_gives_what_sql_gives(
    service: Service, tap: TapPlus, *, in_background: bool
) -> None:
    job = tap.launch_job_async(BRIGHT, background=in_background)
    assert rows_of(job.get_results()) == sql_rows(service.rows(BRIGHT))
    assert (job.get_phase(update=True), job.is_finished()) == ("COMPLETED", True)


def test_jobs_are_listed_until_they_are_removed(tap: TapPlus) -> None:
    ids = [tap.launch_job_async(BRIGHT).jobid for _ in range(3)]
    assert set(ids) <= _list_tables(tap)
    tap.remove_jobs(ids[:2])
    assert _list_tables(tap) & set(ids) == {ids[2]}


@pytest.mark.parametrize("launch", ["launch_job", "launch_job_async"])
def test_an_error_says_where_and_why(tap: TapPlus, launch: str) -> None:
    with pytest.raises(HTTPError, match=r"line 1, column \d+: no column 'objectid'.*object_id"):
        getattr(tap, launch)("SELECT objectid FROM galcat.galaxy")


def _list_tables(tap: TapPlus) -> set[str]:
    return {job.jobid for job in tap.list_async_jobs()}
