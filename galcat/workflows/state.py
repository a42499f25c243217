"""How the catalogue stands, with what lies on this machine: weights, drop folder, files of tiles, disk."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg

from catalog.database.connection import connect
from catalog.database.migrate import plan_migration
from catalog.releases.releases import current_release
from catalog.releases.state import SHOWN, Finding, describe_state
from catalog.settings import Settings
from galcat.errors import reason

_MIN_FREE_BYTES = 5_000_000_000
_MIN_FREE_SHARE = 0.05
_FILES = """
    SELECT t.name, t.folder, t.files FROM galcat.tile AS t JOIN galcat.ingestion AS i USING (tile_id)
    WHERE i.release_id = galcat.current_release() AND i.state = 'done' AND t.folder IS NOT NULL
    ORDER BY t.name
"""


def describe_catalogue(url: str, settings: Settings) -> Iterator[Finding]:
    """Describe the state of a catalogue for who runs it, a line at a time.

    Args:
        url: URL of the catalogue's database; it is only read from, and not brought up to date.
        settings: Where this machine keeps what belongs to the catalogue.

    Raises:
        CatalogError: The database cannot be reached, or is newer than this program.
    """
    steps = plan_migration(url)
    if steps:
        yield Finding("schema", f"{len(steps)} steps behind this galcat", "galcat migrate")
        return
    yield Finding("schema", "up to date")
    with connect(url, autocommit=True) as connection:
        yield from describe_state(connection)
        yield from _weights(connection)
        yield from _tile_files(connection)
    yield from _drop_folder(url, settings.drop_folder)
    yield _disk(settings.home)


def _weights(connection: psycopg.Connection) -> Iterator[Finding]:
    from galcat.workflows.weights_store import find_weights  # noqa: PLC0415 - imports torch

    current = current_release(connection)
    if current is None:
        return
    with find_weights(current.weights_sha256) as path:
        if path is None:
            yield Finding(
                "weights",
                f"those of release {current.name} ({current.weights_sha256[:12]}...) are not on this machine",
                "galcat release keep FILE",
            )
        else:
            yield Finding("weights", f"those of release {current.name} are {path.name}")


def _tile_files(connection: psycopg.Connection) -> Iterator[Finding]:
    """Tiles whose files are gone; a folder that is not on this machine at all says nothing of its tiles."""
    gone, folders = [], {}
    for name, folder, files in connection.execute(_FILES.encode()):
        if folder not in folders:
            folders[folder] = Path(folder).is_dir()
        if folders[folder] and not all((Path(folder) / file).exists() for file in files):
            gone.append(name)
    for folder, is_there in folders.items():
        if not is_there:
            yield Finding("files", f"{folder} is not on this machine: its tiles are not looked at")
    if gone:
        named = ", ".join(gone[:SHOWN]) + (", ..." if len(gone) > SHOWN else "")
        yield Finding(
            "files",
            f"{len(gone)} tiles lost files: {named}",
            "bring them back, or another release cannot be filled: galcat tile retract NAME takes a tile out",
        )
    elif folders:
        yield Finding("files", "every tile has its files")


def _drop_folder(url: str, drop: Path) -> Iterator[Finding]:
    from galcat.workflows.ingest.drop_scan import plan_everything_pending  # noqa: PLC0415 - imports torch

    if not drop.is_dir():
        yield Finding("waiting", f"no drop folder {drop}")
        return
    runs, remarks = plan_everything_pending(drop, url)
    tiles = [tile for run in runs for tile in run.tiles]
    named = f": {', '.join(tiles[:SHOWN])}{', ...' if len(tiles) > SHOWN else ''}" if tiles else ""
    yield Finding("waiting", f"{len(tiles)} tiles in {drop}{named}")
    for remark in remarks:
        yield Finding("waiting", remark, "mend or remove it")


def _disk(home: Path) -> Finding:
    try:
        usage = shutil.disk_usage(home if home.exists() else home.absolute().parent)
    except OSError as error:
        return Finding("disk", reason(error), "see that the home is there")
    full = usage.free < min(_MIN_FREE_BYTES, int(_MIN_FREE_SHARE * usage.total))
    return Finding(
        "disk", f"{usage.free / 1e9:.0f} GB free of {usage.total / 1e9:.0f}", "make room" if full else ""
    )
