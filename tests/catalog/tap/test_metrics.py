"""What /metrics tells Prometheus, whom it tells, and what it tells while the database is away."""

import time
from pathlib import Path

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from catalog.search.memory import galaxy_memory
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.search.memory.rows import BYTES_A_GALAXY
from catalog.tap.database import connections
from catalog.tap.limits import ServiceLimits
from catalog.tap.metrics import find_interface, is_near
from tests.catalog.tap.conftest import N
from tests.catalog.tap.database.test_outage import no_database
from tests.catalog.tap.tap_server import TapServer, serving
from tests.waiting import wait_until

COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"
LIKE = "SELECT TOP 5 object_id FROM galcat.galaxy ORDER BY morph_distance(object_id, {})"
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


def of_memory(served: TapServer) -> dict[str, float]:
    """What is told of the galaxies in memory, without the part of the name that all share."""
    return {
        "".join([name.removeprefix("galcat_search_memory").lstrip("_"), *labels]): value
        for (name, labels), value in samples(served).items()
        if name.startswith("galcat_search_memory")
    }


def test_the_galaxies_in_memory_their_changes_and_how_far_they_are_behind_are_told(
    galaxies: str, tmp_path: Path, limits: ServiceLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(galaxy_memory, "MIN_GALAXIES", 1)
    began = time.time()
    memory = GalaxyMemory(galaxies, 10**9)
    with serving(galaxies, tmp_path, limits, memory=memory) as served:
        assert memory.wait().phase == "held"
        found = of_memory(served)
        phases = ("off", "empty", "reading", "held", "too_large", "failed")
        assert [phase for phase in phases if found[phase]] == ["held"]
        assert (found["galaxies"], found["bytes"]) == (N, N * BYTES_A_GALAXY)
        assert (found["changed_galaxies"], found["changes_waiting"]) == (0, 0)
        newest = served.value("SELECT max(change_id) FROM galcat.galaxy_change")
        assert found["last_change"] == float(newest)
        assert began <= found["as_of_seconds"] <= time.time()
        one = served.value("SELECT min(object_id) FROM galcat.galaxy")
        with psycopg.connect(galaxies) as connection:
            connection.execute("UPDATE galcat.source SET ra = ra WHERE object_id = %s", [int(one)])
        waiting = of_memory(served)
        assert (waiting["changes_waiting"], waiting["last_change"]) == (1, float(newest))
        assert served.ask(LIKE.format(one)).status_code == 200
        after = of_memory(served)
        assert (after["changes_waiting"], after["changed_galaxies"]) == (0, 1)
        assert after["last_change"] == float(newest) + 1
        assert after["as_of_seconds"] > found["as_of_seconds"]


def test_a_service_without_galaxies_in_memory_says_so(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with serving(galaxies, tmp_path, limits, memory=GalaxyMemory(galaxies, 0)) as served:
        found = of_memory(served)
    assert (found["off"], found["held"], found["galaxies"], found["bytes"]) == (1, 0, 0, 0)
    assert "changes_waiting" not in found


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
