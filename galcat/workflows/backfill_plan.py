"""What a release still lacks, as runs over the folders that its tiles were ingested from."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from catalog.releases.releases import MissingTile, missing_tiles
from galcat.errors import JobError
from galcat.workflows.ingest.sky_cells import cell_at


@dataclass(frozen=True)
class BackfillRun:
    """Missing tiles of one cell of one survey, in one folder."""

    survey: str
    folder: str
    cell: str
    tiles: list[str]


def plan_backfill(
    connection: psycopg.Connection, release_id: int, folders: Mapping[str, Path]
) -> list[BackfillRun]:
    """Group what a release lacks by survey, folder and cell, in order of name.

    Args:
        connection: Open connection; only read from.
        release_id: The release.
        folders: By survey, where its tiles lie now; without it, where they were ingested from.

    Raises:
        JobError: A tile was ingested before its folder was kept, and none was given.
    """
    groups: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    homeless: list[MissingTile] = []
    for tile in missing_tiles(connection, release_id):
        folder = str(folders[tile.survey]) if tile.survey in folders else tile.folder
        if folder is None:
            homeless.append(tile)
        else:
            groups[tile.survey, folder, cell_at(tile.ra, tile.dec)].append(tile.name)
    if homeless:
        first = homeless[0]
        raise JobError(
            f"the catalogue did not keep the folder of {len(homeless)} tiles, the first is {first.name}: "
            f"give it by --folder {first.survey}=PATH"
        )
    return [BackfillRun(*group, groups[group]) for group in sorted(groups)]
