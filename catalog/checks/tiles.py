"""Are there tiles that could not be read?"""

import psycopg

from catalog.checks.integrity import CheckResult

_FAILED = """
    SELECT count(*), min(t.name || ': ' || i.error)
    FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id)
    WHERE i.release_id = galcat.current_release() AND i.state = 'failed'
"""


def check_readable(connection: psycopg.Connection) -> CheckResult:
    """Count the tiles of the current release whose last attempt failed.

    Args:
        connection: Open connection; only read from.
    """
    row = connection.execute(_FAILED).fetchone()
    assert row is not None  # noqa: S101 - an aggregate gives a row
    return CheckResult(
        "tiles_readable",
        "every tile could be read and written",
        int(row[0]),
        row[1],
        "mend the files: the next night tries them again" if row[0] else "",
    )
