import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from catalog.errors import ServerError
from catalog.tap.database.connections import Connections
from catalog.tap.limits import ServiceLimits


@pytest.fixture
def login(connection: psycopg.Connection) -> Iterator[str]:
    name = f"reader_{uuid.uuid4().hex[:8]}"
    connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
    yield name
    connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
    connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def refusal(database: str, login: str) -> str:
    connections = Connections(make_conninfo(database, user=login), database, ServiceLimits())
    with pytest.raises(ServerError) as refused:
        connections.open()
    connections.close()
    return str(refused.value)


def grant(connection: psycopg.Connection, text: str, login: str) -> None:
    connection.execute(sql.SQL(text).format(sql.Identifier(login)))


def test_a_login_that_is_only_a_member_of_the_public_role_may_read(
    connection: psycopg.Connection, database: str, login: str
) -> None:
    grant(connection, "GRANT galcat_public TO {}", login)
    connections = Connections(make_conninfo(database, user=login), database, ServiceLimits())
    connections.open()
    with connections.reader() as reader:
        assert reader.execute("SELECT session_user, current_user").fetchone() == (login, "galcat_public")
    connections.close()


def test_a_superuser_may_not(database: str) -> None:
    assert refusal(database, "postgres") == (
        "the reader's login postgres is a superuser, or may make roles or databases"
    )


def test_a_login_outside_the_public_role_may_not(database: str, login: str) -> None:
    assert refusal(database, login) == (
        f"the reader's login {login} is no member of galcat_public: GRANT galcat_public TO {login}"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("GRANT galcat_writer TO {}", "is also a member of galcat_writer"),
        ("GRANT pg_read_all_data TO {}", "is also a member of pg_read_all_data"),
        ("GRANT pg_execute_server_program TO {}", "is also a member of pg_execute_server_program"),
    ],
)
def test_a_login_that_can_do_more_may_not(
    connection: psycopg.Connection, database: str, login: str, text: str, says: str
) -> None:
    grant(connection, "GRANT galcat_public TO {}", login)
    grant(connection, text, login)
    assert refusal(database, login) == f"the reader's login {login} {says}: strangers could do so too"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("GRANT INSERT ON galcat.tag TO {}", "can write to galcat.tag"),
        ("GRANT CREATE ON SCHEMA galcat TO {}", "can make things in the schema galcat"),
        ("GRANT SELECT ON galcat_tap.query_log TO {}", "can read galcat_tap.query_log, which is private"),
    ],
)
def test_the_public_role_itself_must_not_be_able_to_do_more(
    connection: psycopg.Connection, database: str, login: str, text: str, says: str
) -> None:
    grant(connection, "GRANT galcat_public TO {}", login)
    grant(connection, text, "galcat_public")
    assert refusal(database, login) == f"the reader's login {login} {says}: strangers could do so too"


def test_a_server_that_is_not_there_is_one_line(database: str, tmp_path: Path) -> None:
    url = make_conninfo(database, user="galcat_public", host=str(tmp_path))
    connections = Connections(url, database, ServiceLimits())
    with pytest.raises(ServerError, match=r"^cannot connect to ") as refused:
        connections.open()
    assert "\n" not in str(refused.value)
