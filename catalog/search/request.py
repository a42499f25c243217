"""What a search by likeness is asked for, and what it gives."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from catalog.columns import USUAL_COLUMNS
from catalog.database.read_only import Parameters
from catalog.result import Result


class Cone(NamedTuple):
    """Positions within a radius, ICRS degrees."""

    ra_deg: float
    dec_deg: float
    radius_deg: float


@dataclass(frozen=True)
class SqlCondition:
    """A condition made elsewhere, with its parameters.

    Attributes:
        text: An expression of SQL with named placeholders.
        parameters: Values of the placeholders, by name.
        alias: What `text` calls galcat.galaxy.
    """

    text: sql.Composable
    parameters: Parameters
    alias: str


@dataclass(frozen=True)
class Search:
    """What is looked for.

    Attributes:
        like: object_ids; of several, what they have in common. Or a (40,) vector of the current release.
        unlike: object_ids to keep away from; only with object_ids to be like.
        n: How many galaxies, without those of `like` and `unlike`.
        cone: Only galaxies within this cone; None for the whole sky.
        where: A condition in SQL on columns of galcat.galaxy, such as `mag_r < 17`, or one made elsewhere.
        columns: Columns of galcat.galaxy to be shown after object_id and distance.
        exact: Sort all that fulfil the conditions, however many they are.
        distinct: Whether of several records of one galaxy (within 3 arcsec, of different tiles or surveys)
            show only the nearest, and none of the galaxies in `like`.
    """

    like: tuple[int, ...] | NDArray[np.float32]
    unlike: tuple[int, ...] = ()
    n: int = 10
    cone: Cone | None = None
    where: str | SqlCondition = ""
    columns: tuple[str, ...] = USUAL_COLUMNS
    exact: bool = False
    distinct: bool = False

    @property
    def known(self) -> tuple[int, ...]:
        """The object_ids that are asked by."""
        return () if isinstance(self.like, np.ndarray) else (*self.like, *self.unlike)


@dataclass(frozen=True, repr=False)
class SearchResult(Result):
    """An answer: object_id, distance and the columns asked for; the nearest first.

    Attributes:
        is_exact: True where it is certainly what brute force gives; the index may miss one in a hundred.
    """

    is_exact: bool = False
