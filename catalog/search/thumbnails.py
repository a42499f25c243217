"""The small pictures of galaxies, by object_id."""

from collections.abc import Generator

import psycopg

from catalog.errors import UnknownObjectError


def read_thumbnails(connection: psycopg.Connection, object_ids: list[int]) -> dict[int, bytes]:
    """JPEG of each galaxy.

    Raises:
        UnknownObjectError: One of them has no picture.
    """
    pictures = find_thumbnails(connection, object_ids)
    missing = [identity for identity in object_ids if identity not in pictures]
    if missing:
        raise UnknownObjectError(f"object_id {missing[0]} has no picture")
    return pictures


def find_thumbnails(connection: psycopg.Connection, object_ids: list[int]) -> dict[int, bytes]:
    """JPEG of each galaxy that has a picture; the others are left out."""
    rows = connection.execute(
        "SELECT object_id, jpeg FROM galcat.thumbnail WHERE object_id = ANY (%s)", [object_ids]
    ).fetchall()
    return {int(row[0]): bytes(row[1]) for row in rows}


def stream_thumbnails(
    connection: psycopg.Connection, release_id: int, chunk: int = 500
) -> Generator[dict[int, bytes]]:
    """JPEGs of every galaxy of a release, in chunks; one without a picture is left out.

    Args:
        connection: Open connection, which is in a transaction of its own meanwhile.
        release_id: Number of the release.
        chunk: Largest number of galaxies in a chunk.
    """
    with connection.transaction(), connection.cursor(name="thumbnails") as cursor:
        cursor.itersize = chunk
        cursor.execute(
            "SELECT t.object_id, t.jpeg FROM galcat.thumbnail AS t "
            "JOIN galcat.embedding AS e USING (object_id) JOIN galcat.source AS s USING (object_id) "
            "WHERE e.release_id = %s AND NOT s.is_retired",
            [release_id],
        )
        while rows := cursor.fetchmany(chunk):
            yield {int(row[0]): bytes(row[1]) for row in rows}
