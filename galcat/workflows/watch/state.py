"""How the catalogue stands, with what lies on this machine: weights, drop folder, files of tiles, disk."""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

from catalog.counts import count_of
from catalog.database.connection import connect
from catalog.database.disk import find_data_folder, find_database_bytes
from catalog.database.migrate import plan_migration
from catalog.errors import SettingsError
from catalog.releases.releases import current_release
from catalog.releases.state import SHOWN, Finding, describe_state
from catalog.settings import Settings
from catalog.tap.limit_settings import read_limits
from catalog.tap.limits import NO_BOUND, ServiceLimits
from galcat.errors import reason
from galcat.workflows.local_files import are_files_here, is_folder_here
from galcat.workflows.watch.alarms import load_alarm_settings
from galcat.workflows.watch.looks import read_look

_MIN_FREE_BYTES = 5_000_000_000
_MIN_FREE_SHARE = 0.05
_FILES = """
    SELECT t.name, t.folder, t.files FROM galcat.tile AS t JOIN galcat.ingestion AS i USING (tile_id)
    WHERE i.release_id = galcat.current_release() AND i.state = 'done' AND t.folder IS NOT NULL
        AND t.tile_id %% %(parts)s = %(part)s
    ORDER BY t.name
"""
_TILES = "SELECT count(*) FROM galcat.tile"
MAX_LOOKED_AT = 2_000
"""Tiles whose files are looked at, and of a drop folder with more of them the last look of a job is told."""
_STALE_HOURS = 36
_WAITS_HOURS = 36
_SECONDS_PER_HOUR = 3600


