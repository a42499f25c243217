"""What /metrics tells Prometheus, whom it tells, and what it tells while the database is away."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from catalog.tap.database import connections
from catalog.tap.metrics import find_interface, is_near
from tests.catalog.tap.conftest import N
from tests.catalog.tap.database.test_outage import no_database
from tests.catalog.tap.tap_server import TapServer
from tests.waiting import wait_until

COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"
Samples = dict[tuple[str, tuple[str, ...]], float]


def samples(served: TapServer) -> Samples:
    """Every sample by name and the values of its labels, as Prometheus' own reader gives them."""
    answer = httpx.get(f"{served.url}/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_requests_jobs_tiles_and_galaxies_are_counted(served: TapServer) -> None:
    for _ in range(3):
        served.ask(COUNT)
    served.ask("SELECT nothing FROM nowhere")
    httpx.get(f"{served.url}/a/path/that/nobody/knows/{'x' * 100}")
    job = served.make_job(COUNT, PHASE="RUN")
    wait_until(lambda: httpx.get(f"{job}/phase").text == "COMPLETED")
    served.make_job(COUNT)
    found = samples(served)
    assert found["galcat_requests_total", ("tap/sync", "200")] == 3
    assert found["galcat_requests_total", ("tap/sync", "400")] == 1
    assert found["galcat_request_seconds_count", ("tap/sync",)] == 4
    assert found["galcat_requests_total", ("page", "404")] == 1
    assert {names for name, names in found if name == "galcat_jobs"} == {("COMPLETED",), ("PENDING",)}
    assert found["galcat_tiles", ("done",)] == float(served.value("SELECT count(*) FROM galcat.ingestion"))
    assert found["galcat_galaxies", ()] == N
    assert found["galcat_database_up", ()] == 1
    assert found["galcat_abandoned_backends", ()] == 0
    assert found["process_resident_memory_bytes", ()] > 10_000_000
    assert not any("x" * 100 in label for _, labels in found for label in labels)


def test_without_its_database_it_tells_that_and_what_it_knows_itself(
    served: TapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_PATIENCE_S", 0.5)
    with no_database(served):
        found = samples(served)
    assert found["galcat_database_up", ()] == 0
    assert ("galcat_galaxies", ()) not in found
    assert found["galcat_disk_free_bytes", ()] > 0


def test_strangers_are_told_nothing() -> None:
    near = ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.7", "fd00::1", "fe80::1%eth0"]
    far = ["130.14.5.6", "2606:4700::1", "", "evil"]
    assert [is_near(address) for address in near + far] == [True] * len(near) + [False] * len(far)


@pytest.mark.parametrize(
    ("path", "interface"),
    [
        ("/", "page"),
        ("/tap/async/abc/phase", "tap/async"),
        ("/tap/nonsense", "tap"),
        ("/datalink/thumbnail/1.jpg", "datalink/thumbnail"),
        ("/health/ready", "health"),
        ("/galaxy/5", "page"),
    ],
)
def test_a_path_counts_for_the_part_of_the_service_that_it_belongs_to(path: str, interface: str) -> None:
    assert find_interface(path) == interface
