"""What became of one tile."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["done", "unchanged", "failed"]


@dataclass(frozen=True)
class TileOutcome:
    """What became of one tile; `error` says why it failed, in one line."""

    name: str
    state: State
    n_galaxies: int = 0
    n_skipped: int = 0
    n_failed: int = 0
    changed: int = 0
    retired: int = 0
    error: str | None = None


Report = Callable[[TileOutcome], None]
