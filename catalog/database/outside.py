"""What of a catalogue no dump of its database carries: roles, memberships, settings, and maybe its grants."""

import psycopg

from catalog.database.privileges import (
    MEMBERSHIPS,
    is_member,
    list_lacks,
    missing_roles,
    unset_reader_settings,
    unset_search_settings,
)

ROLES_FILE = "001_roles.sql"
SEARCH_FILE = "160_search_settings.sql"

# One right of each kind. Where a dump was read in without owners or without grants, all are gone.
_GRANTED = """
    SELECT has_schema_privilege('galcat_reader', 'galcat', 'USAGE')
        AND has_table_privilege('galcat_reader', 'galcat.galaxy', 'SELECT')
        AND has_table_privilege('galcat_writer', 'galcat.source', 'INSERT')
        AND has_table_privilege('galcat_public', 'galcat_tap.published', 'SELECT')
        AND (SELECT bool_and(pg_get_userbyid(c.relowner) = 'galcat_owner') FROM pg_class AS c
            WHERE c.oid IN ('galcat.source'::regclass, 'galcat.galaxy'::regclass))
        AND (SELECT bool_and(pg_get_userbyid(p.proowner) = w.owner) FROM pg_proc AS p JOIN (VALUES
            ('galcat.build_galaxy_view'::regproc, 'galcat_owner'),
            ('tap_upload.make_table'::regproc, 'galcat_uploads')
        ) AS w (id, owner) ON w.id = p.oid)
"""


def is_granted(connection: psycopg.Connection) -> bool:
    """Whether the catalogue's things belong to its roles, and its roles may use them.

    Args:
        connection: Open connection to a catalogue whose schema is this version's.
    """
    return not missing_roles(connection) and connection.execute(_GRANTED).fetchone() == (True,)


def list_files_to_repeat(connection: psycopg.Connection) -> list[str]:
    """Name the re-runnable files that would make again what is not in force and this login can set.

    Args:
        connection: Open connection of a login that may act as the owner.
    """
    cannot = {statement for lack in list_lacks(connection) for statement in lack.statements}
    files = []
    members = [pair for pair in MEMBERSHIPS if not is_member(connection, pair[1], pair[0])]
    unset = unset_reader_settings(connection)
    if members or _can_set(unset, cannot, "ALTER ROLE"):
        files.append(ROLES_FILE)
    if _can_set(unset_search_settings(connection), cannot, "ALTER DATABASE"):
        files.append(SEARCH_FILE)
    return files


def _can_set(unset: dict[str, str], cannot: set[str], verb: str) -> bool:
    refused = {
        name for name in unset if any(text.startswith(verb) and f" {name} = " in text for text in cannot)
    }
    return bool(unset.keys() - refused)
