"""The compose file is valid; each service runs as a plain process here, and together they do a run."""

import os
import re
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from catalog.database.embedded.settings import SEARCH_SETTINGS
from catalog.database.requirements import MIN_PGVECTOR, MIN_POSTGRES, parse_version
from tests.dagster_jobs.running.compose_file import ROOT, load
from tests.galcat.processes import RunningProcess, program, start_process, wait_while_running
from tests.waiting import LAST_LIMIT_S

VARIABLES: dict[str, str] = {}
OURS = ("code", "webserver", "daemon", "serve")
ALL_OURS = {*OURS, "code-gpu", "init", "backup"}
LAUNCH = """mutation ($chosen: JobOrPipelineSelector!) {
    launchRun(executionParams: {selector: $chosen}) {
        __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
        ... on RunConfigValidationInvalid { errors { message } } } }"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
ANALYSED = (
    "SELECT bool_and(last_analyze IS NOT NULL) FROM pg_stat_user_tables "
    "WHERE schemaname = 'galcat' AND relname IN ('source', 'tile')"
)


def text_list(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(item) for item in value]


def mapping(value: object) -> dict[str, str]:
    assert isinstance(value, dict)
    return {str(key): str(item) for key, item in value.items()}


def test_the_file_follows_the_compose_schema_and_has_every_service_with_a_bound_of_its_memory() -> None:
    services = load(VARIABLES)
    assert set(services) == {"postgres", *ALL_OURS}
    assert [name for name, service in services.items() if "mem_limit" not in service] == []
    assert [name for name, service in services.items() if "healthcheck" not in service] == ["init"]


def test_the_code_server_runs_on_the_gpu_or_not_and_is_the_same_but_for_that() -> None:
    services = load(VARIABLES)
    cpu, gpu = services["code"], services["code-gpu"]
    assert (cpu.pop("profiles"), gpu.pop("profiles")) == (["cpu"], ["gpu"])
    assert "nvidia" in str(gpu.pop("deploy"))
    assert cpu == gpu
    assert "COMPOSE_PROFILES=cpu\n" in (ROOT / "docker" / ".env.example").read_text()


def test_passwords_are_files_and_stand_in_no_environment() -> None:
    services = load(VARIABLES)
    assert services["postgres"]["secrets"] == ["postgres_password"]
    for name in ALL_OURS:
        assert services[name]["secrets"] == ["postgres_password", "reader_password"]
    named = {key for service in services.values() for key in mapping(service.get("environment", {}))}
    assert {key for key in named if "PASSWORD" in key} == {"POSTGRES_PASSWORD_FILE"}


def test_the_entry_point_hands_any_password_to_libpq(tmp_path: Path) -> None:
    passwords = {"postgres_password": r"a:b\c 'd\"$", "reader_password": "plain"}
    for name, word in passwords.items():
        (tmp_path / name).write_text(f"{word}\n")
    file = tmp_path / "pgpass"
    environment = {"GALCAT_SECRETS": str(tmp_path), "PGPASSFILE": str(file), "PATH": os.defpath}
    words = [ROOT / "docker" / "entrypoint.sh", "echo", "a b"]
    done = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
    assert (done.stdout, file.stat().st_mode & 0o777) == ("a b\n", 0o600)
    # As libpq's manual describes the file: fields between colons, a backslash before any character.
    read = [
        [re.sub(r"\\(.)", r"\1", field) for field in re.findall(r"((?:[^:\\]|\\.)+)", line)]
        for line in file.read_text().splitlines()
    ]
    assert read == [
        ["*", "*", "*", "galcat", passwords["postgres_password"]],
        ["*", "*", "*", "galcat_public", passwords["reader_password"]],
    ]


def test_every_port_is_for_this_machine_only() -> None:
    ports = [port for service in load(VARIABLES).values() for port in text_list(service.get("ports", []))]
    assert sorted(ports) == ["127.0.0.1:3000:3000", "127.0.0.1:5432:5432", "127.0.0.1:8000:8000"]


def test_every_mounted_file_exists_and_every_volume_is_declared() -> None:
    mounts = [
        mount for service in load(VARIABLES).values() for mount in text_list(service.get("volumes", []))
    ]
    sources = {mount.split(":")[0] for mount in mounts}
    volumes = {"postgres-data", "dagster-logs", "weights", "service"}
    assert sources == {*volumes, "./drop", "./backups", "./docker/databases.sql"}
    assert (ROOT / "docker" / "databases.sql").is_file()
    declared = (ROOT / "docker-compose.yml").read_text().split("\nvolumes:\n")[1].split()
    assert {name.rstrip(":") for name in declared} == volumes


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


def ask_webserver(port: str, query: str, **variables: object) -> dict[str, dict[str, object]]:
    """The data of an answer of Dagster's GraphQL."""
    answer = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": query, "variables": variables})
    assert answer.is_success, answer.text
    data: dict[str, dict[str, object]] = answer.json()["data"]
    return data


