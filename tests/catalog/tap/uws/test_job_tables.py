"""Tables that are sent to a job after it was made."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.catalog.tap.tap_server import TapServer, statuses
from tests.waiting import wait_until

TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'tap_upload'::regnamespace AND relkind = 'r'"


def send(url: str, name: str, value: int = 1) -> httpx.Response:
    """Send a table of one number, of the name t0, t1, ..."""
    return httpx.post(
        f"{url}/parameters",
        data={"UPLOAD": f"{name},param:f"},
        files={"f": ("f.csv", b"a\n%d\n" % value)},
    )


def test_a_table_that_is_sent_again_takes_the_place_of_the_first(served: TapServer) -> None:
    url = served.make_job("SELECT a FROM TAP_UPLOAD.t", FORMAT="csv")
    for value in range(12):
        assert send(url, "tT"[value % 2], value).status_code == 303
    assert served.value(TABLES) == "1"
    httpx.post(f"{url}/phase", data={"PHASE": "RUN"})
    wait_until(lambda: httpx.get(f"{url}/phase").text == "COMPLETED")
    assert httpx.get(f"{url}/results/result").text.split() == ["a", "11"]
    httpx.delete(url)
    assert served.value(TABLES) == "0"


def test_a_job_has_no_more_tables_than_a_query_may_have(served: TapServer) -> None:
    url = served.make_job("SELECT a FROM TAP_UPLOAD.t0")
    assert {send(url, f"t{i}").status_code for i in range(8)} == {303}
    refused = send(url, "t8")
    assert (refused.status_code, statuses(refused)) == (400, ["ERROR"])
    assert "the job would have 9 tables: 8 may come with a query" in refused.text
    assert send(url, "t7").status_code == 303
    assert served.value(TABLES) == "8"


def test_tables_sent_at_the_same_time_are_no_more_than_that_either(served: TapServer) -> None:
    url = served.make_job("SELECT a FROM TAP_UPLOAD.t0")
    with ThreadPoolExecutor(16) as threads:
        codes = [answer.status_code for answer in threads.map(lambda i: send(url, f"t{i}"), range(16))]
    stored = codes.count(303)
    assert 1 <= stored <= 8
    assert set(codes) <= {303, 400, 503}  # 503: too many files are being read
    assert served.value(TABLES) == str(stored)
    recorded = "SELECT count(*) FROM jsonb_object_keys((SELECT uploads FROM galcat_tap.job))"
    assert served.value(recorded) == str(stored)


def test_every_table_of_a_job_goes_with_it(served: TapServer) -> None:
    url = served.make_job("SELECT a FROM TAP_UPLOAD.t0")
    for i in range(3):
        send(url, f"t{i}")
    # As a crash between the storing of a table and its recording leaves it.
    served.value("UPDATE galcat_tap.job SET uploads = uploads - 't1' RETURNING 1")
    httpx.delete(url)
    assert served.value(TABLES) == "0"


def test_a_job_that_has_ended_takes_no_table(served: TapServer) -> None:
    url = served.make_job("SELECT a FROM TAP_UPLOAD.t")
    httpx.post(f"{url}/phase", data={"PHASE": "ABORT"})
    late = send(url, "t")
    assert (late.status_code, "is ABORTED" in late.text) == (400, True)
    assert served.value(TABLES) == "0"
