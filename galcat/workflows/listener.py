"""Whoever wants to follow a run as it goes: a progress bar, a Dagster instance."""

from collections.abc import Sequence

from galcat.workflows.ingest.outcome import CellOutcome, TileOutcome


class Listener:
    """Told what a run does; each listener overrides what it cares for.

    What a listener raises ends the run, so one that may fail catches its own errors.
    """

    def run_planned(self, n_tiles: int) -> None:
        """The number of tiles that the run will try is known."""

    def tile_ended(self, outcome: TileOutcome) -> None:
        """A tile is in the catalogue, or has failed."""

    def cell_ended(self, outcome: CellOutcome) -> None:
        """All tiles of a sky cell are done and checked."""

    def index_ready(self, *, built_now: bool) -> None:
        """The vector index is there; `built_now` is False where it had been built before."""

    def statistics_refreshed(self) -> None:
        """The planner's statistics are those of the tables as they are now."""


class ListenerGroup(Listener):
    """Several listeners that are told the same, one after the other."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = listeners

    def run_planned(self, n_tiles: int) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.run_planned(n_tiles)

    def tile_ended(self, outcome: TileOutcome) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.tile_ended(outcome)

    def cell_ended(self, outcome: CellOutcome) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.cell_ended(outcome)

    def index_ready(self, *, built_now: bool) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.index_ready(built_now=built_now)

    def statistics_refreshed(self) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.statistics_refreshed()
