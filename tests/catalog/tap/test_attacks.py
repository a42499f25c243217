"""Attacks that once got through, each against a service of its own on this machine, and bounded."""

import io
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.database.connection import connect
from catalog.database.disk import find_database_bytes
from catalog.tap.limits import ServiceLimits
from catalog.tap.middleware.connection import ConnectionLimits
from catalog.tap.service import make_upload_throttle
from catalog.tap.uploads.error import UploadError
from catalog.tap.uploads.read import read_upload
from catalog.tap.uws.workers import JobWorkers
from table_files.limits import TableLimits
from tests.catalog.tap.tap_server import COUNT, RUNAWAY, TABLES, TapServer, serving, statuses, upload
from tests.waiting import LAST_LIMIT_S, wait_until

FOREIGN = {"Origin": "https://elsewhere.example.org"}


def dictionary_of_one_text(rows: int, characters: int) -> bytes:
    """A small Parquet file that stands for `rows` texts of so many characters."""
    file = io.BytesIO()
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * characters])
    pq.write_table(pa.table({"a": texts}), file, compression="zstd")
    return file.getvalue()


def head(served: TapServer) -> socket.socket:
    """A connection that has begun a request and does not go on."""
    place = urlsplit(served.url)
    client = socket.create_connection((str(place.hostname), place.port or 0), timeout=LAST_LIMIT_S)
    client.sendall(b"GET /tap/availability HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    return client


def answer(client: socket.socket) -> bytes:
    """All that the service says until it closes; of what it turns away at the door that may be nothing."""
    said = b""
    with suppress(ConnectionResetError):
        while piece := client.recv(65536):
            said += piece
    return said


def test_a_page_whose_name_was_made_to_point_here_reads_and_changes_nothing(served: TapServer) -> None:
    url = served.make_job(COUNT)
    port = urlsplit(served.url).port
    forged_names = [f"evil.example:{port}", "127.0.0.1.evil.example", "", "localhost.evil.example", "a@b c"]
    forged_names += ["127.0.0.1, evil.example", "localhost%00.evil.example", "2130706433", "[::1"]
    for host in forged_names:
        forged = {"Host": host}
        for method, place in (("GET", f"{served.url}/tap/async"), ("DELETE", url), ("GET", url)):
            refused = httpx.request(method, place, headers=forged)
            assert refused.status_code in {400, 421}
            assert url.split("/")[-1] not in refused.text
    for two in ("localhost\r\nHost: evil.example", "evil.example\r\nHost: localhost"):
        with socket.create_connection(("127.0.0.1", port or 0)) as client:
            client.sendall(f"GET /tap/async HTTP/1.1\r\nHost: {two}\r\nConnection: close\r\n\r\n".encode())
            assert answer(client).split(b"\r\n")[0] in {
                b"HTTP/1.1 421 Misdirected Request",
                b"HTTP/1.1 400 Bad Request",
            }
    for host in (f"localhost:{port}", "127.0.0.1", "[::1]", socket.gethostname(), "10.0.0.1:80"):
        assert httpx.get(f"{url}/phase", headers={"Host": host}).text == "PENDING"


def test_a_page_of_another_site_sends_no_files(served: TapServer) -> None:
    for path in ("/tap/async", "/tap/sync"):
        for headers in (FOREIGN, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            refused = httpx.post(
                served.url + path,
                data={"QUERY": COUNT, "UPLOAD": "t,param:f"},
                files={"f": ("f", b"a\n1\n")},
                headers=headers,
            )
            assert (refused.status_code, statuses(refused)) == (403, ["ERROR"])
    assert served.value(TABLES) == "0"
    assert served.value("SELECT count(*) FROM galcat_tap.job") == "0"


def test_a_long_name_of_a_job_is_refused_and_one_of_before_is_cut_in_lists(served: TapServer) -> None:
    for length in (1_001, 1_000_000):
        form = {"QUERY": COUNT, "RUNID": "x" * length}
        refused = httpx.post(f"{served.url}/tap/async", data=form)
        assert (refused.status_code, statuses(refused)) == (400, ["ERROR"])
    url = served.make_job(COUNT, RUNID="x" * 1_000)
    refused = httpx.post(f"{url}/parameters", data={"RUNID": "x" * 1_001})
    assert "RUNID is longer than 1,000 characters" in refused.text
    served.value("UPDATE galcat_tap.job SET run_id = repeat('y', 20000000) RETURNING 1")
    listed = httpx.get(f"{served.url}/tap/async")
    assert f"<uws:runId>{'y' * 1_000}</uws:runId>" in listed.text
    assert len(listed.content) < 3_000


def test_jobs_that_have_ended_are_bounded_for_each_client(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    bounds = replace(limits, ended_jobs_an_address=2, listed_jobs=3)
    with serving(galaxies, tmp_path, bounds) as served:
        urls = []
        for _ in range(5):
            urls.append(served.make_job(COUNT, PHASE="RUN"))
            wait_until(lambda: httpx.get(f"{urls[-1]}/phase").text == "COMPLETED")
        # Room is made when the next one comes: two of before, and that one.
        assert [httpx.get(url).status_code for url in urls] == [404, 404, 200, 200, 200]
        assert len(list((tmp_path / "results").iterdir())) == 3
        served.make_job(COUNT)
        assert httpx.get(f"{served.url}/tap/async").text.count("<uws:jobref ") == 3


def test_a_small_file_that_stands_for_a_large_table_is_refused_before_it_is_stored(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    bounds = replace(limits, stored_bytes_a_table=1_000_000, stored_bytes_an_address=1_500_000)
    with serving(galaxies, tmp_path, bounds) as served:
        refused = upload(served, dictionary_of_one_text(1_100, 1_000))
        assert (refused.status_code, "unpacked it has more than 1 MB" in refused.text) == (400, True)
        assert served.value(TABLES) == "0"
        small = dictionary_of_one_text(800, 1_000)
        kept = upload(served, small).headers["location"]
        assert served.value(TABLES) == "1"
        refused = upload(served, small)
        assert "the tables of your queries and jobs would take more than 1.5 MB" in refused.text
        assert (refused.status_code, served.value(TABLES)) == (400, "1")
        httpx.post(f"{kept}/phase", data={"PHASE": "ABORT"})
        assert served.value(TABLES) == "0"
        run = upload(served, small, PHASE="RUN", FORMAT="csv").headers["location"]
        wait_until(lambda: httpx.get(f"{run}/phase").text == "COMPLETED")
        wait_until(lambda: served.value(TABLES) == "0")
        assert httpx.get(f"{run}/results/result").text.split() == ["n", "800"]


def test_what_a_client_and_what_all_may_store_is_bounded_whatever_way_it_comes(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    """Several tables of one request, and those of queries that run, belonged to no job: none counted."""
    bounds = replace(limits, stored_bytes_an_address=1_500_000, stored_bytes=2_000_000)
    small = dictionary_of_one_text(800, 1_000)
    form = {"QUERY": "SELECT COUNT(*) AS n FROM TAP_UPLOAD.t", "UPLOAD": "t,param:f;u,param:g"}
    with serving(galaxies, tmp_path, bounds) as served:
        for path in ("/tap/async", "/tap/sync"):
            two = httpx.post(served.url + path, data=form, files={"f": ("f", small), "g": ("g", small)})
            assert "the tables of your queries and jobs would take more than 1.5 MB" in two.text
            assert (two.status_code, served.value(TABLES)) == (400, "0")
        with ThreadPoolExecutor(1) as client:
            of_all = RUNAWAY.replace(" AS d ", " AS d CROSS JOIN TAP_UPLOAD.t AS u ")
            runs = client.submit(upload, served, small, "/tap/sync", QUERY=of_all)
            wait_until(lambda: served.running() == 1)
            assert "your queries and jobs would take" in upload(served, small).text
            with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as other:
                one = {"data": form | {"UPLOAD": "t,param:f"}, "files": {"f": ("f", small)}}
                assert other.post(f"{served.url}/tap/async", **one).status_code == 303
            with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.3")) as third:
                full = third.post(f"{served.url}/tap/async", **one)
                assert (full.status_code, "no room for another uploaded table" in full.text) == (503, True)
            cancel = (
                "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE usename = 'galcat_public'"
            )
            served.value(f"{cancel} AND datname = current_database() AND query ~* 'cross join'")
            assert runs.result().status_code == 400
        assert upload(served, small).status_code == 303  # what is no longer held counts no more


def test_nothing_is_accepted_onto_the_last_of_the_disk(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with serving(galaxies, tmp_path, replace(limits, min_free_bytes=2**62)) as served:
        for path in ("/tap/sync", "/tap/async"):
            refused = upload(served, b"a\n1\n", path)
            assert (refused.status_code, "disk is nearly full" in refused.text) == (503, True)
        # What is streamed needs none of it; what must be whole before it is sent does.
        assert "takes more than 0 MB in this format" in served.ask(COUNT, FORMAT="fits").text
        assert served.ask(COUNT, FORMAT="csv").text.split() == ["n", "300"]


def test_no_table_lets_the_database_grow_past_its_bound(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with connect(galaxies) as connection:
        size = find_database_bytes(connection)
    with serving(galaxies, tmp_path, replace(limits, database_bytes=size)) as served:
        for path in ("/tap/sync", "/tap/async"):
            refused = upload(served, b"a\n1\n", path)
            assert (refused.status_code, "the database's disk is nearly full" in refused.text) == (503, True)
        assert served.value(TABLES) == "0"
    with serving(galaxies, tmp_path, replace(limits, database_bytes=size + 2**30)) as served:
        assert upload(served, b"a\n1\n").status_code == 303


def test_no_login_reads_in_the_database_by_which_id_a_job_is_removed(served: TapServer) -> None:
    url = upload(served, b"a\n1\n").headers["location"]
    comment = served.value(
        "SELECT obj_description(oid, 'pg_class') FROM pg_class "
        "WHERE relnamespace = 'tap_upload'::regnamespace AND relkind = 'r'"
    )
    job_id = url.split("/")[-1]
    assert len(comment) == 64
    assert job_id not in comment
    httpx.delete(url)
    assert served.value(TABLES) == "0"


@pytest.mark.usefixtures("served")
def test_results_are_for_the_service_alone_to_read(tmp_path: Path) -> None:
    assert (tmp_path / "results").stat().st_mode & 0o077 == 0


def test_half_open_connections_shut_nobody_out(galaxies: str, tmp_path: Path, limits: ServiceLimits) -> None:
    bounds = ConnectionLimits(an_address=5, in_all=100, head_seconds=1, head_bytes=20_000)
    with serving(galaxies, tmp_path, limits, bounds=bounds) as served, ExitStack() as opened:
        clients = [opened.enter_context(head(served)) for _ in range(8)]
        said = [answer(client).split(b"\r\n")[0] for client in clients]
        late, many = b"HTTP/1.1 408 Request Timeout", b"HTTP/1.1 503 Service Unavailable"
        assert said.count(late) == 5
        assert sum(line in {many, b""} for line in said) == 3
        assert httpx.get(f"{served.url}/tap/availability").status_code == 200
        long = opened.enter_context(head(served))
        long.sendall(b"X-Long: " + b"x" * 30_000)
        assert answer(long).startswith(b"HTTP/1.1 431 ")
        with httpx.Client() as client:  # connections that are kept alive are not late
            for _ in range(3):
                assert client.get(f"{served.url}/tap/availability").status_code == 200


def test_a_text_joined_with_itself_over_and_over_ends_in_an_error_and_not_in_gigabytes(
    served: TapServer,
) -> None:
    text = "x" * 1_000
    twice = " || ".join(["t.a"] * 40)
    query = f"SELECT {twice} AS b FROM (SELECT {' || '.join([repr(text)] * 40)} AS a FROM galcat.galaxy) AS t"
    refused = served.ask(query)
    assert (refused.status_code, statuses(refused)) == (400, ["ERROR"])
    assert "a text in the query has 1600000 characters, 1000000 are the most" in refused.text
    joined = served.ask("SELECT TOP 1 'a' || 'b' || 'c' AS j FROM galcat.galaxy", FORMAT="csv")
    assert joined.text.split() == ["j", "abc"]


def test_a_pattern_is_never_so_long_that_nobody_could_cancel_the_comparison(served: TapServer) -> None:
    long = "%a" * 501
    literal = served.ask(f"SELECT COUNT(*) AS n FROM galcat.galaxy WHERE 'b' LIKE '{long}'")
    assert (literal.status_code, "the pattern has 1,002 characters; 1,000 are the most" in literal.text) == (
        400,
        True,
    )
    made = served.ask(f"SELECT COUNT(*) AS n FROM galcat.galaxy WHERE survey LIKE survey || '{long}'")
    assert (made.status_code, "characters, 1000 are the most" in made.text) == (400, True)
    text = "b" * 50_001
    compared = served.ask(f"SELECT COUNT(*) AS n FROM galcat.galaxy WHERE '{text}' || '{text}' LIKE '%a%'")
    assert (compared.status_code, "100002 characters, 100000 are the most" in compared.text) == (400, True)
    fine = served.ask("SELECT COUNT(*) AS n FROM galcat.galaxy WHERE survey LIKE 's%'", FORMAT="csv")
    assert fine.text.split() == ["n", "300"]


def unfinished_form(served: TapServer, size: int, address: str = "127.0.0.1") -> socket.socket:
    """A client that has sent so much of a form with a file, and does not go on."""
    place = urlsplit(served.url)
    client = socket.create_connection(
        (str(place.hostname), place.port or 0), timeout=LAST_LIMIT_S, source_address=(address, 0)
    )
    client.sendall(
        b"POST /tap/async HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        b"Content-Length: 20000000\r\n\r\n"
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"x" * size
    )
    return client


def test_forms_whose_end_does_not_come_share_one_budget(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    bounds = replace(limits, bodies_bytes=3_000_000, bodies_bytes_an_address=2_000_000)
    with serving(galaxies, tmp_path, bounds) as served, ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(unfinished_form(served, 900_000))
        wait_until(lambda: upload(served, b"a\n" + b"1\n" * 150_000).status_code == 503)
        refused = upload(served, b"a\n" + b"1\n" * 150_000)
        assert "requests of your address hold 2 MB already" in refused.text
        assert refused.headers["retry-after"] == "10"
        opened.enter_context(unfinished_form(served, 900_000, "127.0.0.2"))
        with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.3")) as third:
            form = {"QUERY": "SELECT COUNT(*) AS n FROM TAP_UPLOAD.t", "UPLOAD": "t,param:f", "FORMAT": "csv"}

            def ask(rows: int) -> httpx.Response:
                files = {"f": ("f", b"a\n" + b"1\n" * rows)}
                return third.post(f"{served.url}/tap/sync", data=form, files=files)

            wait_until(lambda: ask(200_000).status_code == 503)
            assert "requests hold all the memory that there is for them" in ask(200_000).text
            assert ask(100).text.split() == ["n", "100"]
            opened.close()
            wait_until(lambda: ask(200_000).text.split() == ["n", "200000"])


def test_two_addresses_that_take_all_they_may_leave_places_to_a_third() -> None:
    bounds = ServiceLimits()
    assert 2 * bounds.queries_at_once_an_address < bounds.queries_at_once
    assert 2 * bounds.jobs_at_once_an_address < bounds.jobs_at_once
    assert 2 * bounds.queries_waiting_an_address < bounds.queries_waiting
    assert 2 * bounds.pictures_at_once_an_address < bounds.pictures_at_once
    assert 2 * bounds.pictures_waiting_an_address < bounds.pictures_waiting
    connections = ConnectionLimits()
    assert connections.an_address is not None
    assert 2 * connections.an_address < connections.in_all
    assert 2 * bounds.bodies_bytes_an_address < bounds.bodies_bytes
    assert 2 * bounds.stored_bytes_an_address < bounds.stored_bytes
    assert 2 * bounds.spool_bytes_an_address < bounds.spool_bytes
    uploads = make_upload_throttle()
    with ExitStack() as held:
        given = [held.enter_context(uploads.slot_if_free(address)) for address in "aabc"]
        assert given == [True, False, True, True]


def test_a_small_parquet_file_that_unpacks_to_gigabytes_takes_little_memory_and_is_refused() -> None:
    file = io.BytesIO()
    texts = pa.table({"a": pa.array(["y" * 20_000_000] * 100)})
    pq.write_table(texts, file, compression="zstd", use_dictionary=False)
    del texts
    content = file.getvalue()
    with pytest.raises(UploadError, match="unpacking it takes more than 298 MB of memory"):
        read_upload(io.BytesIO(content), None, "t", TableLimits(bytes=1_000_000))
    assert len(content) < 1_000_000


def test_a_job_that_runs_at_once_is_never_there_without_being_queued(
    served: TapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that died between the two left a job that nobody knew of and nobody ran."""
    with monkeypatch.context() as patched:
        patched.setattr(
            JobWorkers, "call", lambda _self, _times=1: None
        )  # as if it had died after the insert
        url = served.make_job(COUNT, PHASE="RUN")
        phases = served.value("SELECT string_agg(phase || (queued_at IS NOT NULL), ',') FROM galcat_tap.job")
    assert phases in {"QUEUEDtrue", "EXECUTINGtrue", "COMPLETEDtrue"}
    wait_until(lambda: httpx.get(f"{url}/phase").text == "COMPLETED")
