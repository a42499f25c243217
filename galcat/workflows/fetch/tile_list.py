"""The tiles of a survey by their place on the sky, from the table that the survey publishes."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.surveys.description import SurveyServers
from galcat.errors import WorkflowError
from galcat.workflows.fetch.download import Server
from table_files.errors import TableError
from table_files.read import read_table

_TURN = 360.0


@dataclass(frozen=True)
class TileList:
    """Tiles that are published, n of them.

    Attributes:
        name: Names of the tiles, (n,).
        ra: Lowest and highest right ascension of what each tile owns, (n, 2) degrees; of a tile over RA 0
            the lowest is the larger number, or is negative.
        dec: Lowest and highest declination, (n, 2) degrees.
    """

    name: NDArray[np.str_]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]

    def holding(self, ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64]) -> NDArray[np.int64]:
        """The tile that owns each position, (m,) rows of the list; -1 where none does.

        Args:
            ra_deg: Right ascensions, (m,) degrees ICRS.
            dec_deg: Declinations, (m,) degrees ICRS.
        """
        found = np.full(len(ra_deg), -1, np.int64)
        order = np.argsort(self.dec[:, 0], kind="stable")
        tallest = float(np.max(self.dec[:, 1] - self.dec[:, 0], initial=0.0))
        lowest = self.dec[order, 0]
        for i, (ra, dec) in enumerate(zip(ra_deg.tolist(), dec_deg.tolist(), strict=True)):
            near = order[np.searchsorted(lowest, dec - tallest) : np.searchsorted(lowest, dec, side="right")]
            top = (dec < self.dec[near, 1]) | ((self.dec[near, 1] == 90) & (dec == 90))  # noqa: PLR2004 - a pole
            inside = top & ((ra - self.ra[near, 0]) % _TURN < self._width[near])
            rows = near[inside]
            if len(rows):
                found[i] = rows[0]
        return found

    def touching(self, ra_deg: float, dec_deg: float, radius_deg: float) -> NDArray[np.int64]:
        """Rows of the tiles that a cone meets, in the list's order.

        Args:
            ra_deg: Right ascension of the centre, degrees ICRS.
            dec_deg: Declination of the centre, degrees ICRS.
            radius_deg: Radius of the cone, degrees.
        """
        # Of each tile the nearest point: within its right ascensions straight up or down, else on a side.
        width = self._width
        offset = (ra_deg - self.ra[:, 0]) % _TURN
        beside = np.minimum(np.abs(offset - width), _TURN - offset)
        away_ra = np.where(offset <= width, 0.0, beside)
        # On a meridian so far aside the foot of the perpendicular has tan(dec) = tan(dec0) / cos(aside).
        aside, dec = np.radians(away_ra), np.radians(dec_deg)
        foot = np.degrees(np.arctan2(np.sin(dec), np.cos(dec) * np.cos(aside)))
        away = _distance(away_ra, dec_deg, np.clip(foot, self.dec[:, 0], self.dec[:, 1]))
        return np.flatnonzero(away <= radius_deg)

    @cached_property
    def _width(self) -> NDArray[np.float64]:
        """Width in right ascension, (n,) degrees: a tile at a pole may go once around."""
        apart = self.ra[:, 1] - self.ra[:, 0]
        width: NDArray[np.float64] = np.where(apart == _TURN, _TURN, apart % _TURN)
        return width


def is_file_name(name: str) -> bool:
    """Whether a name can be that of a file, and leads out of no folder."""
    return bool(name) and name.isprintable() and not name.startswith(".") and "/" not in name


def read_tile_list(
    servers: SurveyServers, server: Server, folder: Path, say: Callable[[str], object]
) -> TileList:
    """Read the tables of tiles, which are copied first where they are not there yet.

    Args:
        servers: Where the survey is published.
        server: How files are asked for.
        folder: Where the tables are kept.
        say: Called with one line where a table is copied.

    Raises:
        WorkflowError: A table cannot be had, lacks a column or a value, or names a tile as no file can be.
    """
    paths = []
    for pattern in filter(None, (servers.tiles, servers.available)):
        url = pattern.replace("{files}", servers.files)
        path = folder / f"{hashlib.sha256(url.encode()).hexdigest()[:8]}-{url.rpartition('/')[2]}"
        if not path.exists():
            say(f"copying the list of tiles {url}")
            server.download(url, path, None, lambda _: None)
        paths.append(path)
    try:
        table = read_table(paths[0], [servers.tile, *servers.bounds], texts=[servers.tile])
        published = read_table(paths[-1], [servers.tile], texts=[servers.tile])
    except TableError as error:
        raise WorkflowError(f"{error}; remove the file to have it copied again") from error
    name = _names(table[servers.tile].values)
    keep = np.isin(name, _names(published[servers.tile].values))
    for row in np.flatnonzero(keep).tolist():
        where = f"{paths[0]}, row {row + 1}: {servers.tile} = {str(name[row])!r}"
        if not is_file_name(str(name[row])):
            raise WorkflowError(f"{where} is no name of a file")
        if any(table[bound].missing[row] for bound in servers.bounds):
            raise WorkflowError(f"{where} lacks one of {', '.join(servers.bounds)}")
    limits = [np.asarray(table[bound].values, np.float64)[keep] for bound in servers.bounds]
    return TileList(name[keep], np.stack(limits[:2], axis=1), np.stack(limits[2:], axis=1))


def _names(values: object) -> NDArray[np.str_]:
    return np.char.strip(np.asarray(values, np.str_))


def _distance(
    away_ra: NDArray[np.float64], dec_deg: float, other_dec: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Angle between two positions so much apart in right ascension, degrees."""
    ra, one, two = np.radians(away_ra), np.radians(dec_deg), np.radians(other_dec)
    across = np.sin((two - one) / 2) ** 2 + np.cos(one) * np.cos(two) * np.sin(ra / 2) ** 2
    away: NDArray[np.float64] = np.degrees(2 * np.arcsin(np.sqrt(np.clip(across, 0, 1))))
    return away
