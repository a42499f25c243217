"""Brings back the catalogues that `make_dumps.py` kept, in an empty database."""

import lzma
from pathlib import Path

import psycopg

_HERE = Path(__file__).parent


def restore(commit: str, url: str) -> None:
    """Fill an empty database of a server that has galcat's roles with the catalogue of a commit."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(read_dump(commit).encode())


def read_dump(commit: str) -> str:
    """The SQL that makes the catalogue of a commit."""
    return lzma.decompress((_HERE / f"{commit}.sql.xz").read_bytes()).decode()
