import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree.ElementTree import Element

import httpx
import psycopg
import pytest
from defusedxml.ElementTree import fromstring

from catalog.tap.limits import ServiceLimits
from catalog.tap.uws import job_watch
from catalog.tap.uws import long_poll as job_wait
from tests.catalog.tap.tap_server import RUNAWAY, TapServer, serving, statuses, votable
from tests.waiting import LAST_LIMIT_S, wait_until

UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"


def job(url: str, **parameters: str) -> Element:
    answer = httpx.get(url, params=parameters)
    assert answer.status_code == 200, answer.text
    return fromstring(answer.content)


def text(url: str, part: str) -> str | None:
    return job(url).findtext(UWS + part)


def phase(url: str) -> str:
    return httpx.get(f"{url}/phase").text


def run(url: str) -> str:
    """Run a job to its end; returns its last phase."""
    assert httpx.post(f"{url}/phase", data={"PHASE": "RUN"}).status_code == 303
    return wait_for_end(url)


def wait_for_end(url: str) -> str:
    wait_until(lambda: phase(url) not in {"PENDING", "QUEUED", "EXECUTING"})
    return phase(url)


def test_a_job_is_made_run_read_and_removed(served: TapServer, tmp_path: Path) -> None:
    url = served.make_job(COUNT, RUNID="mine", FORMAT="csv", LANG="ADQL")
    assert url.startswith(f"{served.url}/tap/async/")
    fresh = job(url)
    assert [fresh.findtext(UWS + name) for name in ("phase", "runId", "executionDuration")] == [
        "PENDING",
        "mine",
        "600",
    ]
    assert {p.get("id"): p.text for p in fresh.iter(UWS + "parameter")} == {
        "QUERY": COUNT,
        "FORMAT": "csv",
        "LANG": "ADQL",
    }
    assert run(url) == "COMPLETED"
    done = job(url)
    (result,) = done.iter(UWS + "result")
    assert result.get("{http://www.w3.org/1999/xlink}href") == f"{url}/results/result"
    answer = httpx.get(f"{url}/results/result")
    assert (answer.text.split(), answer.headers["content-type"]) == (
        ["n", "300"],
        "text/csv;header=present;charset=utf-8",
    )
    assert answer.headers["x-galcat-overflow"] == "false"
    assert len(list((tmp_path / "results").iterdir())) == 1
    removed = httpx.delete(url)
    assert (removed.status_code, removed.headers["location"]) == (303, f"{served.url}/tap/async")
    assert httpx.get(url).status_code == 404
    assert list((tmp_path / "results").iterdir()) == []


def test_the_times_of_a_job_are_in_order(served: TapServer) -> None:
    began = datetime.now(UTC)
    url = served.make_job(COUNT)
    made = datetime.now(UTC)
    run(url)
    times = [text(url, name) for name in ("creationTime", "startTime", "endTime", "destruction")]
    read = [datetime.fromisoformat(str(time)) for time in times]
    assert read == sorted(read)
    rounding = timedelta(milliseconds=1)
    for creation in (read[0], read[3] - timedelta(days=7)):
        assert began - rounding <= creation <= made
    assert made - rounding <= read[1]
    assert read[2] <= datetime.now(UTC)


def test_phase_run_at_creation_starts_the_job(served: TapServer) -> None:
    url = served.make_job(COUNT, PHASE="RUN", FORMAT="csv")
    assert wait_for_end(url) == "COMPLETED"
    assert httpx.get(f"{url}/results/result").text.split() == ["n", "300"]


def test_a_short_job_has_ended_when_the_client_is_told_that_it_was_made(
    served: TapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_wait, "_SHORT_JOB_S", LAST_LIMIT_S)
    assert phase(served.make_job(COUNT, PHASE="RUN")) == "COMPLETED"
    later = served.make_job(COUNT)
    httpx.post(f"{later}/phase", data={"PHASE": "RUN"})
    assert phase(later) == "COMPLETED"


