"""What a login lacks to make or update a catalogue, and the SQL by which an administrator gives it."""

from dataclasses import dataclass

import psycopg

from catalog.database.embedded.settings import SEARCH_SETTINGS
from catalog.database.requirements import MIN_PGVECTOR, installed_and_available, parse_version

OWNER = "galcat_owner"
ROLES = (OWNER, "galcat_writer", "galcat_reader", "galcat_labeller", "galcat_public", "galcat_uploads")
MEMBERSHIPS = (
    *((role, OWNER) for role in ROLES[1:]),
    ("galcat_reader", "galcat_labeller"),
)
"""A role, and the role that may act as it: what sql/001_roles.sql grants."""
READER_SETTINGS = {
    "default_transaction_read_only": "on",
    "search_path": "",
    "statement_timeout": "60s",
    "temp_file_limit": "4GB",
}
"""With what a session of galcat_public begins: what sql/001_roles.sql sets."""
MAY_BE_REFUSED = "temp_file_limit"
"""Only a superuser may set it; a service without it limits the time of a query alone."""
SCHEMAS = ("galcat", "galcat_tap", "tap_schema", "ivoa", "tap_upload")

_SET_OPTION_FROM = 160_000
_LOGIN = """
    SELECT current_user, r.rolsuper, r.rolcreaterole,
        pg_catalog.pg_has_role(d.datdba, 'USAGE'),
        pg_catalog.has_database_privilege(d.oid, 'CREATE'), d.datname
    FROM pg_catalog.pg_roles AS r, pg_catalog.pg_database AS d
    WHERE r.rolname = current_user AND d.datname = pg_catalog.current_database()
"""
_EXTENSION = """
    SELECT n.nspname, coalesce((SELECT v.trusted FROM pg_catalog.pg_available_extension_versions AS v
        WHERE v.name = 'vector' ORDER BY v.installed DESC LIMIT 1), false)
    FROM (SELECT 1) AS one LEFT JOIN pg_catalog.pg_extension AS e ON e.extname = 'vector'
    LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
"""
_MEMBER = "SELECT pg_catalog.pg_has_role(%s, %s, 'USAGE') AND pg_catalog.pg_has_role(%s, %s, %s)"
_MAY_GRANT = "SELECT pg_catalog.pg_has_role(current_user, %s, 'MEMBER WITH ADMIN OPTION')"
# Partitions and indexes follow their tables; what a session has made for itself has another schema.
_FOREIGN = """
    SELECT o.owner::regrole::text, count(*) FROM (
        SELECT c.relowner FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm')
        UNION ALL
        SELECT p.proowner FROM pg_catalog.pg_proc AS p
        JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname = ANY (%(schemas)s)
        UNION ALL
        SELECT n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = ANY (%(schemas)s)
    ) AS o (owner)
    WHERE NOT pg_catalog.pg_has_role(o.owner, 'USAGE') AND o.owner::regrole::text <> ALL (%(roles)s)
    GROUP BY 1 ORDER BY 2 DESC, 1
"""
_ROLE_SETTINGS = "SELECT coalesce(rolconfig, '{}') FROM pg_catalog.pg_roles WHERE rolname = 'galcat_public'"


@dataclass(frozen=True)
class Lack:
    """One thing that a login can neither do nor give itself.

    Attributes:
        reason: What is lacking, as a sentence without its stop.
        statements: The SQL that an administrator runs; empty where no statement of his mends it.
        is_needed: Whether the catalogue's schema cannot be made or updated without.
    """

    reason: str
    statements: tuple[str, ...]
    is_needed: bool = True


@dataclass(frozen=True)
class _Login:
    name: str
    is_superuser: bool
    makes_roles: bool
    owns_database: bool
    makes_schemas: bool
    database: str


def list_lacks(connection: psycopg.Connection) -> list[Lack]:
    """List what the login of a connection lacks, in the order in which an administrator gives it.

    Args:
        connection: Open connection of the login that makes or updates the catalogue; it is only read from.

    Returns:
        Nothing for a superuser. First what is needed, then what a catalogue works without.
    """
    login = _read_login(connection)
    if login.is_superuser:
        return []
    lacks = [
        *_lacking_extension(connection, login),
        *_lacking_roles(connection, login),
        *_lacking_schemas(connection, login),
        *_lacking_settings(connection, login),
    ]
    return sorted(lacks, key=lambda lack: not lack.is_needed)


def describe_needed(connection: psycopg.Connection) -> str | None:
    """Say in one line what the login of a connection lacks for certain; None where nothing.

    Args:
        connection: Open connection of the login that makes or updates the catalogue; it is only read from.
    """
    needed = [lack.reason for lack in list_lacks(connection) if lack.is_needed]
    if not needed:
        return None
    more = f", and {len(needed) - 1} more" if len(needed) > 1 else ""
    return f"{needed[0]}{more}: galcat init --plan prints what an administrator of the server has to run"


def missing_roles(connection: psycopg.Connection) -> list[str]:
    """The roles of the catalogue that this cluster does not have; a dump carries none of them."""
    found = connection.execute("SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = ANY (%s)", [[*ROLES]])
    there = {row[0] for row in found.fetchall()}
    return [role for role in ROLES if role not in there]


def is_member(connection: psycopg.Connection, member: str, role: str) -> bool:
    """Whether one role has another's rights and may act as it; both exist.

    From Postgres 16 on a member may lack either, as who has made a role does.
    """
    acts = "SET" if connection.info.server_version >= _SET_OPTION_FROM else "MEMBER"
    return connection.execute(_MEMBER, [member, role, member, role, acts]).fetchone() == (True,)


