"""What became of tiles: of one, and of those of a sky cell."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from catalog.checks.integrity import CheckResult
from catalog.counts import count_of
from encoder.cutouts.framing_flags import FlagCounts

State = Literal["done", "unchanged", "failed"]


@dataclass(frozen=True)
class TileOutcome:
    """What became of one tile.

    Attributes:
        name: Name of the tile.
        state: Whether it is in the catalogue now, was there already, or has failed.
        n_galaxies: Galaxies that have vectors.
        n_skipped: Sources that got no picture, for a reason in `galcat.skipped_row`.
        n_failed: Sources whose picture cannot be read.
        changed: Rows of the catalogue that are new or different.
        retired: Galaxies that the tile lists no longer.
        flags: Galaxies whose frame is doubtful, by why it is.
        error: Why it failed, in one line.
        n_far: Galaxies further from the release's real training galaxies than 99 % of these; None where that
            is not known.
        notes: What was left out, one line each: pictures that cannot be read, images that nobody asked for.
    """

    name: str
    state: State
    n_galaxies: int = 0
    n_skipped: int = 0
    n_failed: int = 0
    changed: int = 0
    retired: int = 0
    flags: FlagCounts = field(default_factory=dict)
    error: str | None = None
    n_far: int | None = None
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """What became of it, in one line."""
        if self.error is not None:
            return f"failed: {self.error}"
        if self.state == "unchanged":
            return f"tile {self.name}: unchanged"
        left_out = "".join(
            f", {what}"
            for number, what in (
                (self.n_skipped, f"{self.n_skipped:,} skipped"),
                (self.n_failed, count_of(self.n_failed, "unreadable image")),
                (self.retired, f"{self.retired:,} retired"),
            )
            if number
        )
        return f"tile {self.name}: {count_of(self.n_galaxies, 'galaxy')}{left_out}"


Report = Callable[[TileOutcome], None]
"""Told of each tile as soon as it is in the catalogue, or has failed."""


@dataclass(frozen=True)
class CellOutcome:
    """What became of the tiles of one sky cell.

    Attributes:
        cell: Name of the sky cell.
        tiles: Every tile that was tried, in the order of the work.
        checks: What the catalogue's checks found in these tiles.
        survey: Name of the survey whose tiles they are.
        release: Name of the release that they were written to.
        weights_sha256: Digest of that release's weights.
        n_galaxies: Number of galaxies of the survey that the catalogue has in the cell after this.
    """

    cell: str
    tiles: list[TileOutcome]
    checks: list[CheckResult]
    survey: str
    release: str
    weights_sha256: str
    n_galaxies: int

    @property
    def failed(self) -> list[TileOutcome]:
        """The tiles that failed."""
        return [tile for tile in self.tiles if tile.state == "failed"]

    @property
    def good(self) -> list[TileOutcome]:
        """The tiles that are in the catalogue."""
        return [tile for tile in self.tiles if tile.state != "failed"]

    @property
    def violated(self) -> list[CheckResult]:
        """The checks that the tiles break."""
        return [check for check in self.checks if not check.passed]

    def counts(self) -> dict[str, int]:
        """What was done, in numbers."""
        return {
            "tiles": len(self.tiles),
            "failed": len(self.failed),
            "galaxies": sum(tile.n_galaxies for tile in self.tiles),
            "skipped": sum(tile.n_skipped for tile in self.tiles),
            "unreadable_images": sum(tile.n_failed for tile in self.tiles),
            "rows_changed": sum(tile.changed for tile in self.tiles),
            "retired": sum(tile.retired for tile in self.tiles),
        }
