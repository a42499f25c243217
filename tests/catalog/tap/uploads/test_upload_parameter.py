import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import TapServer, serving, statuses
from tests.waiting import wait_until

SUM = "SELECT SUM(t.a) AS s, COUNT(*) AS n FROM TAP_UPLOAD.mine AS t"
TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'tap_upload'::regnamespace AND relkind = 'r'"


def write_upload(form: str) -> bytes:
    table, file = Table({"a": np.arange(100), "name": [f"n{i}" for i in range(100)]}), io.BytesIO()
    if form == "csv":
        text = io.StringIO()
        table.write(text, format="ascii.csv")
        return text.getvalue().encode()
    if form == "parquet":
        pq.write_table(pa.table({name: table[name] for name in table.colnames}), file)
    else:
        table.write(file, format=form)
    return file.getvalue()


def send(served: TapServer, query: str, content: bytes, upload: str = "mine,param:file") -> httpx.Response:
    return httpx.post(
        f"{served.url}/tap/sync",
        data={"QUERY": query, "UPLOAD": upload, "FORMAT": "csv"},
        files={"file": ("x", content)},
    )


@pytest.mark.parametrize("form", ["votable", "csv", "fits", "parquet"])
def test_a_table_that_comes_with_a_query_can_be_asked_and_is_gone_afterwards(
    served: TapServer, form: str
) -> None:
    answer = send(served, SUM, write_upload(form))
    assert (answer.status_code, answer.text.split()) == (200, ["s,n", "4950,100"])
    wait_until(lambda: served.value(TABLES) == "0")


def test_it_is_gone_after_a_wrong_query_too(served: TapServer) -> None:
    answer = send(served, "SELECT b FROM TAP_UPLOAD.mine", write_upload("csv"))
    assert (answer.status_code, statuses(answer)) == (400, ["ERROR"])
    wait_until(lambda: served.value(TABLES) == "0")


def test_a_job_finds_its_table_when_it_runs_later(served: TapServer) -> None:
    made = httpx.post(
        f"{served.url}/tap/async",
        data={"QUERY": SUM, "UPLOAD": "mine,param:file", "FORMAT": "csv"},
        files={"file": ("x", write_upload("votable"))},
    )
    url = made.headers["location"]
    assert served.value(TABLES) == "1"
    httpx.post(f"{url}/phase", data={"PHASE": "RUN"})
    wait_until(lambda: httpx.get(f"{url}/phase").text == "COMPLETED")
    assert httpx.get(f"{url}/results/result").text.split() == ["s,n", "4950,100"]
    httpx.delete(url)
    assert served.value(TABLES) == "0"


@pytest.mark.parametrize("form", ["votable", "csv", "fits", "parquet"])
def test_the_result_of_a_job_can_be_asked_by_its_url(served: TapServer, form: str) -> None:
    url = served.make_job("SELECT TOP 40 object_id AS a FROM galcat.galaxy", PHASE="RUN", FORMAT=form)
    wait_until(lambda: httpx.get(f"{url}/phase").text == "COMPLETED")
    answer = served.ask(
        "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine AS t JOIN galcat.galaxy AS g ON g.object_id = t.a",
        UPLOAD=f"mine,{url}/results/result",
        FORMAT="csv",
    )
    assert answer.text.split() == ["n", "40"]


@pytest.mark.parametrize(
    ("upload", "says"),
    [
        (
            lambda url: f"mine,{url}/tap/async/0123456789/results/result",
            "table mine: job 0123456789 has no result on this server",
        ),
        (lambda url: f"mine,{url}/tap/async/../results/result", "no other URL is read"),
        (lambda _: "mine,http://169.254.169.254/latest/meta-data", "no other URL is read"),
        (lambda _: "mine,file:///etc/passwd", "no other URL is read"),
        (lambda _: "mine,param:file;MINE,param:file", "names the table mine twice"),
        (lambda _: "mi ne,param:file", "expected NAME,param:PART"),
        (
            lambda _: ";".join(f"t{i},param:file" for i in range(9)),
            "UPLOAD names 9 tables: 8 may come with a query",
        ),
    ],
)
def test_other_uploads_are_refused(served: TapServer, upload: Callable[[str], str], says: str) -> None:
    answer = send(served, SUM, write_upload("csv"), upload(served.url))
    assert (answer.status_code, says in answer.text) == (400, True), answer.text
    assert served.value(TABLES) == "0"


def test_a_table_that_cannot_be_read_is_a_400_and_makes_no_job(served: TapServer) -> None:
    answer = send(served, SUM, b"<VOTABLE><nonsense")
    made = httpx.post(
        f"{served.url}/tap/async",
        data={"QUERY": SUM, "UPLOAD": "mine,param:file"},
        files={"file": ("x", b"\0\0")},
    )
    assert [(a.status_code, statuses(a)) for a in (answer, made)] == [(400, ["ERROR"])] * 2
    assert served.value("SELECT count(*) FROM galcat_tap.job") == "0"
    assert served.value(TABLES) == "0"


def test_too_large_a_table_is_a_400(galaxies: str, tmp_path: Path, limits: ServiceLimits) -> None:
    with serving(galaxies, tmp_path, replace(limits, upload_bytes=1_000_000, upload_rows=50)) as served:
        rows = send(served, SUM, write_upload("csv"))
        size = send(served, SUM, b"a\n" + b"1" * 1_000_000)
        assert (rows.status_code, "50 rows" in rows.text) == (400, True), rows.text
        assert (size.status_code, "1 MB" in size.text) == (400, True), size.text
        assert served.value(TABLES) == "0"
