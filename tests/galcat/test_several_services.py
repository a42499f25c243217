"""Two services of one catalogue, each a `galcat serve` of its own, side by side and behind a balancer."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from catalog.database.connection import connect
from catalog.web.labelling.people import add_person
from tests.catalog.galaxies import fill
from tests.catalog.tap.proxies import PUBLIC, Certificate, proxied, write_certificate
from tests.catalog.tap.tap_server import RUNAWAY
from tests.clients.service import Service, serving
from tests.databases import fresh_database
from tests.waiting import wait_until

N = 300
JOINED = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine AS m JOIN galcat.galaxy AS g ON g.object_id = m.id"
ENDED = {"COMPLETED", "ERROR", "ABORTED"}


@dataclass(frozen=True)
class Services:
    """Services of one catalogue, which share a folder, and a client of each."""

    services: list[Service]
    clients: list[httpx.Client]
    folder: Path

    @property
    def places(self) -> list[str]:
        """Host and port of each."""
        return [urlsplit(one.url).netloc for one in self.services]

    def value(self, query: str) -> str:
        """The first value of a query by the owner."""
        return str(self.services[0].rows(query)[0][0])

    def find_worker(self) -> str:
        """The name of the service whose query Postgres works on; empty where there is none."""
        return self.value(
            "SELECT coalesce(max(application_name), '') FROM pg_stat_activity "
            "WHERE datname = current_database() AND usename = 'galcat_public' AND state = 'active' "
            "AND query ~* 'cross join'"
        )


@pytest.fixture(scope="module")
def database(postgres_url: str, schema_template: str) -> Iterator[str]:
    with fresh_database(postgres_url, schema_template) as url:
        with connect(url, autocommit=True) as connection:
            fill(connection, N)
        yield url


@pytest.fixture(scope="module")
def services(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("shared")
    with ExitStack() as held:
        running = [
            held.enter_context(serve(database, folder, tmp_path_factory.mktemp(name), name))
            for name in ("first", "second")
        ]
        yield Services(
            running, [held.enter_context(httpx.Client(base_url=one.url)) for one in running], folder
        )


def serve(database: str, shared: Path, home: Path, name: str) -> AbstractContextManager[Service]:
    """One of the services; its sessions of Postgres have its name."""
    settings = {"GALCAT_SERVICE_DIR": str(shared), "GALCAT_PUBLIC_URL": PUBLIC, "PGAPPNAME": name}
    return serving(database, home, settings)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return write_certificate(tmp_path_factory.mktemp("certificate"))


def make_job(client: httpx.Client, query: str, ids: list[str] | None = None, **more: str) -> str:
    """A job's path, of a query that may come with a table of ids."""
    form = {"QUERY": query, "RESPONSEFORMAT": "csv", **more}
    files = None
    if ids is not None:
        form["UPLOAD"] = "mine,param:file"
        files = {"file": ("mine.csv", "\n".join(["id", *ids]).encode(), "text/csv")}
    made = client.post("/tap/async", data=form, files=files)
    assert made.status_code == 303, made.text
    address = urlsplit(made.headers["location"])
    assert f"{address.scheme}://{address.netloc}" == PUBLIC
    return address.path


def phase(client: httpx.Client, job: str) -> str:
    return client.get(f"{job}/phase").text


def test_a_job_of_one_service_is_read_changed_run_and_removed_at_the_other(services: Services) -> None:
    one, two = services.clients
    ids = [str(row[0]) for row in services.services[0].rows("SELECT object_id FROM galcat.galaxy LIMIT 7")]
    job = make_job(one, "SELECT COUNT(*) AS n FROM galcat.galaxy", ids)
    assert phase(two, job) == "PENDING"
    assert two.post(f"{job}/parameters", data={"QUERY": JOINED}).status_code == 303
    assert f'query">{JOINED}<' in one.get(job).text.lower().replace(JOINED.lower(), JOINED)
    assert two.post(f"{job}/phase", data={"PHASE": "RUN"}).status_code == 303
    waited = one.get(job, params={"WAIT": "60", "PHASE": "QUEUED"})
    assert waited.status_code == 200
    for client in (one, two):
        wait_until(lambda client=client: phase(client, job) in ENDED)
        assert client.get(f"{job}/results/result").text.split() == ["n", "7"]
        assert job.split("/")[-1] in client.get("/tap/async").text
    of_result = make_job(
        two, "SELECT n FROM TAP_UPLOAD.before", UPLOAD=f"before,{PUBLIC}{job}/results/result", PHASE="RUN"
    )
    wait_until(lambda: phase(one, of_result) in ENDED)
    assert one.get(f"{of_result}/results/result").text.split() == ["n", "7"]
    assert len(list((services.folder / "results").iterdir())) == 2
    for gone, client, other in ((job, two, one), (of_result, one, two)):
        assert client.delete(gone).status_code == 303
        assert other.get(gone).status_code == 404
    assert list((services.folder / "results").iterdir()) == []
    tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'tap_upload'::regnamespace AND relkind = 'r'"
    assert services.value(tables) == "0"


