"""Which tiles there are to ingest: the new, the changed and the failed, listed by sky cell."""

from collections import defaultdict
from collections.abc import Mapping
from hashlib import blake2b

from catalog.ingestion.tile_status import KnownTile
from encoder.tiles.tile_files import TileFiles
from galcat.workflows.ingest.sky_cells import cell_of


def pending_by_cell(found: list[TileFiles], known: Mapping[str, KnownTile]) -> dict[str, list[TileFiles]]:
    """Group the tiles that are not settled by the cell they lie in; cells and tiles in order of name."""
    return by_cell([tile for tile in found if not is_settled(tile, known)])


def by_cell(tiles: list[TileFiles]) -> dict[str, list[TileFiles]]:
    """Group tiles by the cell they lie in, cells in order of name; a header of each tile is read."""
    cells: defaultdict[str, list[TileFiles]] = defaultdict(list)
    for tile in tiles:
        cells[cell_of(tile)].append(tile)
    return {cell: cells[cell] for cell in sorted(cells)}


def is_settled(tile: TileFiles, known: Mapping[str, KnownTile]) -> bool:
    """Tell whether the catalogue has this tile, as its files are now, without a failure in it."""
    before = known.get(tile.name)
    return before is not None and before.is_settled(tile.fingerprint)


def run_key(survey: str, cell: str, tiles: list[TileFiles]) -> str:
    """Name a run by what it would ingest: the same pending tiles never start a second run."""
    pending = "\x1f".join(sorted(f"{tile.name}={tile.fingerprint}" for tile in tiles))
    return f"{survey}/{cell}/{blake2b(pending.encode(), digest_size=8).hexdigest()}"
