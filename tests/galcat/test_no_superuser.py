"""A catalogue on a managed server: its login makes roles and databases and is no superuser."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from catalog.database.connection import connect
from catalog.database.privileges import MEMBERSHIPS, ROLES, is_member, list_lacks, missing_roles
from catalog.database.sql_files import sql_files
from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import serving
from tests.galcat.bricks import GALAXIES, write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.other_servers import BUNDLED, BUNDLED_16, DEBIAN, NEWER, OTHERS, POSTGRES_17
from tests.galcat.real_servers import Server, new_server
from tests.sizes import first_or_all

pytestmark = pytest.mark.servers


@pytest.fixture(params=first_or_all([BUNDLED, *OTHERS], 1))
def server(request: pytest.FixtureRequest, server_home: Path) -> Iterator[Server]:
    """A server with a database of Ann, who makes roles, and two logins without any right."""
    with new_server(request.param, server_home) as opened:
        opened.run_sql(
            "postgres",
            "CREATE ROLE ann LOGIN CREATEROLE CREATEDB",
            'CREATE ROLE "Bob B" LOGIN',
            "CREATE ROLE eve LOGIN",
        )
        with psycopg.connect(opened.url("postgres", "ann"), autocommit=True) as ann:
            ann.execute("CREATE DATABASE sky")
        yield opened


def test_a_login_without_superuser_makes_fills_serves_and_hands_on_a_catalogue(
    server: Server,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ann, bob = server.url("sky", "ann"), server.url("sky", "Bob%20B")
    galcat = Galcat(ann, tmp_path, capsys, monkeypatch)
    refused = galcat("init")
    assert (refused.code, refused.err) == (
        1,
        "error: the extension vector is not in this database: galcat init --plan prints what an "
        "administrator of the server has to run\n",
    )
    plan = galcat("init", "--plan")
    assert (plan.code, plan.out) == (
        1,
        "-- For an administrator, connected to the database sky.\n"
        "-- Needed: the extension vector is not in this database.\n"
        "CREATE EXTENSION vector SCHEMA public;\n"
        "-- Better: ann may not set with what a session of galcat_public begins.\n"
        "ALTER ROLE galcat_public SET temp_file_limit = '4GB';\n",
    )
    server.run_sql("sky", "CREATE EXTENSION vector SCHEMA public")
    assert galcat("init").code == 0

    for name in ("0100p000", "0100p005"):
        write_brick(tmp_path / "bricks", name)
    (ingest,) = [("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights)]
    said = galcat(*ingest)
    assert (said.code, "2 tiles ingested, 0 unchanged, 0 failed" in said.err) == (0, True)
    assert galcat("tasks", "add", "ring", "--question", "Is there a ring?").code == 0
    with connect(ann, autocommit=True) as connection:
        ids = [row[0] for row in connection.execute("SELECT object_id FROM galcat.galaxy").fetchall()]
    assert galcat("tasks", "say", "ring", f"{ids[0]}=yes", f"{ids[1]}=no").code == 0
    assert len(galcat("similar", ids[0], "--format", "csv").out.split()) == 2 * GALAXIES

    with serving(ann, tmp_path / "spool", ServiceLimits()) as service:
        answer = service.ask("SELECT COUNT(*) AS n FROM galcat.galaxy", RESPONSEFORMAT="csv")
        assert answer.text.split() == ["n", str(len(ids))]
        job = service.make_job("SELECT TOP 1 ra FROM galcat.galaxy")
        assert job.startswith(service.url)

    galcat.use(bob)
    assert galcat("migrate").err == (
        "error: Bob B does not act as galcat_owner, and Bob B may not grant that: galcat init --plan prints "
        "what an administrator of the server has to run\n"
    )
    (grant,) = [line for line in galcat("init", "--plan").out.splitlines() if "galcat_owner TO" in line]
    with connect(ann, autocommit=True) as connection:
        connection.execute(grant.encode())
        connection.execute(
            "UPDATE galcat.schema_history SET sha256 = 'old' WHERE file NOT LIKE 'migrations/%'"
        )
    assert galcat("migrate").code == 0
    write_brick(tmp_path / "bricks", "0101p000")
    said = galcat(*ingest)
    assert (said.code, "1 tile ingested, 2 unchanged, 0 failed" in said.err) == (0, True)
    assert galcat("tasks", "add", "bar", "--question", "Is there a bar?").code == 0
    assert [line for line in galcat("check").out.splitlines() if line.startswith("FAIL")] == []
    with connect(bob, autocommit=True) as connection:
        owners = connection.execute(
            "SELECT DISTINCT pg_get_userbyid(c.relowner) FROM pg_class AS c "
            "WHERE c.relnamespace = 'galcat'::regnamespace AND c.relkind IN ('r', 'p', 'v') UNION "
            "SELECT pg_get_userbyid(p.proowner) FROM pg_proc AS p "
            "WHERE p.pronamespace = 'galcat'::regnamespace"
        ).fetchall()
    assert owners == [("galcat_owner",)]


def test_what_an_administrator_is_told_to_run_is_enough_for_a_login_without_rights(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    galcat = Galcat(server.url("sky", "eve"), tmp_path, capsys, monkeypatch)
    plan = galcat("init", "--plan")
    assert plan.code == 1
    server.run_sql("sky", *plan.out.splitlines())
    assert galcat("init").code == 0
    again = galcat("init", "--plan")
    assert (again.code, again.out) == (0, "")
    with connect(server.url("sky", "eve"), autocommit=True) as connection:
        row = connection.execute("SELECT current_setting('hnsw.ef_search')").fetchone()
    assert row == ("100",)


@pytest.mark.parametrize("name", first_or_all([DEBIAN, BUNDLED, NEWER, BUNDLED_16, POSTGRES_17], 1))
def test_who_makes_the_roles_acts_as_them_and_hands_them_on(name: str, server_home: Path) -> None:
    with new_server(name, server_home, needs_pgvector=False) as server:
        server.run_sql("postgres", "CREATE ROLE ann LOGIN CREATEROLE", "CREATE ROLE bob LOGIN")
        (roles,) = [file for file in sql_files() if file.name == "001_roles.sql"]
        with connect(server.url("postgres", "ann"), autocommit=True) as ann:
            for _ in range(2):
                ann.execute(roles.text.encode())
            assert missing_roles(ann) == []
            ann.execute("GRANT galcat_owner TO bob")
        for member in ("ann", "bob"):
            with connect(server.url("postgres", member), autocommit=True) as connection:
                assert all(is_member(connection, member, role) for role in ROLES)
                assert all(is_member(connection, holder, role) for role, holder in MEMBERSHIPS)
                for role in ROLES:
                    connection.execute(f"SET ROLE {role}")
                connection.execute("RESET ROLE")
                assert not any("act" in lack.reason for lack in list_lacks(connection) if lack.is_needed)
                connection.execute(roles.text.encode())
