"""A service that only reads, as on a hot standby; and one that goes on when its standby was promoted."""

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.errors import ServerError
from catalog.search.memory import galaxy_memory
from catalog.search.request import Search
from catalog.search.search import search
from catalog.tap.database.connections import Connections
from catalog.tap.limits import ServiceLimits
from galcat.workflows.page import make_page_routes
from tests.catalog.galaxies import fill
from tests.catalog.tap.tap_server import TapServer, serving, votable
from tests.galcat.cli.command_line import Galcat
from tests.galcat.other_servers import BUNDLED, run
from tests.galcat.real_servers import Server, configure, free_port, new_server, own_folder
from tests.waiting import wait_until

GALAXIES = 20
REFUSED = "this service only reads the catalogue: jobs, uploads and labels go to one that writes"
COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"


def require_reading(service: TapServer) -> None:
    """Queries, cones and pages answer; what would change the catalogue is refused in one line."""
    assert service.ask(COUNT, RESPONSEFORMAT="csv").text.split() == ["n", str(GALAXIES)]
    cone = httpx.get(f"{service.url}/scs", params={"RA": 10, "DEC": 2, "SR": 180})
    assert len(votable(cone).get_first_table().array) == GALAXIES
    for path in ("/", "/label", "/tap/tables", "/tap/async", "/health/ready"):
        assert httpx.get(service.url + path).status_code == 200, path
    job = httpx.post(f"{service.url}/tap/async", data={"QUERY": COUNT, "PHASE": "RUN"})
    table = {"mine": ("mine.csv", io.BytesIO(b"ra,dec\n10,2\n"), "text/csv")}
    upload = httpx.post(
        f"{service.url}/tap/sync",
        data={"QUERY": "SELECT * FROM tap_upload.mine", "UPLOAD": "mine,param:mine"},
        files=table,
    )
    for refused in (job, upload):
        assert refused.status_code == 403
        assert REFUSED in refused.text
    entered = httpx.post(f"{service.url}/enter/{'a' * 40}", headers={"Origin": service.url})
    assert entered.status_code == 403


def test_a_service_that_only_reads_answers_and_changes_nothing(database: str, tmp_path: Path) -> None:
    with connect(database, autocommit=True) as connection:
        fill(connection, GALAXIES)
        connection.execute("SELECT galcat_tap.let_readers_in()")
    with serving(
        database,
        tmp_path,
        ServiceLimits(),
        is_read_only=True,
        make_pages=make_page_routes(database, tmp_path),
    ) as service:
        require_reading(service)
        assert (
            service.value("SELECT (SELECT count(*) FROM galcat_tap.job) + count(*) FROM galcat_tap.query_log")
            == "0"
        )


@pytest.fixture
def primary(server_home: Path) -> Iterator[Server]:
    """A server with a catalogue."""
    with new_server(BUNDLED, server_home, "primary") as opened:
        opened.run_sql("postgres", "CREATE DATABASE sky")
        migrate(opened.url("sky"))
        with connect(opened.url("sky"), autocommit=True) as connection:
            fill(connection, GALAXIES)
            connection.execute("SELECT galcat_tap.let_readers_in()")
        yield opened


@pytest.fixture
def standby(primary: Server, server_home: Path) -> Iterator[Server]:
    """A hot standby, to which the primary streams its log."""
    copy = Server(primary.programs, own_folder(server_home) / "standby", primary.sockets, free_port())
    source = primary.url("postgres")
    run(primary.programs / "pg_basebackup", "-d", source, "-D", copy.data, "-R", "-c", "fast", "--no-sync")
    configure(copy)
    copy.start()
    yield copy
    copy.stop("immediate")


def wait_for_replay(primary: Server, standby: Server) -> None:
    with connect(primary.url("sky")) as connection:
        position = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()
    with psycopg.connect(standby.url("sky"), autocommit=True) as connection:
        query = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        wait_until(lambda: connection.execute(query, position).fetchone() == (True,), "the replay")


@pytest.mark.long
def test_a_standby_is_served_and_a_service_of_both_goes_on_when_it_is_promoted(
    primary: Server,
    standby: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wait_for_replay(primary, standby)
    galcat = Galcat(standby.url("sky"), tmp_path, capsys, monkeypatch)
    assert galcat("sql", "SELECT count(*) AS n FROM galcat.galaxy", "--format", "csv").out.split() == [
        "n",
        str(GALAXIES),
    ]
    refused = galcat("tasks", "add", "ring", "--question", "Is there a ring?")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    refused = galcat("backup", tmp_path / "a.zip")
    assert refused.err == (
        "error: this server is a standby: back up its primary, or copy it by pg_basebackup\n"
    )
    reader = standby.url("sky", "galcat_public")
    with pytest.raises(ServerError, match="the database is a standby: serve it by galcat serve --read-only"):
        Connections(reader, standby.url("sky"), ServiceLimits()).open()

    both = f"host={primary.sockets},{standby.sockets} port={primary.port},{standby.port} dbname=sky"
    writing = f"{both} user=postgres target_session_attrs=read-write"
    with (
        serving(
            standby.url("sky"),
            tmp_path / "one",
            ServiceLimits(),
            is_read_only=True,
            reader_url=reader,
            make_pages=make_page_routes(standby.url("sky"), tmp_path),
        ) as reading_service,
        serving(
            writing, tmp_path / "two", ServiceLimits(), reader_url=f"{both} user=galcat_public"
        ) as service,
    ):
        require_reading(reading_service)
        primary.stop("immediate")
        run(standby.programs / "pg_ctl", "-D", standby.data, "-w", "promote")
        require_reading(reading_service)
        wait_until(lambda: httpx.get(f"{service.url}/health/ready").status_code == 200, "the new primary")
        wait_until(lambda: _makes_a_job(service), "a job")


def _makes_a_job(service: TapServer) -> bool:
    made = httpx.post(
        f"{service.url}/tap/async", data={"QUERY": COUNT, "PHASE": "RUN", "RESPONSEFORMAT": "csv"}
    )
    if made.status_code != 303:
        assert made.status_code == 503, made.text
        return False
    job = made.headers["location"]
    ended = {"COMPLETED", "ERROR", "ABORTED"}
    wait_until(lambda: httpx.get(f"{job}/phase").text in ended, "the job", lambda: httpx.get(job).text)
    return httpx.get(f"{job}/results/result").text.split() == ["n", str(GALAXIES)]


@pytest.mark.long
def test_galaxies_held_in_memory_beside_a_standby_are_of_what_it_has_replayed(
    primary: Server, standby: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(galaxy_memory, "MIN_GALAXIES", 1)
    wait_for_replay(primary, standby)
    memory = galaxy_memory.GalaxyMemory(standby.url("sky"))
    memory.start()
    assert memory.wait().phase == "held"
    with connect(primary.url("sky"), autocommit=True) as writer:
        row = writer.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
        assert row is not None
        wanted = Search(like=row, n=GALAXIES, columns=())
        before = search(writer, wanted).rows
        with connect(standby.url("sky"), autocommit=True) as reader:
            assert search(reader, wanted, memory).rows == before
            writer.execute("UPDATE galcat.source SET is_retired = true WHERE object_id = %s", [before[0][0]])
            wait_for_replay(primary, standby)
            assert search(reader, wanted, memory).rows == before[1:]
            writer.execute("UPDATE galcat.source SET is_retired = false WHERE object_id = %s", [before[0][0]])
            wait_for_replay(primary, standby)
            assert search(reader, wanted, memory).rows == before
            assert memory.state.changed == 1
    memory.close()
