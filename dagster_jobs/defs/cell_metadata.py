"""What Dagster shows beside a cell's materialization: counts, pace, release, pictures."""

import time
from base64 import b64encode
from importlib.metadata import version

import dagster as dg

from galcat.workflows.ingest.outcome import CellOutcome, TileOutcome

Metadata = dict[str, dg.MetadataValue | int | float | str]


class Pace:
    """When each tile of a run was done, from the moment this was made."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self.times_s: list[float] = []
        self.galaxies: list[int] = []

    def note(self, outcome: TileOutcome) -> None:
        """A tile is done."""
        self.times_s.append(time.monotonic() - self._began_s)
        self.galaxies.append(outcome.n_galaxies)

    def metadata(self) -> Metadata:
        """Seconds, and galaxies a second, of all tiles so far."""
        seconds = time.monotonic() - self._began_s
        return {
            "seconds": round(seconds, 3),
            "galaxies_per_second": round(sum(self.galaxies) / max(seconds, 1e-3), 2),
        }


def cell_metadata(outcome: CellOutcome) -> Metadata:
    """Counts of a cell, and with what it was made."""
    return {
        **outcome.counts(),
        "dagster/row_count": outcome.n_galaxies,
        "survey": outcome.survey,
        "release": outcome.release,
        "weights_sha256": outcome.weights_sha256,
        "galcat": version("galcat"),
    }


def picture_metadata(url: str, outcome: CellOutcome, pace: Pace) -> Metadata:
    """Pictures of some galaxies of a cell, and of its pace; nothing where no tile brought any."""
    from galcat.workflows.ingest.cell_pictures import draw_galaxies, draw_pace  # noqa: PLC0415 - imports matplotlib

    done = [tile.name for tile in outcome.tiles if tile.state == "done"]
    shown = draw_galaxies(url, outcome.survey, done) if done else None
    if shown is None:
        return {}
    return {
        "thumbnails": _picture("some of the galaxies", "jpeg", shown),
        "pace": _picture("galaxies that are in by time", "png", draw_pace(pace.times_s, pace.galaxies)),
    }


def _picture(caption: str, kind: str, content: bytes) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"![{caption}](data:image/{kind};base64,{b64encode(content).decode()})")
