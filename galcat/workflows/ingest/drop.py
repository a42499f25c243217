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
from galcat.errors import EXPECTED, reason
from galcat.workflows.ingest.pending import by_cell, find_unsettled, run_key


class Sight(NamedTuple):
    """A pending tile as a look saw it, and whether a run was asked for it as it is."""

    fingerprint: str
    is_asked: bool


Memory = dict[str, dict[str, Sight]]  # by folder and tile


@dataclass(frozen=True)
class Comparison:
    """The pending tiles of a folder, compared with the last look.

    Attributes:
        sights: Every tile, for the next look.
        ready: Tiles to ask for now: unchanged since the last look, and not asked for before.
        moving: Names of tiles that are new or changed.
    """

    sights: dict[str, Sight]
    ready: list[TileFiles]
    moving: list[str]


def compare(tiles: list[TileFiles], before: dict[str, Sight], room: int) -> Comparison:
    """Tell which tiles are ready, `room` of them at most; the others' turn comes at a later look."""
    now = Comparison({}, [], [])
    for tile in tiles:
        was = before.get(tile.name)
        if was is None or was.fingerprint != tile.fingerprint:
            now.moving.append(tile.name)
            now.sights[tile.name] = Sight(tile.fingerprint, is_asked=False)
        elif was.is_asked or len(now.ready) == room:
            now.sights[tile.name] = was
        else:
            now.ready.append(tile)
            now.sights[tile.name] = Sight(tile.fingerprint, is_asked=True)
    return now


def memory_to_json(memory: Memory) -> str:
    """As text, for a cursor."""
    return json.dumps(memory, separators=(",", ":"))


def memory_from_json(text: str | None) -> Memory:
    """Read what `memory_to_json` wrote; no text means that nothing was seen yet."""
    folders = json.loads(text) if text else {}
    return {
        folder: {tile: Sight(*sight) for tile, sight in tiles.items()} for folder, tiles in folders.items()
    }


AT_MOST = 1000  # tiles asked for by a look: a header of each is read to place it, and a tick has a minute


@dataclass(frozen=True)
class CellRun:
    """A run to ask for: pending tiles of one cell of one survey.

    Attributes:
        survey: The survey's name.
        definition: What `load_survey` takes: that name, or the folder's own TOML file.
        folder: The survey's folder.
        cell: The sky cell.
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
class Look:
    """What one look into the drop folder saw.

    Attributes:
        runs: What is ready to be ingested.
        memory: What the next look compares with.
        moving: Tiles, as `folder/tile`, that are new or changed since the last look: left for the next.
        remarks: One line for each entry of the drop folder that gives no tiles, and why.
    """

    runs: list[CellRun]
    memory: Memory
    moving: list[str]
    remarks: list[str]


@dataclass(frozen=True)
class _SurveyFolder:
    path: Path
    definition: str
    survey: Survey
    unsettled: list[TileFiles]


def look(drop: Path, url: str, before: Memory) -> Look:
    """Look for tiles that are new or changed, and ready: two looks saw the same files.

    A tile is asked for once; when its run fails, again only after its files change. A folder that cannot be
    used is remarked on, keeps its memory, and does not hold up the others.

    Args:
        drop: The drop folder: one sub-folder a survey, named as the survey or with a `survey.toml` in it.
        url: The catalogue; its schema is brought up to date first.
        before: Memory of the last look.

    Raises:
        CatalogError: The catalogue cannot be used.
    """
    migrate(url)
    memory = {name: sights for name, sights in before.items() if (drop / name).is_dir()}
    seen = Look([], memory, [], [])
    room = AT_MOST
    for folder in _survey_folders(drop, url, seen.remarks):
        name = folder.path.name
        found = compare(folder.unsettled, before.get(name, {}), room)
        room -= len(found.ready)
        seen.memory[name] = found.sights
        seen.moving.extend(f"{name}/{tile}" for tile in found.moving)
        seen.runs.extend(_runs(folder, found.ready))
    return seen


def everything_pending(drop: Path, url: str) -> tuple[list[CellRun], list[str]]:
    """Every tile that the catalogue does not have as it is, the failed ones among them.

    Returns:
        The runs, and the remarks as in `look`.

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
                raise SurveyError(f"survey {folder.survey.name} has the folder {other} already")
        except EXPECTED as error:
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
        for cell, in_cell in by_cell(tiles).items()
    ]
