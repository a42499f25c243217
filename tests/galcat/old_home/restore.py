"""Brings back the catalogues and Dagster homes that `make_dump.py` kept, in a home of the test's own."""

import gzip
import hashlib
import io
import json
import lzma
import os
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.galcat.bricks import write_brick
from tests.galcat.old_home.make_dump import BRICKS, MODIFIED_S, PLACES, SURVEY, WEIGHTS
from tests.galcat.small_encoder import write_small_encoder

HERE = Path(__file__).parent
VERSIONS = sorted(file.name.split(".")[0].removeprefix("catalogue_") for file in HERE.glob("*.sql.xz"))


def restore_catalogue(version: str, url: str, home: Path) -> None:
    """Fill an empty database of a server that has galcat's roles.

    Args:
        version: One of `VERSIONS`.
        url: URL of the database.
        home: Home whose drop folder the catalogue's tiles lie in.
    """
    text = lzma.decompress((HERE / f"catalogue_{version}.sql.xz").read_bytes()).decode()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(text.replace(PLACES["home"], str(home)).encode())


def restore_dagster(version: str, home: Path) -> Path:
    """Unpack the Dagster instance into the home, and return its folder."""
    folder = home / "dagster"
    packed = gzip.decompress((HERE / f"dagster_{version}.tar.gz").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    for path in folder.rglob("*.db"):
        with closing(sqlite3.connect(path)) as database, database:
            _move(database, PLACES["home"], str(home))
    return folder


def write_bricks(home: Path) -> Path:
    """Write the bricks that were ingested, with the times that their files had; returns their folder."""
    folder = home / "drop" / SURVEY
    for name in BRICKS:
        write_brick(folder, name)
    set_times(folder, MODIFIED_S)
    return folder


def set_times(folder: Path, modified_s: int) -> None:
    """Give every file of a folder a time of modification, in seconds since 1970."""
    for path in folder.rglob("*.*"):
        os.utime(path, (modified_s, modified_s))


def write_encoder(version: str, home: Path) -> Path:
    """Write the weights that the bricks were encoded with, as far as this PyTorch draws the same numbers.

    The head of the file is the one that the version wrote; the numbers are those of the tests' small encoder.
    """
    path = write_small_encoder(home / WEIGHTS)
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")  # of the numbers, as safetensors has it
    head = json.loads(whole[8:start])
    head["__metadata__"] = json.loads((HERE / f"encoder_{version}.json").read_text())
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + whole[start:])
    return path


def skip_unless_encoder_is_stored(weights: Path, url: str) -> None:
    """Skip the test where this PyTorch draws other random numbers than that of the catalogue."""
    with psycopg.connect(url) as connection:
        stored = connection.execute("SELECT weights_sha256 FROM galcat.release WHERE is_current").fetchone()
    if stored != (hashlib.sha256(weights.read_bytes()).hexdigest(),):
        pytest.skip("this PyTorch draws other random weights than the one that the catalogue was made with")


def _move(database: sqlite3.Connection, before: str, after: str) -> None:
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for _, column, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall():
            database.execute(
                f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?) '
                f'WHERE typeof("{column}") = \'text\' AND instr("{column}", ?)',
                [before, after, before],
            )
