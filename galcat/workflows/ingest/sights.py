"""What looks into the drop folder remember: which tiles were seen, and which were asked for."""

import json
from dataclasses import dataclass
from typing import NamedTuple

from encoder.tiles.tile_files import TileFiles


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
