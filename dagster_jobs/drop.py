"""The drop folder: which tiles in it are new or changed, and have stopped changing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dagster_jobs.pending import pending_tiles
from dagster_jobs.plan import run_key
from encoder.survey import Survey, load_survey
from encoder.tile_files import TileFiles


@dataclass(frozen=True)
class CellRun:
    """A run to ask for: the pending tiles of one cell of one survey."""

    survey: str
    folder: Path
    cell: str
    tiles: list[str]
    key: str


@dataclass(frozen=True)
class Look:
    """What one look into the drop folder saw.

    Attributes:
        runs: What is ready to be ingested.
        seen: Fingerprint of every pending tile, by `survey/tile`: the next look compares.
        moving: Tiles that are new since the last look or still changing, left for the next.
    """

    runs: list[CellRun]
    seen: dict[str, str]
    moving: list[str]


def look(drop: Path, url: str, seen_before: dict[str, str] | None) -> Look:
    """Look for pending tiles in the sub-folders of the drop folder, each named as a survey.

    Args:
        drop: The drop folder.
        url: The catalogue.
        seen_before: `seen` of the last look: a tile is ready once two looks saw the same. None takes every
            pending tile as ready.

    Raises:
        SurveyError: A sub-folder is not named as a survey.
    """
    runs: list[CellRun] = []
    seen: dict[str, str] = {}
    moving: list[str] = []
    for folder, survey in _surveys(drop):
        for cell, tiles in pending_tiles(url, survey, folder).cells.items():
            ready = []
            for tile in tiles:
                name = f"{survey.name}/{tile.name}"
                seen[name] = tile.fingerprint
                is_ready = seen_before is None or seen_before.get(name) == tile.fingerprint
                ready.append(tile) if is_ready else moving.append(name)
            if ready:
                runs.append(_run(survey, folder, cell, ready))
    return Look(runs, seen, moving)


def _surveys(drop: Path) -> Iterator[tuple[Path, Survey]]:
    if not drop.is_dir():
        return
    for folder in sorted(drop.iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            own = folder / "survey.toml"
            survey = load_survey(own if own.exists() else folder.name)
            if any(folder.rglob("*")):
                yield folder, survey


def _run(survey: Survey, folder: Path, cell: str, tiles: list[TileFiles]) -> CellRun:
    return CellRun(
        survey.name, folder, cell, [tile.name for tile in tiles], run_key(survey.name, cell, tiles)
    )
