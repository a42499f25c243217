"""The small pictures of galaxies, by object_id."""

import psycopg

from catalog.errors import UnknownObjectError


def thumbnails(connection: psycopg.Connection, object_ids: list[int]) -> dict[int, bytes]:
    """JPEG of each galaxy.

    Raises:
        UnknownObjectError: One of them has no picture.
    """
    rows = connection.execute(
        "SELECT object_id, jpeg FROM galcat.thumbnail WHERE object_id = ANY (%s)", [object_ids]
    ).fetchall()
    pictures = {int(row[0]): bytes(row[1]) for row in rows}
    missing = [identity for identity in object_ids if identity not in pictures]
    if missing:
        raise UnknownObjectError(f"object_id {missing[0]} has no picture")
    return pictures