def test_the_result_of_a_job_is_that_of_sync_and_says_that_it_was_cut(served: TapServer) -> None:
    query = "SELECT object_id, ra, survey FROM galcat.galaxy ORDER BY object_id"
    url = served.make_job(query, PHASE="RUN", MAXREC="20")
    assert wait_for_end(url) == "COMPLETED"
    result = httpx.get(f"{url}/results/result")
    assert result.content == served.ask(query, MAXREC="20").content
    assert (statuses(result), result.headers["x-galcat-overflow"]) == (["OK", "OVERFLOW"], "true")
    plain = httpx.get(f"{url}/results/result", headers={"Accept-Encoding": "identity"})
    assert (plain.content, "content-encoding" in plain.headers) == (result.content, False)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        (
            {"QUERY": "SELECT nothing FROM galcat.galaxy"},
            "line 1, column 8: no column 'nothing' in galcat.galaxy",
        ),
        ({"LANG": "ADQL"}, "QUERY is missing: the text of the query"),
        ({"QUERY": COUNT, "LANG": "PQL"}, "LANG is 'PQL': expected ADQL or ADQL-2.0 or ADQL-2.1"),
        ({"QUERY": COUNT, "FORMAT": "doc"}, "no format 'doc'"),
        ({"QUERY": "SELECT 1/(object_id - object_id) AS x FROM galcat.galaxy"}, "division by zero"),
    ],
)
def test_a_wrong_query_is_a_job_that_fails_with_the_reason(
    served: TapServer, parameters: dict[str, str], says: str
) -> None:
    made = httpx.post(f"{served.url}/tap/async", data={"PHASE": "RUN", **parameters})
    assert made.status_code == 303
    url = made.headers["location"]
    assert wait_for_end(url) == "ERROR"
    assert says in str(job(url).findtext(f"{UWS}errorSummary/{UWS}message"))
    answer = httpx.get(f"{url}/error")
    assert (answer.status_code, statuses(answer)) == (200, ["ERROR"])
    assert says in str(votable(answer).resources[0].infos[0].content)
    missing = httpx.get(f"{url}/results/result")
    assert (missing.status_code, says in missing.text) == (404, True)


def test_abort_cancels_the_query_in_postgres(served: TapServer) -> None:
    url = served.make_job(RUNAWAY, PHASE="RUN")
    wait_until(lambda: served.running() == 1)
    assert phase(url) == "EXECUTING"
    httpx.post(f"{url}/phase", data={"PHASE": "ABORT"})
    assert phase(url) == "ABORTED"
    wait_until(lambda: served.running() == 0)
    wait_until(lambda: served.value("SELECT count(*) FROM galcat_tap.query_log") == "1")
    assert served.value("SELECT interface || phase FROM galcat_tap.query_log") == "asyncABORTED"
    assert httpx.post(f"{url}/phase", data={"PHASE": "RUN"}).status_code == 400


def test_a_job_aborted_through_another_server_is_cancelled_too(served: TapServer) -> None:
    url = served.make_job(RUNAWAY, PHASE="RUN")
    wait_until(lambda: served.running() == 1)
    served.value("UPDATE galcat_tap.job SET phase = 'ABORTED' RETURNING 1")
    wait_until(lambda: served.running() == 0)
    assert phase(url) == "ABORTED"


@pytest.mark.parametrize("way", ["DELETE", "ACTION"])
def test_a_job_that_is_removed_while_it_runs_is_cancelled(served: TapServer, way: str) -> None:
    url = served.make_job(RUNAWAY, PHASE="RUN")
    wait_until(lambda: served.running() == 1)
    if way == "DELETE":
        httpx.delete(url)
    else:
        httpx.post(url, data={"ACTION": "DELETE"})
    wait_until(lambda: served.running() == 0)
    assert httpx.get(url).status_code == 404


def test_a_job_is_cancelled_when_its_time_is_over(served: TapServer) -> None:
    url = served.make_job(RUNAWAY)
    assert httpx.post(f"{url}/executionduration", data={"EXECUTIONDURATION": "1"}).status_code == 303
    assert httpx.get(f"{url}/executionduration").text == "1"
    assert run(url) == "ERROR"
    assert "took longer than 1 s" in httpx.get(f"{url}/error").text
    wait_until(lambda: served.running() == 0)


def test_times_beyond_the_limits_are_cut(served: TapServer) -> None:
    url = served.make_job(COUNT)
    for asked, given in (("999999", "3600"), ("0", "3600"), ("7", "7")):
        httpx.post(f"{url}/executionduration", data={"EXECUTIONDURATION": asked})
        assert text(url, "executionDuration") == given
    began, second = datetime.now(UTC), timedelta(seconds=1)
    httpx.post(f"{url}/destruction", data={"DESTRUCTION": "2999-01-01T00:00:00Z"})
    destruction = datetime.fromisoformat(httpx.get(f"{url}/destruction").text)
    assert began - second < destruction - timedelta(days=30) < datetime.now(UTC) + second
    refused = httpx.post(f"{url}/destruction", data={"DESTRUCTION": "tomorrow"})
    assert (refused.status_code, "expected a time" in refused.text) == (400, True)


