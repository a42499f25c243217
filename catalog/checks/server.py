"""Is the server fit for a catalogue: its settings, and its pgvector?"""

from collections.abc import Mapping

import psycopg

from catalog.checks.integrity import CheckResult
from catalog.database.requirements import installed_and_available, pgvector_fault, pgvector_update_steps


def check_settings(connection: psycopg.Connection, expected: Mapping[str, str]) -> CheckResult:
    """Compare the server's settings with those wanted.

    Args:
        connection: Open connection as its users have it: settings of the database and of the role count.
        expected: Value by name, as SHOW prints it.
    """
    rows = [connection.execute("SELECT current_setting(%s, true)", [name]).fetchone() for name in expected]
    differing = [
        f"{name} is {row[0] if row else None}, not {value}"
        for (name, value), row in zip(expected.items(), rows, strict=True)
        if row is None or row[0] != value
    ]
    return CheckResult(
        "settings",
        "the server's memory, parallelism and hnsw.* settings are galcat's",
        len(differing),
        differing[0] if differing else None,
        "galcat down, then galcat up; on a server of your own, galcat up by the database's owner, or what "
        "galcat init --plan prints"
        if differing
        else "",
    )


def check_pgvector(connection: psycopg.Connection) -> CheckResult:
    """Whether the database's pgvector has faults that can spoil the vector index.

    Args:
        connection: Open connection; only read from.
    """
    installed, available = installed_and_available(connection)
    fault = pgvector_fault(installed) if installed is not None else None
    return CheckResult(
        "pgvector",
        "the database's pgvector has no known fault that can spoil the vector index",
        0 if fault is None else 1,
        None if fault is None else f"pgvector {installed}: {fault}",
        "" if fault is None else pgvector_update_steps(available),
    )
