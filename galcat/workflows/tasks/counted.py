"""Chunks of scores as they come by, counted, and told to whoever shows progress."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from catalog.tasks.model_versions import Scores


@dataclass
class Counted:
    """A counter to put chunks of scores through.

    Attributes:
        progress: Told how many more galaxies came by.
        galaxies: How many did.
    """

    progress: Callable[[int], None] | None = None
    galaxies: int = 0

    def passing(self, chunks: Iterable[Scores]) -> Iterator[Scores]:
        """The same chunks, counted when they are taken."""
        for chunk in chunks:
            self.galaxies += len(chunk[0])
            if self.progress is not None:
                self.progress(len(chunk[0]))
            yield chunk
