"""LSDB opens what was exported, from disk and over HTTP; what it counts, matches and finds is the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from catalog.database.connection import connect
from catalog.export.hats import export_hats
from tests.catalog.galaxies import fill
from tests.clients.service import serving

N = 500
READER = Path(__file__).parent / "lsdb_reader.py"

pytestmark = pytest.mark.long


@pytest.fixture(scope="session")
def lsdb_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has LSDB: the one that GALCAT_TEST_LSDB names, or one installed for this (1 GB)."""
    named = os.environ.get("GALCAT_TEST_LSDB")
    if named:
        return named
    folder = tmp_path_factory.mktemp("lsdb")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "lsdb>=0.11,<0.12"], check=True)
    return str(folder / "bin" / "python")


@pytest.mark.parametrize("place", ["folder", "http"])
def test_lsdb_gives_what_the_database_gives(
    database: str, lsdb_python: str, tmp_path: Path, place: str
) -> None:
    sky = tmp_path / "hats" / "sky"
    with connect(database, autocommit=True) as connection:
        fill(connection, N)
        export_hats(connection, sky, max_rows=60, margin_arcsec=30)
        object_id, ra, dec = connection.execute(
            "SELECT object_id, ra, dec FROM galcat.galaxy ORDER BY object_id LIMIT 1"
        ).fetchone()  # type: ignore[misc]
        if place == "folder":
            found = read(lsdb_python, str(sky), object_id)
        else:
            with serving(database, tmp_path) as service:
                found = read(lsdb_python, f"{service.url}/hats/sky", object_id)
            assert "Traceback" not in service.log.read_text()
        ids = values(connection, "SELECT object_id FROM galcat.galaxy ORDER BY 1")
        cone = values(
            connection,
            "SELECT object_id FROM galcat.galaxy WHERE galcat.sky_distance(ra, dec, %s, %s) <= 10 ORDER BY 1",
            ra,
            dec,
        )
        nearest = values(
            connection,
            "SELECT object_id FROM galcat_tap.embedding AS e ORDER BY (SELECT sum((a - b) ^ 2) FROM "
            "unnest(e.search, (SELECT o.search FROM galcat_tap.embedding AS o WHERE o.object_id = %s)) "
            "AS v (a, b)) LIMIT 10",
            object_id,
        )
    assert (found["n"], found["ids"]) == (N, ids)
    assert found["cone"] == cone
    assert (found["pairs"], found["n_pairs"]) == (N, N)
    assert found["nearest"] == nearest


def read(python: str, place: str, object_id: int) -> dict[str, object]:
    """What LSDB finds in a folder or at a URL."""
    command = [python, str(READER), place, str(object_id), "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def values(connection: psycopg.Connection, query: str, *parameters: object) -> list[int]:
    return [int(row[0]) for row in connection.execute(query.encode(), parameters)]