def launch_statistics(port: str) -> str:
    """Ask the webserver for a run that analyses the tables; returns the run's id."""
    chosen = {
        "repositoryLocationName": "galcat",
        "repositoryName": "__repository__",
        "jobName": "care",
        "assetSelection": [{"path": ["statistics"]}],
        "assetCheckSelection": [],
    }
    launched = ask_webserver(port, LAUNCH, chosen=chosen)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    return mapping(launched["run"])["runId"]


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.xdist_group("dagster")
@pytest.mark.parametrize("has_checks", [False, pytest.param(True, marks=pytest.mark.long)])
def test_the_services_run_are_healthy_and_do_a_run_that_the_webserver_queues_and_the_daemon_starts(
    *, has_checks: bool, database: str, dagster_url: str, dagster_home: Path
) -> None:
    services = load(VARIABLES)
    here = {port: free_port() for port in ("3000", "4000", "8000")}
    here["0.0.0.0"] = "127.0.0.1"  # noqa: S104 - it is replaced
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SELECT galcat_tap.let_readers_in()")
    of_compose = mapping(services["code"]["environment"])
    driver = of_compose["DAGSTER_POSTGRES_URL"].partition("://")[0]
    environment = of_compose | {
        "GALCAT_DATABASE_URL": database,
        "GALCAT_READER_URL": make_conninfo(database, user="galcat_public"),
        "GALCAT_HOME": str(dagster_home / "home"),
        "GALCAT_SERVICE_DIR": str(dagster_home / "service"),
        "GALCAT_WEIGHTS_DIR": str(dagster_home / "weights"),
        "GALCAT_PUBLIC_URL": "",
        "DAGSTER_POSTGRES_URL": dagster_url.replace("postgresql", driver, 1),
        "GALCAT_DROP_FOLDER": str(dagster_home / "drop"),
        "GALCAT_CODE_HOST": "127.0.0.1",
        "GALCAT_CODE_PORT": here["4000"],
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_LOGS": str(dagster_home / "logs"),
    }

    def as_here(words: object) -> list[str]:
        return [
            re.sub(r"\b(4000|3000|8000|0\.0\.0\.0)\b", lambda m: here[m[0]], word)
            for word in text_list(words)
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
        "serve": lambda: is_listening(here["8000"]),
    }
    with ExitStack() as stack:
        running: list[RunningProcess] = []
        for name in OURS:
            command = as_here(services[name]["command"])
            log = dagster_home / f"{name}.log"
            running.append(stack.enter_context(start_process(command, environment, log, cwd=dagster_home)))
            wait_while_running(f"{name} has begun", begun[name], running)
            if has_checks:
                wait_while_running(f"{name} is healthy", lambda name=name: is_healthy(name), running)  # type: ignore[misc]
        assert count_heartbeats(dagster_url) > 0
        run, states = launch_statistics(here["3000"]), ["QUEUED"]

        def has_ended() -> bool:
            states.append(str(ask_webserver(here["3000"], STATUS, id=run)["runOrError"]["status"]))
            return states[-1] in {"SUCCESS", "FAILURE", "CANCELED"}

        wait_while_running("the end of the run", has_ended, running)
    assert states[-1] == "SUCCESS", sorted(set(states))
    with psycopg.connect(database) as connection:
        assert connection.execute(ANALYSED).fetchone() == (True,)
