"""Whoever wants to follow a run as it goes: a progress bar, a Dagster instance."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line shows its help without SQLAlchemy
    from catalog.checks.recall import Recall
    from galcat.workflows.ingest.outcome import CellOutcome, TileOutcome


class Listener:
    """Told what a run does; each listener overrides what it cares for.

    What a listener raises ends the run, so one that may fail catches its own errors.
    """

    def on_plan(self, n_tiles: int) -> None:
        """The number of tiles that the run will try is known."""

    def on_tile(self, outcome: "TileOutcome") -> None:
        """A tile is in the catalogue, or has failed."""

    def on_cell(self, outcome: "CellOutcome") -> None:
        """All tiles of a sky cell are done and checked."""

    def on_cell_left(self, why: str) -> None:
        """A sky cell is left as it is, since somebody holds it; the others go on."""

    def on_remark(self, text: str) -> None:
        """Something that a user should know does not end the run, such as a worker that was lost."""

    def on_index_set_aside(self) -> None:
        """The load is large: it goes without the vector index, which is built at its end."""

    def on_index(self, *, built_now: bool) -> None:
        """The vector index is there; `built_now` is False where it had been built before."""

    def on_statistics(self) -> None:
        """The planner's statistics are those of the tables as they are now."""

    def on_recall(self, recall: "Recall") -> None:
        """What the vector index finds of the nearest galaxies has been measured."""


class ListenerGroup(Listener):
    """Several listeners that are told the same, one after the other."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = listeners

    def on_plan(self, n_tiles: int) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.on_plan(n_tiles)

    def on_tile(self, outcome: "TileOutcome") -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.on_tile(outcome)

    def on_cell(self, outcome: "CellOutcome") -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.on_cell(outcome)

    def on_cell_left(self, why: str) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.on_cell_left(why)

    def on_remark(self, text: str) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.on_remark(text)

    def on_index_set_aside(self) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.on_index_set_aside()

    def on_index(self, *, built_now: bool) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.on_index(built_now=built_now)

    def on_statistics(self) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.on_statistics()

    def on_recall(self, recall: "Recall") -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener.on_recall(recall)
