"""What the page is handed from outside: it knows neither the encoder nor the models of tasks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.web.drawing import CutoutDrawer


@dataclass(frozen=True)
class NextGalaxy:
    """A galaxy that somebody is asked about next.

    Attributes:
        object_id: object_id of the galaxy.
        belief: What the model expects, in words such as `yes 0.83`; empty where there is no model yet.
    """

    object_id: int
    belief: str = ""


@dataclass(frozen=True)
class NextBatch:
    """The galaxies that somebody is asked about next.

    Attributes:
        galaxies: The galaxies, the first to be asked about first.
        reason: Why these come next, in a sentence.
    """

    galaxies: Sequence[NextGalaxy]
    reason: str


@dataclass(frozen=True)
class PageServices:
    """Callables that `galcat serve` hands to the page; each may take seconds and is called in a thread.

    Attributes:
        encode_picture: Turns a picture file, JPEG or PNG, into the (40,) search vector of the current
            release; None where pictures cannot be encoded.
        choose_next: Chooses the next galaxies of a task, by the task's name and how many are wanted; None
            where nothing is learnt from labels, and random galaxies come.
        drawer: Draws galaxies from the files of their tiles; None where nothing can be drawn.
        home: Folder that may hold a HiPS and a viewer of it; None where there is none.
        dagster_url: Address of Dagster's own pages; empty where none is known.
        secret_file: The file that holds the key of signed cookies; it is made where it is missing.
    """

    secret_file: Path
    encode_picture: Callable[[Path], NDArray[np.float32]] | None = None
    choose_next: Callable[[str, int], NextBatch] | None = None
    drawer: CutoutDrawer | None = None
    dagster_url: str = ""
    home: Path | None = None
