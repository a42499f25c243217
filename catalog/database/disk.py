"""The disk on which the database lies, where it is one of this machine and the server says so."""

import os
import shutil
from pathlib import Path

import psycopg

_FOLDER = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'"
_SIZE = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())"


def find_data_folder(connection: psycopg.Connection) -> Path | None:
    """Find the data folder of a server of this machine.

    Args:
        connection: Open connection; only read from.

    Returns:
        None where the server is reached by the network, so that it may be another machine's or a container's;
        where it does not show its settings to this login (`pg_read_all_settings`); and where this process may
        not look.
    """
    if not connection.info.host.startswith("/"):  # a folder with a Unix socket
        return None
    row = connection.execute(_FOLDER).fetchone()  # no row for who may not see it
    folder = Path(str(row[0])) if row else None
    return folder if folder is not None and os.path.isdir(folder) else None  # noqa: PTH112 - pathlib raises


def find_free_bytes(connection: psycopg.Connection) -> int | None:
    """How much is free on the database's disk, in bytes; None where `find_data_folder` finds no folder."""
    folder = find_data_folder(connection)
    return None if folder is None else shutil.disk_usage(folder).free


def find_database_bytes(connection: psycopg.Connection) -> int:
    """How much disk the database takes, in bytes."""
    row = connection.execute(_SIZE).fetchone()
    assert row is not None  # noqa: S101 - a function without a table
    return int(row[0])