def test_who_entered_at_one_service_is_known_to_the_other(services: Services, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        link = add_person(connection, "ana", "labeller")
    one, two = services.clients
    cookie = f"galcat_session={one.post(f'/enter/{link}').cookies['galcat_session']}"
    for client in (one, two):
        assert "ana" in client.get("/label", headers={"Cookie": cookie}).text
        assert "ana" not in client.get("/label", headers={"Cookie": cookie + "x"}).text


@pytest.mark.parametrize("how", ["abort", "remove"])
@pytest.mark.parametrize("maker", [0, 1])
def test_a_job_that_one_service_runs_ends_at_the_word_of_the_other(
    services: Services, maker: int, how: str
) -> None:
    job = make_job(services.clients[maker], RUNAWAY, ["1"], PHASE="RUN")
    wait_until(lambda: services.find_worker() != "")
    other = services.clients[1 if services.find_worker() == "first" else 0]
    if how == "abort":
        other.post(f"{job}/phase", data={"PHASE": "ABORT"})
        assert {phase(client, job) for client in services.clients} == {"ABORTED"}
    else:
        other.delete(job)
        assert {client.get(job).status_code for client in services.clients} == {404}
    wait_until(lambda: services.find_worker() == "")
    other.delete(job)


@pytest.mark.parametrize("program", ["nginx", "caddy"])
def test_behind_a_balancer_clients_see_one_service(
    services: Services, certificate: Certificate, program: str, tmp_path: Path
) -> None:
    ids = [str(row[0]) for row in services.services[0].rows("SELECT object_id FROM galcat.galaxy LIMIT 5")]
    before = [requests_of(client) for client in services.clients]
    with proxied(program, tmp_path / program, services.places, certificate) as client:
        for n in range(1, 6):
            job = make_job(client, JOINED, ids[:n], PHASE="RUN")
            wait_until(lambda job=job: phase(client, job) in ENDED)
            assert client.get(f"{job}/results/result").text.split() == ["n", str(n)]
            files = {"f": ("f", io.BytesIO("\n".join(["id", *ids[:n]]).encode()))}
            form = {"QUERY": JOINED, "UPLOAD": "mine,param:f", "FORMAT": "csv"}
            assert client.post("/tap/sync", data=form, files=files).text.split() == ["n", str(n)]
            assert client.delete(job).status_code == 303
        assert client.get("/health/ready").text == "ready\n"
    for client_of_one, seen in zip(services.clients, before, strict=True):
        assert requests_of(client_of_one) > seen + 5  # each had its share


def requests_of(client: httpx.Client) -> float:
    """How many requests a service has answered."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("galcat_requests_total{"))


@pytest.mark.long
@pytest.mark.kills
def test_the_job_of_a_service_that_is_killed_is_run_by_another_and_the_balancer_goes_on(
    services: Services, database: str, certificate: Certificate, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    with serve(database, services.folder, tmp_path / "home", "three") as third, ExitStack() as held:
        places = [*services.places, urlsplit(third.url).netloc]
        balancer = held.enter_context(proxied("nginx", tmp_path / "nginx", places, certificate))
        at_third = held.enter_context(httpx.Client(base_url=third.url))
        while True:  # most jobs are run by the service that made them
            job = make_job(at_third, RUNAWAY, PHASE="RUN")
            wait_until(lambda: services.find_worker() != "")
            if services.find_worker() == "three":
                break
            at_third.delete(job)
            wait_until(lambda: services.find_worker() == "")
        third.kill()
        wait_until(
            lambda: services.find_worker() in {"", "first", "second"}, "the end of what the killed one asked"
        )
        wait_until(lambda: services.find_worker() != "", "another service that runs it")
        for _ in range(9):
            assert balancer.get("/health/ready").status_code == 200
        assert phase(balancer, job) == "EXECUTING"
        balancer.delete(job)
        wait_until(lambda: services.find_worker() == "")
