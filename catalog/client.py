"""The catalogue in a notebook.

from galcat import Catalogue
catalogue = Catalogue()
catalogue.search(like=1187327949861998747, n=20, where="mag_r > 17").to_pandas()
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import pandas as pd
from astropy.table import Table

from catalog.arguments import read_cone, read_ids, read_names, read_number, read_text, read_whole_number
from catalog.columns import USUAL_COLUMNS
from catalog.constants import NEAR_ARCSEC
from catalog.database.connection import connect, existing_database_url
from catalog.database.read_only import run_query
from catalog.errors import PositionsError
from catalog.neighbours.many import Neighbours, find_neighbours
from catalog.result import Result
from catalog.search.crossmatch import MatchResult
from catalog.search.crossmatch import match as match_positions
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.search.positions import extract_positions, read_positions
from catalog.search.request import Search, SearchResult
from catalog.search.search import search as run_search
from catalog.search.target import Meant, understand
from catalog.search.thumbnails import find_thumbnails, read_thumbnails
from catalog.settings import load_settings

AnyResult = TypeVar("AnyResult", bound=Result)


class Catalogue:
    """An open catalogue; only read from. Use one for each thread.

    Args:
        url: URL of its database. None for the one that the environment names (GALCAT_DATABASE_URL), or else
            for the embedded server, which is started, in GALCAT_HOME or the home of the user's settings.
        in_memory: Whether to hold the galaxies in memory, some 400 bytes each (GALCAT_SEARCH_MEMORY_GB bounds
            it): for a session of many searches, which are then exact and fast under any condition. They are
            read in the background, 10 to 20 seconds for a million; searches go on meanwhile.

    Raises:
        ServerError: It cannot be reached, or there is no catalogue in that home.
    """

    def __init__(self, url: str | None = None, *, in_memory: bool = False) -> None:
        settings = load_settings()
        url = url or existing_database_url(settings)
        self._connection = connect(url, autocommit=True)
        self._memory = GalaxyMemory(url, settings.search_memory_bytes) if in_memory else None
        if self._memory is not None:
            self._memory.start()

    def sql(self, query: str) -> Result:
        """Run one SQL statement.

        Raises:
            QueryError: Postgres refused the query.
        """
        return self._with_pictures(run_query(self._connection, read_text("query", query)))

    def search(
        self,
        like: Meant,
        *,
        n: int = 10,
        unlike: Iterable[int] = (),
        near: Sequence[object] | None = None,
        where: str = "",
        columns: Sequence[str] = USUAL_COLUMNS,
        exact: bool = False,
        distinct: bool = False,
    ) -> SearchResult:
        """Find the n galaxies most like some, among all that fulfil the conditions, the nearest first.

        Args:
            like: An object_id; a name, or a position as text; a position (ra, dec), ICRS degrees, or SkyCoord
                of any frame, with a galaxy within 3 arcsec; a list of object_ids; or a (40,) search vector.
            n: How many galaxies to give.
            unlike: object_ids to keep away from.
            near: A cone: ra, dec, radius, all in degrees; or a SkyCoord of any frame, and the radius.
            where: A condition in SQL on any columns of galcat.galaxy.
            columns: Columns of galcat.galaxy, shown after object_id and distance.
            exact: Never use the vector index.
            distinct: Show one record of each galaxy.

        Raises:
            UnknownObjectError: Nothing has that name or position.
            QueryError: An object_id is unknown, or a condition or column is wrong.
        """
        wanted = Search(
            like=understand(self._connection, like, NEAR_ARCSEC),
            unlike=read_ids("unlike", unlike),
            n=read_whole_number("n", n),
            cone=read_cone(near),
            where=read_text("where", where),
            columns=read_names("columns", columns),
            exact=exact,
            distinct=distinct,
        )
        return self.run(wanted)

    def run(self, search: Search) -> SearchResult:
        """Run a search that was put together before: to be kept, varied by `dataclasses.replace`, run again.

        Raises:
            QueryError: An object_id is unknown, or a condition or column is wrong.
        """
        return self._with_pictures(run_search(self._connection, search, self._memory))

    def match(
        self,
        positions: Table | pd.DataFrame | Path | str,
        *,
        radius_arcsec: float = NEAR_ARCSEC,
        columns: Sequence[str] = USUAL_COLUMNS,
        ra: str | None = None,
        dec: str | None = None,
    ) -> MatchResult:
        """Find the galaxy at each position of a table, or of a file of any format that astropy reads.

        Raises:
            PositionsError: It has no positions.
            QueryError: galcat.galaxy has no such column.
        """
        if isinstance(positions, pd.DataFrame):
            positions = Table.from_pandas(positions)
        if not isinstance(positions, Table | Path | str):
            kind = type(positions).__name__
            raise PositionsError(f"positions are a table of astropy or pandas or a file's path, not a {kind}")
        found = (
            extract_positions(positions, "the table", ra, dec)
            if isinstance(positions, Table)
            else read_positions(Path(positions), ra, dec)
        )
        radius = read_number("radius_arcsec", radius_arcsec)
        names = read_names("columns", columns)
        return self._with_pictures(match_positions(self._connection, found, radius, names))

    def neighbours(self, object_ids: Iterable[int], *, n: int = 20) -> Neighbours:
        """Find the n galaxies most like each of many, in one call: far faster than a search for each.

        Args:
            object_ids: object_ids of galaxies; one that is named twice is answered once.
            n: How many of each, 1 to 500.

        Raises:
            UnknownObjectError: One of them is no galaxy of the catalogue.
            QueryError: n is out of bounds.
        """
        return find_neighbours(
            self._connection, read_ids("object_ids", object_ids), read_whole_number("n", n)
        )

    def pictures(self, object_ids: Iterable[int]) -> dict[int, bytes]:
        """JPEG of each galaxy.

        Raises:
            UnknownObjectError: One of them has no picture.
        """
        return read_thumbnails(self._connection, list(read_ids("object_ids", object_ids)))

    def _with_pictures(self, result: AnyResult) -> AnyResult:
        """The answer, for whose galaxies a notebook finds pictures as long as the catalogue is open."""

        def read(object_ids: list[int]) -> dict[int, bytes]:
            return {} if self._connection.closed else find_thumbnails(self._connection, object_ids)

        return replace(result, read_pictures=read)

    def close(self) -> None:
        """Close the connection, and let go of galaxies in memory."""
        if self._memory is not None:
            self._memory.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