def unset_reader_settings(connection: psycopg.Connection) -> dict[str, str]:
    """Settings of galcat_public that are not as galcat makes them: value by name."""
    row = connection.execute(_ROLE_SETTINGS).fetchone()
    held = set(row[0]) if row else set()
    empty = '""'  # as Postgres keeps a list without entries
    return {name: value for name, value in READER_SETTINGS.items() if f"{name}={value or empty}" not in held}


def unset_search_settings(connection: psycopg.Connection) -> dict[str, str]:
    """Settings of the vector search that are not in force in this database: value by name."""
    return {
        name: value
        for name, value in SEARCH_SETTINGS.items()
        if connection.execute("SELECT pg_catalog.current_setting(%s, true)", [name]).fetchone() != (value,)
    }


def _read_login(connection: psycopg.Connection) -> _Login:
    row = connection.execute(_LOGIN).fetchone()
    assert row is not None  # noqa: S101 - a session has a user and a database
    return _Login(*row)


def _lacking_extension(connection: psycopg.Connection, login: _Login) -> list[Lack]:
    row = connection.execute(_EXTENSION).fetchone()
    schema, is_trusted = row or (None, False)
    if schema is None and not (is_trusted and login.makes_schemas):
        return [
            Lack("the extension vector is not in this database", ("CREATE EXTENSION vector SCHEMA public;",))
        ]
    if schema not in (None, "public"):
        return [
            Lack(
                f"the extension vector is in the schema {schema}, and galcat looks for it in public",
                ("ALTER EXTENSION vector SET SCHEMA public;",),
            )
        ]
    installed, available = installed_and_available(connection)
    new_enough = available is not None and parse_version(available) >= MIN_PGVECTOR
    if installed is not None and parse_version(installed) < MIN_PGVECTOR and new_enough:
        return [
            Lack(
                f"the extension vector is {installed} in this database",
                ("ALTER EXTENSION vector UPDATE;",),
                is_needed=False,
            )
        ]
    return []


def _lacking_roles(connection: psycopg.Connection, login: _Login) -> list[Lack]:
    missing = missing_roles(connection)
    lacks = []
    if missing and not login.makes_roles:
        lacks.append(
            Lack(
                f"{login.name} may not make roles, and there is no {', '.join(missing)}",
                tuple(f"CREATE ROLE {role} NOLOGIN;" for role in missing),
            )
        )
    wanted = [
        (role, member)
        for role, member in (*MEMBERSHIPS, (OWNER, login.name))
        if not _has_or_takes(connection, login, missing, role, member)
    ]
    if wanted:
        role, member = wanted[-1]
        how = " WITH INHERIT TRUE, SET TRUE" if connection.info.server_version >= _SET_OPTION_FROM else ""
        lacks.append(
            Lack(
                f"{member} does not act as {role}, and {login.name} may not grant that",
                tuple(f"GRANT {role} TO {_quote(connection, member)}{how};" for role, member in wanted),
            )
        )
    return lacks


def _has_or_takes(
    connection: psycopg.Connection, login: _Login, missing: list[str], role: str, member: str
) -> bool:
    """Whether a membership is there, or is made by the login itself."""
    if role in missing or member in missing:
        return login.makes_roles  # it makes the role, and may then give it away
    if is_member(connection, member, role):
        return True
    if connection.info.server_version < _SET_OPTION_FROM and login.makes_roles:
        return True
    return connection.execute(_MAY_GRANT, [role]).fetchone() == (True,)


def _lacking_schemas(connection: psycopg.Connection, login: _Login) -> list[Lack]:
    there = connection.execute(
        "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = ANY (%s)", [[*SCHEMAS]]
    ).fetchone()
    lacks = []
    if there != (len(SCHEMAS),) and not login.makes_schemas:
        database, name = _quote(connection, login.database), _quote(connection, login.name)
        lacks.append(
            Lack(
                f"{login.name} may not make schemas in the database {login.database}",
                (f"GRANT CREATE ON DATABASE {database} TO {name};",),
            )
        )
    owners = connection.execute(_FOREIGN, {"schemas": [*SCHEMAS], "roles": [*ROLES]}).fetchall()
    lacks += [
        Lack(f"{count} things of the catalogue belong to {owner}: run galcat migrate once by that login", ())
        for owner, count in owners
    ]
    return lacks


def _lacking_settings(connection: psycopg.Connection, login: _Login) -> list[Lack]:
    lacks = []
    if not login.owns_database and (unset := unset_search_settings(connection)):
        database = _quote(connection, login.database)
        lacks.append(
            Lack(
                f"only who owns the database {login.database} may set how its vector index is searched",
                tuple(f"ALTER DATABASE {database} SET {name} = '{value}';" for name, value in unset.items()),
                is_needed=False,
            )
        )
    if unset := _unsettable(connection, login):
        lacks.append(
            Lack(
                f"{login.name} may not set with what a session of galcat_public begins",
                tuple(f"ALTER ROLE galcat_public SET {name} = '{value}';" for name, value in unset.items()),
                is_needed=False,
            )
        )
    return lacks


def _unsettable(connection: psycopg.Connection, login: _Login) -> dict[str, str]:
    """Settings of galcat_public that are not made, and that this login cannot make."""
    if "galcat_public" in missing_roles(connection):
        unset, may_alter = READER_SETTINGS, login.makes_roles
    else:
        unset = unset_reader_settings(connection)
        is_admin = connection.execute(_MAY_GRANT, ["galcat_public"]).fetchone() == (True,)
        may_alter = login.makes_roles and (is_admin or connection.info.server_version < _SET_OPTION_FROM)
    return {name: value for name, value in unset.items() if not may_alter or name == MAY_BE_REFUSED}


def _quote(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT pg_catalog.quote_ident(%s)", [name]).fetchone()
    assert row is not None  # noqa: S101 - a function gives a value
    return str(row[0])
