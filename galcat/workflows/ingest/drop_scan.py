"""The drop folder: which tiles in it are new or changed, and have stopped changing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from catalog.database.migrate import migrate
from encoder.errors import SurveyError
from encoder.surveys.description import Survey
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tile_files import TileFiles
from galcat.errors import reason
from galcat.workflows.ingest.pending import find_unsettled, group_by_cell, run_key


class SeenTile(NamedTuple):
    """A pending tile as a scan saw it, and whether a run was asked for it as it is."""

    fingerprint: str
    is_asked: bool


ScanState = dict[
    str, dict[str, SeenTile]
]  # by folder and tile; its JSON is the cursor of a sensor: old cursors must stay readable


@dataclass(frozen=True)
class Comparison:
    """The pending tiles of a folder, compared with the last scan.

    Attributes:
        seen: Every tile, for the next scan to compare with.
        ready: Tiles to ask for now: unchanged since the last scan, and not asked for before.
        moving: Names of tiles that are new or changed.
    """

    seen: dict[str, SeenTile]
    ready: list[TileFiles]
    moving: list[str]


def compare(tiles: list[TileFiles], before: dict[str, SeenTile], room: int) -> Comparison:
    """Tell which tiles are ready, `room` of them at most; the others' turn comes at a later scan."""
    now = Comparison({}, [], [])
    for tile in tiles:
        was = before.get(tile.name)
        if was is None or was.fingerprint != tile.fingerprint:
            now.moving.append(tile.name)
            now.seen[tile.name] = SeenTile(tile.fingerprint, is_asked=False)
        elif was.is_asked or len(now.ready) == room:
            now.seen[tile.name] = was
        else:
            now.ready.append(tile)
            now.seen[tile.name] = SeenTile(tile.fingerprint, is_asked=True)
    return now


def state_to_json(state: ScanState) -> str:
    """Write a state as text, for a cursor."""
    return json.dumps(state, separators=(",", ":"))


def state_from_json(text: str | None) -> ScanState:
    """Read what `state_to_json` wrote; no text means that nothing was seen yet."""
    folders = json.loads(text) if text else {}
    return {
        folder: {tile: SeenTile(*seen) for tile, seen in tiles.items()} for folder, tiles in folders.items()
    }


MAX_TILES = 1000  # tiles asked for by a scan: a header of each is read to place it, and a tick has a minute


@dataclass(frozen=True)
class CellRun:
    """A run to ask for: pending tiles of one cell of one survey.

    Attributes:
        survey: Name of the survey.
        definition: What `load_survey` takes: that name, or the folder's own TOML file.
        folder: Folder in the drop folder that holds the survey's tiles.
        cell: Name of the sky cell.
        tiles: Names of the tiles.
        key: The same for the same tiles with the same files.
    """

    survey: str
    definition: str
    folder: Path
    cell: str
    tiles: list[str]
    key: str


@dataclass(frozen=True)
class ScanResult:
    """What one scan of the drop folder found.

    Attributes:
        runs: What is ready to be ingested.
        state: What the next scan compares with.
        moving: Tiles, as `folder/tile`, that are new or changed since the last scan: left for the next.
        remarks: One line for each entry of the drop folder that gives no tiles, and why.
    """

    runs: list[CellRun]
    state: ScanState
    moving: list[str]
    remarks: list[str]


@dataclass(frozen=True)
class _SurveyFolder:
    path: Path
    definition: str
    survey: Survey
    unsettled: list[TileFiles]


def scan(drop: Path, url: str, before: ScanState) -> ScanResult:
    """Look for tiles that are new or changed, and ready: two scans saw the same files.

    A tile is asked for once; when its run fails, again only after its files change. A folder that cannot be
    used is remarked on, keeps its state, and does not hold up the others.

    Args:
        drop: The drop folder: one sub-folder a survey, named as the survey or with a `survey.toml` in it.
        url: URL of the catalogue's database; its schema is brought up to date first.
        before: State of the last scan.

    Raises:
        CatalogError: The catalogue cannot be used.
    """
    migrate(url)
    state = {name: tiles for name, tiles in before.items() if (drop / name).is_dir()}
    result = ScanResult([], state, [], [])
    room = MAX_TILES
    for folder in _survey_folders(drop, url, result.remarks):
        name = folder.path.name
        found = compare(folder.unsettled, before.get(name, {}), room)
        room -= len(found.ready)
        result.state[name] = found.seen
        result.moving.extend(f"{name}/{tile}" for tile in found.moving)
        result.runs.extend(_runs(folder, found.ready))
    return result


def plan_everything_pending(drop: Path, url: str) -> tuple[list[CellRun], list[str]]:
    """Plan runs over every tile that the catalogue does not have as it is, the failed ones among them.

    Returns:
        The runs, and the remarks as in `scan`.

    Raises:
        CatalogError: The catalogue cannot be used.
    """
    migrate(url)
    remarks: list[str] = []
    folders = _survey_folders(drop, url, remarks)
    return [run for folder in folders for run in _runs(folder, folder.unsettled)], remarks


def _survey_folders(drop: Path, url: str, remarks: list[str]) -> Iterator[_SurveyFolder]:
    """Give each survey's folder with its pending tiles; adds a remark for each other entry."""
    if not drop.is_dir():
        remarks.append(f"{drop}: no such folder")
        return
    folder_of: dict[str, str] = {}
    for path in sorted(drop.iterdir()):
        if path.name.startswith("."):
            continue
        try:
            folder = _survey_folder(path, url)
            other = folder_of.setdefault(folder.survey.name, path.name)
            if other != path.name:
                raise SurveyError(f"survey {folder.survey.name} has the folder {other} already")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - one folder does not hold up the others
            remarks.append(f"{path.name}: {reason(error)}")
        else:
            yield folder


def _survey_folder(path: Path, url: str) -> _SurveyFolder:
    if not path.is_dir():
        raise SurveyError("not a folder: tiles belong in a sub-folder named as their survey")
    own = path / "survey.toml"
    definition = str(own) if own.exists() else path.name
    survey = load_survey(definition)
    _, unsettled = find_unsettled(url, survey, path)
    return _SurveyFolder(path, definition, survey, unsettled)


def _runs(folder: _SurveyFolder, tiles: list[TileFiles]) -> list[CellRun]:
    name = folder.survey.name
    return [
        CellRun(
            survey=name,
            definition=folder.definition,
            folder=folder.path,
            cell=cell,
            tiles=[tile.name for tile in in_cell],
            key=run_key(name, cell, in_cell),
        )
        for cell, in_cell in group_by_cell(tiles).items()
    ]
