"""The drop folder: which tiles in it are new or changed, and have stopped changing."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from catalog.database.connection import connect
from catalog.database.migrate import require_current_schema
from encoder.tiles.tile_files import TileFiles
from galcat.workflows.ingest.pending import group_by_cell, run_key
from galcat.workflows.ingest.survey_folders import SurveyFolder, WaitingTile, newest_s, survey_folders


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


def compare(
    tiles: list[TileFiles],
    before: dict[str, SeenTile],
    room: int,
    has_settled: Callable[[TileFiles], bool] = lambda _tile: True,
) -> Comparison:
    """Tell which tiles are ready, `room` of them at most; the others' turn comes at a later scan.

    Args:
        tiles: The pending tiles of a folder.
        before: What the last scan saw.
        room: How many may be ready.
        has_settled: Whether a tile's files came long enough ago.
    """
    now = Comparison({}, [], [])
    for tile in tiles:
        was = before.get(tile.name)
        if was is None or was.fingerprint != tile.fingerprint:
            now.moving.append(tile.name)
            now.seen[tile.name] = SeenTile(tile.fingerprint, is_asked=False)
        elif was.is_asked or len(now.ready) == room:
            now.seen[tile.name] = was
        elif not has_settled(tile):
            now.moving.append(tile.name)
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


_NAMED = 3
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
        since_s: When the last file of each tile came, seconds since 1970, by its name.
    """

    survey: str
    definition: str
    folder: Path
    cell: str
    tiles: list[str]
    key: str
    since_s: dict[str, float]


@dataclass(frozen=True)
class PendingPlan:
    """Everything of a drop folder that the catalogue does not have.

    Attributes:
        runs: What can be ingested, the tiles that failed among it.
        waiting: Tiles some of whose files are still to come.
        remarks: One line for each entry of the drop folder that gives no tiles, and why.
    """

    runs: list[CellRun]
    waiting: list[WaitingTile]
    remarks: list[str]

    def describe(self) -> dict[str, object]:
        """How much there is, with some names, for `galcat status`."""
        return _describe([tile for run in self.runs for tile in run.tiles], self.waiting, self.remarks)


@dataclass(frozen=True)
class ScanResult:
    """What one scan of the drop folder found.

    Attributes:
        runs: What is ready to be ingested.
        state: What the next scan compares with.
        moving: Tiles, as `folder/tile`, that are new or changed since the last scan: left for the next.
        remarks: One line for each entry of the drop folder that gives no tiles, and why.
        waiting: Tiles some of whose files are still to come.
    """

    runs: list[CellRun]
    state: ScanState
    moving: list[str]
    remarks: list[str]
    waiting: list[WaitingTile]

    def describe(self) -> dict[str, object]:
        """How much there is, with some names, for `galcat status`."""
        return _describe(
            [tile for tiles in self.state.values() for tile in tiles], self.waiting, self.remarks
        )


def scan(
    drop: Path,
    url: str,
    before: ScanState,
    settle_seconds: float = 0.0,
    clock: Callable[[], float] = time.time,
) -> ScanResult:
    """Look for tiles that are new or changed, and ready: two scans saw the same files.

    A tile is asked for once; when its run fails, again only after its files change. A folder that cannot be
    used is remarked on, keeps its state, and does not hold up the others. A tile that lacks a file waits.

    Args:
        drop: The drop folder: one sub-folder a survey, named as the survey or with a `survey.toml` in it.
        url: URL of the catalogue's database; it is only read from, and never brought up to date.
        before: State of the last scan.
        settle_seconds: How long ago a tile's last file must have come or changed; 0 for any time.
        clock: Gives the time, seconds since 1970.

    Raises:
        CatalogError: The catalogue cannot be used.
    """
    _require_schema(url)
    state = {name: tiles for name, tiles in before.items() if (drop / name).is_dir()}
    result = ScanResult([], state, [], [], [])
    room, now_s = MAX_TILES, clock()
    for folder in survey_folders(drop, url, result.remarks):
        name = folder.path.name
        found = compare(
            folder.whole, before.get(name, {}), room, lambda tile: now_s - newest_s(tile) >= settle_seconds
        )
        room -= len(found.ready)
        result.state[name] = found.seen
        result.moving.extend(f"{name}/{tile}" for tile in found.moving)
        result.waiting.extend(folder.waiting)
        result.runs.extend(_runs(folder, found.ready))
    return result


def plan_everything_pending(drop: Path, url: str) -> PendingPlan:
    """Plan runs over every tile that the catalogue does not have as it is, the failed ones among them.

    Args:
        drop: Path of the drop folder, into which new tiles are put.
        url: URL of the catalogue's database; it is only read from, and never brought up to date.

    Raises:
        CatalogError: The catalogue cannot be used.
    """
    _require_schema(url)
    plan = PendingPlan([], [], [])
    for folder in survey_folders(drop, url, plan.remarks):
        plan.runs.extend(_runs(folder, folder.whole))
        plan.waiting.extend(folder.waiting)
    return plan


def _describe(pending: list[str], waiting: list[WaitingTile], remarks: list[str]) -> dict[str, object]:
    oldest = min(waiting, key=lambda tile: tile.since_s, default=None)
    return {
        "pending": len(pending),
        "names": pending[:_NAMED],
        "waiting": len(waiting),
        "oldest_waiting": str(oldest) if oldest else "",
        "waiting_since_s": oldest.since_s if oldest else 0.0,
        "remarks": remarks,
    }


def _require_schema(url: str) -> None:
    """Refuse a schema of another version; a new database has none yet, and the first run makes it."""
    with connect(url, autocommit=True) as connection:
        require_current_schema(connection)


def _runs(folder: SurveyFolder, tiles: list[TileFiles]) -> list[CellRun]:
    name = folder.survey.name
    return [
        CellRun(
            survey=name,
            definition=folder.definition,
            folder=folder.path,
            cell=cell,
            tiles=[tile.name for tile in in_cell],
            key=run_key(name, cell, in_cell),
            since_s={tile.name: newest_s(tile) for tile in in_cell},
        )
        for cell, in_cell in group_by_cell(tiles).items()
    ]