def describe_catalogue(
    url: str, settings: Settings, max_looked_at: int | None = MAX_LOOKED_AT
) -> Iterator[Finding]:
    """Describe the state of a catalogue for who runs it, a line at a time.

    Args:
        url: URL of the catalogue's database; it is only read from, and not brought up to date.
        settings: Where this machine keeps what belongs to the catalogue.
        max_looked_at: How many tiles' files are looked at, another part of them every hour. Where there are
            more tiles, the drop folder is not searched either: what a job saw there last is told. None for
            all.

    Raises:
        CatalogError: The database cannot be reached, or is newer than this program.
    """
    steps = plan_migration(url)
    if steps:
        yield Finding("schema", f"{count_of(len(steps), 'step')} behind this galcat", "galcat migrate")
        return
    yield Finding("schema", "up to date")
    limits = read_limits(settings.home, os.environ)
    with connect(url, autocommit=True) as connection:
        yield from describe_state(connection)
        yield _database_disk(connection, limits)
        yield from _night(settings.home)
        yield from _weights(connection)
        parts = 1 if max_looked_at is None else -(-_count_tiles(connection) // max_looked_at) or 1
        yield from _tile_files(connection, parts)
    if parts == 1:
        yield from _drop_folder(url, settings.drop_folder)
    else:
        yield from _last_look(settings)
    yield _disk(settings.home)
    yield _alarms(settings.home)


def _count_tiles(connection: psycopg.Connection) -> int:
    row = connection.execute(_TILES).fetchone()
    assert row is not None  # noqa: S101 - an aggregate
    return int(row[0])


def _night(home: Path) -> Iterator[Finding]:
    """What the last night found."""
    look = read_look(home, "night")
    if look is None:
        yield Finding("last night", "no night is known on this machine: galcat jobs runs them")
    else:
        broken, when = look.found["broken"], f"{look.at:%Y-%m-%d %H:%M} UTC"
        said = f"{len(broken)} of {look.found['checks']} checks did not pass at {when}"
        if broken:
            yield Finding("last night", f"{said}: {', '.join(broken)}", "galcat check says more")
        elif look.hours_ago > _STALE_HOURS:
            yield Finding("last night", f"the last one was {when}", "see whether galcat jobs runs")
        else:
            yield Finding("last night", f"all {look.found['checks']} checks passed at {when}")


def _weights(connection: psycopg.Connection) -> Iterator[Finding]:
    from galcat.workflows.releases.weights_store import find_weights  # noqa: PLC0415 - imports torch

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
            yield Finding("weights", f"those of release {current.name} are in {path.parent}")


def _tile_files(connection: psycopg.Connection, parts: int) -> Iterator[Finding]:
    """Tiles whose files are gone; a folder that is not open to us says nothing of its tiles.

    Of several parts of the tiles one is looked at, every hour another.
    """
    gone, folders, looked_at = [], {}, 0
    values = {"parts": parts, "part": int(time.time() // _SECONDS_PER_HOUR) % parts}
    for name, folder, files in connection.execute(_FILES.encode(), values):
        if folder not in folders:
            folders[folder] = is_folder_here(folder)
        looked_at += folders[folder]
        if folders[folder] and not are_files_here(folder, files):
            gone.append(name)
    for folder, is_there in folders.items():
        if not is_there:
            told = f"{folder} is not on this machine, or not open to this login: its tiles are not looked at"
            yield Finding("files", told)
    if gone:
        named = ", ".join(gone[:SHOWN]) + (", ..." if len(gone) > SHOWN else "")
        yield Finding(
            "files",
            f"{count_of(len(gone), 'tile')} lost files: {named}",
            "bring them back, or another release cannot be filled: galcat tile retract NAME takes a tile out",
        )
    elif looked_at and parts == 1:
        yield Finding("files", f"every {'tile' if all(folders.values()) else 'other tile'} has its files")
    elif looked_at:
        yield Finding(
            "files",
            f"no file is missing of {count_of(looked_at, 'tile')}; galcat status --all looks at every tile",
        )


def _drop_folder(url: str, drop: Path) -> Iterator[Finding]:
    from galcat.workflows.ingest.drop_scan import plan_everything_pending  # noqa: PLC0415 - imports torch

    if not drop.is_dir():
        yield Finding("pending", f"no drop folder {drop}")
        return
    yield from _describe_arrivals(drop, plan_everything_pending(drop, url).describe())


def _last_look(settings: Settings) -> Iterator[Finding]:
    look = read_look(settings.home, "drop_folder")
    if look is None:
        yield Finding("pending", f"nobody has looked into {settings.drop_folder}: galcat status --all does")
        return
    yield from _describe_arrivals(settings.drop_folder, look.found)
    if look.hours_ago > 1:
        when = f"{look.at:%Y-%m-%d %H:%M} UTC"
        yield Finding("pending", f"that was seen at {when}", "see whether galcat jobs runs")


def _describe_arrivals(drop: Path, found: Mapping[str, Any]) -> Iterator[Finding]:
    """What lies in the drop folder and is not in the catalogue."""
    pending, names = found["pending"], list(found["names"])
    named = f": {', '.join(names[:SHOWN])}{', ...' if pending > SHOWN else ''}" if pending else ""
    yield Finding("pending", f"{count_of(pending, 'tile')} in {drop}{named}")
    if found["waiting"]:
        hours = (time.time() - found["waiting_since_s"]) / _SECONDS_PER_HOUR
        late = hours > _WAITS_HOURS
        yield Finding(
            "waiting",
            f"{count_of(found['waiting'], 'tile')} without all files, "
            f"{found['oldest_waiting']} for {hours:.0f} h",
            "bring the files, or remove the tile's others" if late else "",
        )
    for remark in found["remarks"]:
        yield Finding("waiting", remark, "mend or remove it")


def _database_disk(connection: psycopg.Connection, limits: ServiceLimits) -> Finding:
    """Of the database's disk what can be known: its free bytes, or how far its size is from its bound."""
    folder = find_data_folder(connection)
    if folder is not None:
        return _free("database disk", folder)
    unseen = "the server does not let this machine look at it"
    if limits.database_bytes == NO_BOUND:
        return Finding("database disk", f"{unseen}, and GALCAT_LIMIT_DATABASE_BYTES sets no bound")
    size = find_database_bytes(connection)
    full = size + limits.min_free_bytes > limits.database_bytes
    return Finding(
        "database disk",
        f"{unseen}; {size / 1e9:.1f} of at most {limits.database_bytes / 1e9:.1f} GB are taken",
        "make room there, or raise GALCAT_LIMIT_DATABASE_BYTES" if full else "",
    )


def _disk(home: Path) -> Finding:
    try:
        return _free("disk", home if home.exists() else home.absolute().parent)
    except OSError as error:
        return Finding("disk", reason(error), "see that the home is there")


def _free(name: str, folder: Path) -> Finding:
    usage = shutil.disk_usage(folder)
    full = usage.free < min(_MIN_FREE_BYTES, int(_MIN_FREE_SHARE * usage.total))
    return Finding(
        name,
        f"{usage.free / 1e9:.0f} GB free of {usage.total / 1e9:.0f} where {folder} lies",
        "make room" if full else "",
    )


def _alarms(home: Path) -> Finding:
    try:
        ways = load_alarm_settings(home).ways
    except SettingsError as error:
        return Finding("alarms", str(error), "mend the file")
    told = (
        f"by {' and '.join(way.removesuffix('_to') for way in ways)}"
        if ways
        else "nobody is told of failures"
    )
    return Finding("alarms", told)