def test_wait_holds_the_answer_back_until_the_phase_changes(
    galaxies: str, tmp_path: Path, limits: ServiceLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The client gives up long before a WAIT for ever, or the next look, is over: news alone can end one.
    monkeypatch.setattr(job_watch, "_LOOK_S", 10**6)
    endless = replace(limits, wait_seconds=10**6)
    with serving(galaxies, tmp_path, endless) as served, ThreadPoolExecutor(1) as threads:
        url = served.make_job(RUNAWAY, PHASE="RUN")
        wait_until(lambda: phase(url) == "EXECUTING")
        for_ever = threads.submit(job, url, WAIT="-1")
        began = time.monotonic()
        assert job(url, WAIT="1").findtext(UWS + "phase") == "EXECUTING"
        assert time.monotonic() - began >= 1
        assert job(url, WAIT="-1", PHASE="PENDING").findtext(UWS + "phase") == "EXECUTING"
        assert not for_ever.done()  # so the second's end was that of its own time
        httpx.post(f"{url}/executionduration", data={"EXECUTIONDURATION": "1"})
        httpx.post(f"{url}/phase", data={"PHASE": "ABORT"})
        assert for_ever.result().findtext(UWS + "phase") == "ABORTED"
        assert job(url, WAIT="-1").findtext(UWS + "phase") == "ABORTED"

        short = served.make_job(COUNT, PHASE="RUN")
        assert job(short, WAIT="-1").findtext(UWS + "phase") == "COMPLETED"


def test_parameters_can_be_changed_until_the_job_runs(served: TapServer) -> None:
    url = served.make_job("SELECT nothing FROM nowhere", FORMAT="csv")
    changed = httpx.post(f"{url}/parameters", data={"query": COUNT, "RUNID": "better"})
    assert changed.status_code == 303
    document = fromstring(httpx.get(f"{url}/parameters").content)
    assert {p.get("id"): p.text for p in document} == {"QUERY": COUNT, "FORMAT": "csv"}
    assert text(url, "runId") == "better"
    assert run(url) == "COMPLETED"
    late = httpx.post(f"{url}/parameters", data={"QUERY": "SELECT 1"})
    assert (late.status_code, "is COMPLETED" in late.text) == (400, True)


def test_the_list_shows_the_jobs_of_who_asks_by_phase_time_and_number(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    def list_jobs(client: httpx.Client, **parameters: str | list[str]) -> list[tuple[str | None, str | None]]:
        document = fromstring(client.get("/tap/async", params=parameters).content)
        return [(ref.get("id"), ref.findtext(UWS + "phase")) for ref in document]

    with serving(galaxies, tmp_path, limits, "https://galaxies.example.org") as served:
        clients = [
            httpx.Client(base_url=served.url, headers={"X-Forwarded-For": address})
            for address in ("192.0.2.1", "192.0.2.2")
        ]
        made = [
            clients[0]
            .post("/tap/async", data={"QUERY": COUNT, "PHASE": phase})
            .headers["location"]
            .split("/")[-1]
            for phase in ("RUN", "", "RUN")
        ]
        wait_until(lambda: {job[1] for job in list_jobs(clients[0])} == {"COMPLETED", "PENDING"})
        phases = dict(zip(made, ("COMPLETED", "PENDING", "COMPLETED"), strict=True))
        assert list_jobs(clients[0]) == list(phases.items())
        assert list_jobs(clients[1]) == []
        assert list_jobs(clients[0], PHASE="PENDING") == [(made[1], "PENDING")]
        assert list_jobs(clients[0], PHASE=["PENDING", "COMPLETED"]) == list(phases.items())
        assert list_jobs(clients[0], LAST="2") == list(phases.items())[1:]
        created = fromstring(clients[0].get(f"/tap/async/{made[1]}").content).findtext(f"{UWS}creationTime")
        assert list_jobs(clients[0], AFTER=str(created))[-1:] == list(phases.items())[2:]
        assert list_jobs(clients[0], AFTER="2999-01-01") == []
        assert clients[0].get("/tap/async", params={"PHASE": "NEVER"}).status_code == 400
        for client in clients:
            client.close()


def test_an_address_cannot_have_too_many_jobs_that_wait_or_run(served: TapServer) -> None:
    urls = [served.make_job(COUNT) for _ in range(6)]
    refused = httpx.post(f"{served.url}/tap/async", data={"QUERY": COUNT})
    assert (refused.status_code, statuses(refused)) == (400, ["ERROR"])
    assert "6 jobs of your address wait or run already" in refused.text
    assert run(urls[0]) == "COMPLETED"
    served.make_job(COUNT)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/phase",
        "/error",
        "/results",
        "/results/result",
        "/parameters",
        "/owner",
        "/quote",
        "/destruction",
    ],
)
def test_a_job_that_is_not_there_is_a_404(served: TapServer, path: str) -> None:
    answer = httpx.get(f"{served.url}/tap/async/0123456789abcdef{path}")
    assert (answer.status_code, statuses(answer)) == (404, ["ERROR"])


