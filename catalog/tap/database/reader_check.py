"""Refuses a reader's login that can do more than read what is published."""

import psycopg

from catalog.database.reader_login import READER
from catalog.errors import ServerError

_LOGIN = """
    SELECT session_user, r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,
           pg_catalog.pg_has_role(session_user, 'galcat_public', 'MEMBER')
    FROM pg_catalog.pg_roles AS r WHERE r.rolname = session_user
"""
_MEMBER = """
    SELECT r.rolname FROM pg_catalog.pg_roles AS r
    WHERE r.rolname NOT IN (session_user, 'galcat_public')
        AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')
    ORDER BY r.rolname LIMIT 1
"""
_WRITES = """
    SELECT c.oid::pg_catalog.regclass::text
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema$)'
        AND pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
    LIMIT 1
"""
_MAKES = """
    SELECT n.nspname FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname !~ '^pg_' AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')
    LIMIT 1
"""
_PRIVATE = """
    SELECT c.oid::pg_catalog.regclass::text
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname IN ('galcat', 'galcat_tap')
        AND c.oid <> ALL (SELECT p.relation FROM galcat_tap.published AS p)
        AND (n.nspname, c.relname) NOT IN
            (('galcat', 'sky_count'), ('galcat', 'embedding'), ('galcat', 'galaxy_change'),
            ('galcat_tap', 'published'))
        AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
    LIMIT 1
"""


def require_harmless(connection: psycopg.Connection) -> None:
    """Check what the login of a connection, which has taken the role galcat_public, may do.

    Raises:
        ServerError: More than to read what is published; names what.
    """
    name, is_mighty, _ = _login(connection)
    if is_mighty:
        raise ServerError(f"the reader's login {name} is a superuser, or may make roles or databases")
    for query, says in (
        (_MEMBER, "is also a member of {}"),
        (_WRITES, "can write to {}"),
        (_MAKES, "can make things in the schema {}"),
        (_PRIVATE, "can read {}, which is private"),
    ):
        row = connection.execute(query).fetchone()
        if row is not None:
            raise ServerError(f"the reader's login {name} {says.format(row[0])}: strangers could do so too")


def take_reader_role(connection: psycopg.Connection) -> None:
    """Take the role galcat_public, whatever the login's own name.

    Raises:
        ServerError: The login is no member of that role.
    """
    name, _, is_member = _login(connection)
    if not is_member:
        raise ServerError(f"the reader's login {name} is no member of {READER}: GRANT {READER} TO {name}")
    connection.execute("SET ROLE galcat_public")


def _login(connection: psycopg.Connection) -> tuple[str, bool, bool]:
    row = connection.execute(_LOGIN).fetchone()
    assert row is not None  # noqa: S101 - a session has a user
    return row[0], row[1], row[2]
