"""Times and rows that Python cannot hold, in jobs."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from catalog.database.connection import connect
from catalog.tap.job_store.removal import delete_old_jobs
from tests.catalog.tap.tap_server import TapServer
from tests.waiting import wait_until

COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"
FIRST = "0001-01-01T00:00:00+14:00"
LAST = "9999-12-31T23:59:59-14:00"


def wait_for_end(url: str) -> str:
    wait_until(lambda: httpx.get(f"{url}/phase").text not in {"PENDING", "QUEUED", "EXECUTING"})
    return httpx.get(f"{url}/phase").text


@pytest.mark.parametrize(("wanted", "days"), [(FIRST, 0), ("1970-01-01", 0), (LAST, 30)])
def test_a_destruction_out_of_bounds_is_brought_into_them(served: TapServer, wanted: str, days: int) -> None:
    began, second = datetime.now(UTC) + timedelta(days=days), timedelta(seconds=1)
    at_creation = served.make_job(COUNT, DESTRUCTION=wanted)
    later = served.make_job(COUNT)
    assert httpx.post(f"{later}/destruction", data={"DESTRUCTION": wanted}).status_code == 303
    for url in (at_creation, later):
        given = datetime.fromisoformat(httpx.get(f"{url}/destruction").text)
        assert began - second < given < datetime.now(UTC) + timedelta(days=days) + second


@pytest.mark.parametrize(("after", "n"), [(FIRST, 1), (LAST, 0)])
def test_the_list_knows_the_ends_of_time(served: TapServer, after: str, n: int) -> None:
    served.make_job(COUNT)
    answer = httpx.get(f"{served.url}/tap/async", params={"AFTER": after})
    assert (answer.status_code, len(fromstring(answer.content))) == (200, n)


@pytest.mark.parametrize(
    "spoil",
    [
        "destruction = '0001-01-01 00:00:00+14'",
        "destruction = 'infinity'",
        """uploads = '{"t": {"of": "another version"}}'""",
        "parameters = '[]'",
    ],
)
def test_a_job_that_cannot_be_read_fails_and_the_next_one_runs(served: TapServer, spoil: str) -> None:
    bad, good = served.make_job(COUNT), served.make_job(COUNT)
    served.value(
        f"UPDATE galcat_tap.job SET {spoil}, phase = 'QUEUED', queued_at = '2000-01-01' "
        "WHERE job_id = %s RETURNING 1",
        bad.split("/")[-1],
    )
    httpx.post(f"{good}/phase", data={"PHASE": "RUN"})
    assert wait_for_end(good) == "COMPLETED"
    reason = "SELECT coalesce(error, phase) FROM galcat_tap.job WHERE job_id = %s"
    wait_until(lambda: "cannot read this job" in served.value(reason, bad.split("/")[-1]))
    assert httpx.get(bad).status_code == 200
    assert httpx.delete(bad).status_code == 303
    assert good.split("/")[-1] in httpx.get(f"{served.url}/tap/async").text


def test_a_job_that_cannot_be_read_is_removed_with_the_old_ones(served: TapServer) -> None:
    url = served.make_job(COUNT)
    served.value("UPDATE galcat_tap.job SET destruction = '0001-01-01 00:00:00+14' RETURNING 1")
    with connect(served.database, autocommit=True) as writer:
        assert [job.job_id for job in delete_old_jobs(writer)] == [url.split("/")[-1]]
    assert httpx.get(url).status_code == 404