@pytest.mark.parametrize("limit", ["answer_bytes", "spool_bytes"])
def test_a_result_larger_than_the_room_for_it_is_an_error_and_leaves_nothing(
    galaxies: str, tmp_path: Path, limits: ServiceLimits, limit: str
) -> None:
    with serving(galaxies, tmp_path, replace(limits, **{limit: 2_000})) as served:
        url = served.make_job("SELECT * FROM galcat.galaxy", PHASE="RUN")
        assert wait_for_end(url) == "ERROR"
        assert "there is room for" in httpx.get(f"{url}/error").text
    assert list((tmp_path / "results").iterdir()) == []


@pytest.fixture
def lives(galaxies: str, tmp_path: Path, limits: ServiceLimits) -> dict[str, str]:
    """Jobs in every phase, and the service ended since; their paths by phase."""
    with serving(galaxies, tmp_path, replace(limits, jobs_at_once=1)) as served:
        jobs = {
            "PENDING": served.make_job(COUNT),
            "COMPLETED": served.make_job(COUNT, PHASE="RUN", FORMAT="csv"),
            "ERROR": served.make_job("SELECT nothing FROM nowhere", PHASE="RUN"),
            "ABORTED": served.make_job(COUNT),
        }
        httpx.post(f"{jobs['ABORTED']}/phase", data={"PHASE": "ABORT"})
        wait_until(lambda: phase(jobs["ERROR"]) == "ERROR")
        jobs["EXECUTING"] = served.make_job(RUNAWAY, PHASE="RUN")
        wait_until(lambda: served.running() == 1)
        jobs["QUEUED"] = served.make_job(COUNT, PHASE="RUN", FORMAT="csv")
        assert {name: phase(url) for name, url in jobs.items()} == {name: name for name in jobs}
    return {name: url.removeprefix(served.url) for name, url in jobs.items()}


def test_jobs_and_results_survive_a_restart(
    lives: dict[str, str], galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with serving(galaxies, tmp_path, limits) as served:
        jobs = {name: served.url + path for name, path in lives.items()}
        assert wait_for_end(jobs["QUEUED"]) == "COMPLETED"
        wait_until(lambda: served.running() == 1)
        assert {name: phase(url) for name, url in jobs.items()} == {
            name: "COMPLETED" if name == "QUEUED" else name for name in jobs
        }
        for name in ("COMPLETED", "QUEUED"):
            assert httpx.get(f"{jobs[name]}/results/result").text.split() == ["n", "300"]
        assert run(jobs["PENDING"]) == "COMPLETED"


def test_a_job_in_which_the_service_ended_three_times_is_given_up(
    lives: dict[str, str], galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with psycopg.connect(galaxies, autocommit=True) as connection:
        connection.execute("UPDATE galcat_tap.job SET tries = 3 WHERE phase = 'EXECUTING'")
    with serving(galaxies, tmp_path, limits) as served:
        url = served.url + lives["EXECUTING"]
        assert wait_for_end(url) == "ERROR"
        assert "the service ended 3 times while the job ran" in httpx.get(f"{url}/error").text


def test_two_servers_of_one_database_run_each_job_once(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with serving(galaxies, tmp_path / "a", limits) as one:
        urls = [one.make_job(RUNAWAY, PHASE="RUN") for _ in range(2)]
        wait_until(lambda: one.running() == 2)
        with serving(galaxies, tmp_path / "b", limits):
            assert {phase(url) for url in urls} == {"EXECUTING"}
            assert one.running() == 2
        for url in urls:
            httpx.delete(url)


def test_what_is_destroyed_is_gone_with_its_file_and_its_tables(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    csv = {"t": ("t.csv", b"a\n1\n2\n")}
    asked = {"QUERY": "SELECT a FROM TAP_UPLOAD.t", "UPLOAD": "t,param:t", "PHASE": "RUN"}
    with serving(galaxies, tmp_path, limits) as served:
        url = httpx.post(f"{served.url}/tap/async", data=asked, files=csv).headers["location"]
        assert wait_for_end(url) == "COMPLETED"
        httpx.post(f"{url}/destruction", data={"DESTRUCTION": "2020-01-01T00:00:00"})
        assert len(list((tmp_path / "results").iterdir())) == 1
    with serving(galaxies, tmp_path, limits) as again:
        assert httpx.get(again.url + url.removeprefix(served.url)).status_code == 404
        assert list((tmp_path / "results").iterdir()) == []
        count = (
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'tap_upload'::regnamespace AND relkind = 'r'"
        )
        assert again.value(count) == "0"
