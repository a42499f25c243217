"""A database whose installed pgvector is of an earlier version, by Postgres' own means.

The SQL of pgvector 0.8.0 to 0.8.5 is the same: the update scripts between them are empty. So is the script
that leads back, which Postgres reads from a folder of the test's.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

CONTROL = "comment = 'an earlier pgvector'\ndefault_version = '{}'\nmodule_pathname = '$libdir/vector'\n"


@contextmanager
def old_pgvector(url: str, version: str, *, server_has_new: bool = False) -> Iterator[str]:
    """Take a database's pgvector back to a version.

    Args:
        url: The database, by its superuser.
        version: 0.8.0 to 0.8.4.
        server_has_new: Whether the server's files are newer than the database's extension.

    Yields:
        The version that the database had before.
    """
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(url, autocommit=True) as admin:
        row = admin.execute(
            "SELECT extversion, current_database() FROM pg_extension WHERE extname = 'vector'"
        ).fetchone()
        assert row is not None
        new, name = row
        extension = Path(folder) / "extension"
        extension.mkdir()
        Path(folder).chmod(0o755)  # the server's account reads it
        (extension / "vector.control").write_text(CONTROL.format(version))
        (extension / f"vector--{new}--{version}.sql").write_text("-- the same SQL\n")
        admin.execute(f"SET extension_control_path = '{folder}:$system'")
        admin.execute(f"ALTER EXTENSION vector UPDATE TO '{version}'")
        if not server_has_new:
            admin.execute(f"ALTER DATABASE {name} SET extension_control_path = '{folder}:$system'")
        yield str(new)
