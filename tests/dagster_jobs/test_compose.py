"""The compose file is valid, and each service's command runs as a plain process on the embedded Postgres."""

import re
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from catalog.database.embedded.settings import SEARCH_SETTINGS
from catalog.database.requirements import MIN_PGVECTOR, MIN_POSTGRES, parse_version
from tests.dagster_jobs.compose_file import ROOT, UnsetError, load
from tests.galcat.processes import RunningProcess, program, start_process, wait_while_running
from tests.waiting import LAST_LIMIT_S

PASSWORD = "a-password"  # noqa: S105 - of nothing
VARIABLES = {"GALCAT_POSTGRES_PASSWORD": PASSWORD}
OURS = ("code", "webserver", "daemon")


def text_list(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(item) for item in value]


def mapping(value: object) -> dict[str, str]:
    assert isinstance(value, dict)
    return {str(key): str(item) for key, item in value.items()}


def test_the_file_follows_the_compose_schema_and_has_the_four_services() -> None:
    assert set(load(VARIABLES)) == {"postgres", *OURS}


def test_there_is_no_password_in_the_file_and_none_is_no_choice() -> None:
    with pytest.raises(UnsetError, match="GALCAT_POSTGRES_PASSWORD: choose one"):
        load({})
    services = load(VARIABLES)
    assert mapping(services["postgres"]["environment"])["POSTGRES_PASSWORD"] == PASSWORD
    for name in OURS:
        environment = mapping(services[name]["environment"])
        assert environment["PGPASSWORD"] == PASSWORD
        assert [key for key, value in environment.items() if PASSWORD in value] == ["PGPASSWORD"]


def test_every_port_is_for_this_machine_only() -> None:
    ports = [port for service in load(VARIABLES).values() for port in text_list(service.get("ports", []))]
    assert ports == ["127.0.0.1:5432:5432", "127.0.0.1:3000:3000"]


def test_every_mounted_file_exists_and_every_volume_is_declared() -> None:
    mounts = [
        mount for service in load(VARIABLES).values() for mount in text_list(service.get("volumes", []))
    ]
    sources = {mount.split(":")[0] for mount in mounts}
    assert sources == {"postgres-data", "dagster-logs", "./drop", "./docker/databases.sql"}
    assert (ROOT / "docker" / "databases.sql").is_file()
    declared = (ROOT / "docker-compose.yml").read_text().split("\nvolumes:\n")[1].split()
    assert declared == ["postgres-data:", "dagster-logs:"]


def test_its_postgres_is_one_that_galcat_accepts() -> None:
    image = str(load(VARIABLES)["postgres"]["image"])
    pgvector, postgres = re.fullmatch(r"pgvector/pgvector:([\d.]+)-pg(\d+)", image).groups()  # type: ignore[union-attr]
    assert int(postgres) >= MIN_POSTGRES
    assert parse_version(pgvector) >= MIN_PGVECTOR


def test_its_postgres_searches_as_the_embedded_one_and_knows_every_setting(postgres_url: str) -> None:
    command = text_list(load(VARIABLES)["postgres"]["command"])
    settings = dict(option.split("=") for option in command[2::2])
    assert {name: value for name, value in settings.items() if name.startswith("hnsw.")} == SEARCH_SETTINGS
    with psycopg.connect(postgres_url) as connection:
        known = connection.execute("SELECT name FROM pg_settings WHERE name = ANY (%s)", [[*settings]])
        assert {name for (name,) in known} == set(settings)


def test_the_dockerfile_copies_what_exists_and_runs_as_a_user() -> None:
    lines = (ROOT / "docker" / "Dockerfile").read_text().splitlines()
    copied = [name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    kept = (ROOT / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in kept if line.startswith("!")} == set(copied)
    assert [line for line in lines if line.startswith("USER ")] == ["USER galcat"]


@pytest.fixture
def dagster_url(postgres_url: str) -> Iterator[str]:
    """A database for Dagster's storage, made as the compose file's Postgres makes it."""
    name = f"dagster_{uuid.uuid4().hex[:12]}"
    statements = (ROOT / "docker" / "databases.sql").read_text()
    admin = psycopg.connect(postgres_url, autocommit=True)
    admin.execute(statements.replace("DATABASE dagster;", f"DATABASE {name};").encode())
    yield postgres_url.replace("/galcat?", f"/{name}?")
    admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    admin.close()


@pytest.fixture
def dagster_home(tmp_path: Path) -> Path:
    """DAGSTER_HOME as the image has it."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / "docker" / name, tmp_path)
    (tmp_path / "drop").mkdir()
    return tmp_path


def is_listening(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def count_heartbeats(dagster_url: str) -> int:
    """Rows that the daemon's parts have written; the table comes with the daemon or the webserver."""
    with psycopg.connect(dagster_url) as connection:
        row = connection.execute("SELECT to_regclass('daemon_heartbeats') IS NOT NULL").fetchone()
        if row is None or not row[0]:
            return 0
        row = connection.execute("SELECT count(*) FROM daemon_heartbeats").fetchone()
    assert row is not None
    return int(row[0])


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.xdist_group("dagster")
def test_each_service_runs_and_its_health_check_passes(
    database: str, dagster_url: str, dagster_home: Path
) -> None:
    services = load(VARIABLES)
    here = {"4000": free_port(), "3000": free_port(), "0.0.0.0": "127.0.0.1"}  # noqa: S104 - it is replaced
    environment = mapping(services["code"]["environment"]) | {
        "GALCAT_DATABASE_URL": database,
        "DAGSTER_POSTGRES_URL": dagster_url,
        "GALCAT_DROP_FOLDER": str(dagster_home / "drop"),
        "GALCAT_CODE_HOST": "127.0.0.1",
        "GALCAT_CODE_PORT": here["4000"],
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_LOGS": str(dagster_home / "logs"),
    }

    def as_here(words: object) -> list[str]:
        return [
            re.sub(r"\b(4000|3000|0\.0\.0\.0)\b", lambda m: here[m[0]], word) for word in text_list(words)
        ]

    def is_healthy(name: str) -> bool:
        check = services[name]["healthcheck"]
        assert isinstance(check, dict)
        kind, *command = as_here(check["test"])
        assert kind == "CMD"
        done = subprocess.run(
            program(command),
            env=environment,
            cwd=dagster_home,
            capture_output=True,
            timeout=LAST_LIMIT_S,
            check=False,
        )
        return done.returncode == 0

    begun = {  # a health check takes seconds of a processor: none before it can pass
        "code": lambda: is_listening(here["4000"]),
        "webserver": lambda: is_listening(here["3000"]),
        "daemon": lambda: count_heartbeats(dagster_url) > 0,
    }
    with ExitStack() as stack:
        running: list[RunningProcess] = []
        for name in OURS:
            command = as_here(services[name]["command"])
            log = dagster_home / f"{name}.log"
            running.append(stack.enter_context(start_process(command, environment, log, cwd=dagster_home)))
            wait_while_running(f"{name} has begun", begun[name], running)
            wait_while_running(f"{name} is healthy", lambda name=name: is_healthy(name), running)  # type: ignore[misc]
    assert count_heartbeats(dagster_url) > 0
