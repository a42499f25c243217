"""The map of a release: every galaxy by what it looks like, in two dimensions, as it is stored."""

import threading

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.tap.errors import NotFoundError
from catalog.tap.service import Service

NO_MAP = "this release has no map yet: galcat map makes it"


class GalaxyMap:
    """The places of all galaxies of the current release on its map, read when they are first wanted."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._stamp = ""
        self._ids: NDArray[np.int64] = np.empty(0, np.int64)
        self._places: NDArray[np.float32] = np.empty((0, 2), np.float32)

    def read(self) -> tuple[NDArray[np.int64], NDArray[np.float32], str]:
        """object_ids, (n,); places in -1 to 1, (n, 2); and a text that changes when they do.

        Raises:
            NotFoundError: The release has no map.
        """
        with self._lock:
            with self._service.connections.writer() as writer:
                stamp = _read_stamp(writer)
                if stamp is None:
                    raise NotFoundError(NO_MAP)
                if stamp != self._stamp:
                    self._ids, self._places = _read_places(writer)
                    self._stamp = stamp
            return self._ids, self._places, self._stamp

    def find_inside(self, corners: tuple[float, ...], max_n: int) -> list[int]:
        """The object_ids inside a polygon on the map; of more than `max_n`, an even sample.

        Args:
            corners: x and y in turn.
            max_n: How many are given at most.

        Raises:
            NotFoundError: The release has no map.
        """
        ids, places, _ = self.read()
        found = ids[_is_inside(places, np.array(corners, np.float64).reshape(-1, 2))]
        step = max(1, -(-len(found) // max_n))
        return [int(one) for one in found[::step]]


def _is_inside(points: NDArray[np.float32], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """By the even-odd rule: whether a ray to the right crosses an odd number of sides."""
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    inside = np.zeros(len(points), np.bool_)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def _read_stamp(connection: psycopg.Connection) -> str | None:
    row = connection.execute(
        "SELECT m.release_id || ' ' || m.made_at FROM galcat.release_map AS m "
        "WHERE m.release_id = (SELECT galcat.current_release())"
    ).fetchone()
    return None if row is None else str(row[0])


def _read_places(connection: psycopg.Connection) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    row = connection.execute(
        "SELECT m.object_ids, m.places FROM galcat.release_map AS m "
        "WHERE m.release_id = (SELECT galcat.current_release())"
    ).fetchone()
    assert row is not None  # noqa: S101 - its stamp was just read
    return np.frombuffer(row[0], "<i8"), np.frombuffer(row[1], "<f4").reshape(-1, 2)
