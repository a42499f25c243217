"""What a backup says of itself: when and from what it was made, what it holds, whose names it needs."""

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Self

import psycopg

from catalog.backup.content import TableContent
from catalog.database.requirements import parse_version
from catalog.errors import BackupError

FORMAT = 1
# Of pinned roles, as the one that initdb made, no dependency is kept: their things are looked for.
_ROLES = """
    SELECT DISTINCT r.rolname FROM pg_catalog.pg_roles AS r
    WHERE r.rolname !~ '^(pg_|galcat_)' AND (r.oid IN (
        SELECT s.refobjid FROM pg_catalog.pg_shdepend AS s JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
        WHERE d.datname = pg_catalog.current_database() AND s.refclassid = 'pg_catalog.pg_authid'::regclass)
    OR r.oid IN (
        SELECT c.relowner FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname !~ '^(pg_|information_schema$)'
        UNION ALL SELECT p.proowner FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n
            ON n.oid = p.pronamespace WHERE n.nspname !~ '^(pg_|information_schema$)'
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.deptype = 'e' AND d.objid = p.oid)))
    ORDER BY 1
"""
_MEMBERS = """
    SELECT g.rolname, m.rolname FROM pg_catalog.pg_auth_members AS a
    JOIN pg_catalog.pg_roles AS g ON g.oid = a.roleid JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
    WHERE g.rolname ~ '^galcat_' AND m.rolname !~ '^(pg_|galcat_)' AND m.oid <> 10
    GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself.

    Attributes:
        galcat: Version of galcat that made it.
        postgres: Version of the server that it was made from.
        made_at: The moment whose content it holds, ISO 8601 in UTC.
        roles: Roles besides galcat's own that own something in it, or were granted something.
        members: A role of galcat's, and who may act as it: one pair each.
        tables: What every table held.
        format: Number of the format that the file is written in.
    """

    galcat: str
    postgres: str
    made_at: str
    roles: tuple[str, ...]
    members: tuple[tuple[str, str], ...]
    tables: tuple[TableContent, ...]
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    def to_json(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read it.

        Raises:
            BackupError: It is none, or of a later galcat.
        """
        try:
            given = json.loads(text)
            if given["format"] != FORMAT or parse_version(given["galcat"]) > parse_version(version("galcat")):
                raise BackupError(
                    f"the backup was made by galcat {given['galcat']}, this is {version('galcat')}: "
                    "restore it by that version"
                )
            return cls(
                given["galcat"],
                given["postgres"],
                given["made_at"],
                tuple(given["roles"]),
                tuple((role, member) for role, member in given["members"]),
                tuple(TableContent(**table) for table in given["tables"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BackupError("the backup does not say what it holds") from error


def read_roles(connection: psycopg.Connection) -> tuple[str, ...]:
    """Roles besides galcat's own that own something in the database, or were granted something."""
    return tuple(str(row[0]) for row in connection.execute(_ROLES).fetchall())


def read_members(connection: psycopg.Connection) -> tuple[tuple[str, str], ...]:
    """Who of the cluster's logins may act as a role of galcat's: role and member."""
    return tuple((str(role), str(member)) for role, member in connection.execute(_MEMBERS).fetchall())
