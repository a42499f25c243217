"""Real galaxies through the whole pipe: Galaxy Zoo DECaLS rings as a cutout survey, DECaLS cubes as tiles."""

import io
import json
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS, FITSFixedWarning
from PIL import Image

from catalog.database.connection import connect
from catalog.ingestion.records import object_id
from tests.galcat.cli.command_line import Galcat

CUBES = ("example_a", "example_b", "example_c", "example_bad_pix", "example_incomplete")


@pytest.fixture
def rings(shared_data: Path, tmp_path: Path) -> Path:
    """A copy of the ring pictures that a test may damage."""
    return Path(shutil.copytree(shared_data / "gz_decals_rings", tmp_path / "rings", copy_function=copy))


@pytest.fixture
def cubes(shared_data: Path, tmp_path: Path) -> Path:
    """The real cubes, with a source table made from the centre of each WCS."""
    folder = tmp_path / "cubes"
    folder.mkdir()
    rows = []
    for name in CUBES:
        copy(str(shared_data / "decals_fits" / f"{name}.fits"), str(folder / f"{name}.fits"))
        readable = "example_a" if name == "example_incomplete" else name  # which will be replaced by that
        header = fits.getheader(folder / f"{readable}.fits")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FITSFixedWarning)  # these real headers repeat their CD matrix
            wcs = WCS(header).celestial
        ra, dec = wcs.all_pix2world(header["NAXIS1"] / 2, header["NAXIS2"] / 2, 1)
        rows.append((f"{name}-1", float(ra), float(dec), name, 2.5))
    Table(rows=rows, names=["id", "ra", "dec", "tile", "shape_r"]).write(folder / "sources.csv")
    return folder


def copy(source: str, target: str) -> None:
    Path(target).write_bytes(Path(source).read_bytes())  # the shared files are read-only, a copy must not be


def query(url: str, text: str) -> list[tuple[object, ...]]:
    with connect(url, autocommit=True) as connection:
        return connection.execute(text.encode()).fetchall()


def xmins(url: str) -> list[tuple[object, ...]]:
    return query(
        url,
        "SELECT 'source', xmin::text, object_id FROM galcat.source UNION ALL "
        "SELECT 'embedding', xmin::text, object_id FROM galcat.embedding UNION ALL "
        "SELECT 'thumbnail', xmin::text, object_id FROM galcat.thumbnail ORDER BY 1, 3",
    )


def test_the_ring_pictures_become_338_galaxies_once(
    galcat: Galcat, database: str, rings: Path, weights: Path, tmp_path: Path
) -> None:
    first = galcat("ingest", rings, "--survey", "gz_decals_rings", "--weights", weights)
    assert (first.code, first.out) == (0, "")
    assert "1 tile ingested, 0 unchanged, 0 failed; 338 galaxies, 0 skipped, 0 unreadable" in first.err
    labels = Table.read(rings / "labels.csv")
    found = query(database, "SELECT object_id, survey_source_id, ra, dec, tile FROM galcat.galaxy ORDER BY 2")
    labels.sort("iauname")
    assert [row[1] for row in found] == list(labels["iauname"])
    np.testing.assert_allclose([row[2] for row in found], labels["ra"], atol=1e-12)
    np.testing.assert_allclose([row[3] for row in found], labels["dec"], atol=1e-12)
    assert [row[0] for row in found] == [
        object_id("gz_decals_rings", str(name)) for name in labels["iauname"]
    ]
    before = xmins(database)
    again = galcat("ingest", rings, "--survey", "gz_decals_rings", "--weights", weights)
    assert (again.code, "0 tiles ingested, 1 unchanged" in again.err) == (0, True)
    assert xmins(database) == before
    sheet_is_drawn(galcat, str(found[0][0]), tmp_path / "sheet.png")


def sheet_is_drawn(galcat: Galcat, identity: str, sheet: Path) -> None:
    said = galcat("similar", identity, "-n", 9, "--sheet", sheet, "--format", "json")
    assert said.code == 0
    neighbours = json.loads(said.out)
    assert len(neighbours) == 9
    assert identity not in {str(row["object_id"]) for row in neighbours}
    with Image.open(sheet) as picture:
        pixels = np.asarray(picture.convert("L"), dtype=float)
    cells = [pixels[y : y + 192, x : x + 192] for y in (6, 238) for x in (6, 204, 402, 600, 798)]
    assert all(cell.max() > 100 and cell.std() > 5 for cell in cells)


def test_an_unreadable_picture_is_counted_stored_and_retried(
    galcat: Galcat, database: str, rings: Path, weights: Path
) -> None:
    labels = Table.read(rings / "labels.csv")
    broken = rings / "images" / str(labels["image"][3])
    whole = broken.read_bytes()
    broken.write_bytes(whole[:2000])
    said = galcat("ingest", rings, "--survey", "gz_decals_rings", "--weights", weights)
    assert said.code == 1
    assert "337 galaxies, 0 skipped, 1 unreadable image" in said.err
    stored = query(database, "SELECT file_row, survey_source_id, reason, will_retry FROM galcat.skipped_row")
    assert stored == [(3, labels["iauname"][3], "unreadable_image", True)]
    before = set(xmins(database))
    broken.write_bytes(whole)
    healed = galcat("ingest", rings, "--survey", "gz_decals_rings", "--weights", weights)
    assert (healed.code, "338 galaxies" in healed.err) == (0, True)
    assert query(database, "SELECT count(*) FROM galcat.skipped_row") == [(0,)]
    after = set(xmins(database))
    assert before < after
    assert len(after) == len(before) + 3


def test_three_cubes_encode_one_is_skipped_one_fails_and_heals(
    galcat: Galcat, database: str, cubes: Path, shared_data: Path, weights: Path
) -> None:
    said = galcat("ingest", cubes, "--survey", "decals_fits", "--weights", weights)
    assert said.code == 1
    assert "4 tiles ingested, 0 unchanged, 1 failed; 3 galaxies, 1 skipped" in said.err
    assert "Traceback" not in said.err
    states = query(
        database,
        "SELECT t.name, i.state, i.n_galaxies, i.error FROM galcat.ingestion AS i "
        "JOIN galcat.tile AS t USING (tile_id) ORDER BY 1",
    )
    assert [row[:3] for row in states] == [
        ("example_a", "done", 1),
        ("example_b", "done", 1),
        ("example_bad_pix", "done", 0),
        ("example_c", "done", 1),
        ("example_incomplete", "failed", 0),
    ]
    error = str(states[-1][3])
    assert "example_incomplete.fits" in error
    assert "\n" not in error
    assert query(database, "SELECT survey_source_id, reason FROM galcat.skipped_row") == [
        ("example_bad_pix-1", "bad_pixels")
    ]
    before = xmins(database)
    copy(str(shared_data / "decals_fits" / "example_a.fits"), str(cubes / "example_incomplete.fits"))
    healed = galcat("ingest", cubes, "--survey", "decals_fits", "--weights", weights)
    assert (healed.code, "1 tile ingested, 4 unchanged, 0 failed; 1 galaxy" in healed.err) == (0, True)
    assert set(before) < set(xmins(database))


def test_a_thumbnail_shows_the_galaxy_of_its_cube(
    galcat: Galcat, database: str, cubes: Path, weights: Path
) -> None:
    galcat("ingest", cubes, "--survey", "decals_fits", "--weights", weights)
    for (jpeg,) in query(database, "SELECT jpeg FROM galcat.thumbnail"):
        with Image.open(io.BytesIO(bytes(jpeg))) as picture:  # type: ignore[arg-type]
            light = np.asarray(picture.convert("L"), dtype=float)
        middle, rim = light[48:80, 48:80].mean(), np.median(light)
        assert light.shape == (128, 128)
        assert middle > rim + 10


def test_a_lost_server_is_one_line(galcat: Galcat, monkeypatch: pytest.MonkeyPatch, rings: Path) -> None:
    monkeypatch.setenv("GALCAT_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    said = galcat("ingest", rings, "--survey", "gz_decals_rings")
    assert said.code == 1
    assert said.err.startswith("error: cannot connect to 127.0.0.1, database nothing")
    assert said.err.count("\n") == 1


def spoil_thumbnails(database: str, statement: str) -> None:
    """Make every insert of a thumbnail of galaxy number 200 or later do `statement`."""
    with connect(database, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
            f"$$ BEGIN {statement}; RETURN NEW; END $$".encode()
        )
        connection.execute(
            "CREATE TRIGGER spoil BEFORE INSERT ON galcat.thumbnail FOR EACH ROW "
            "WHEN (NEW.object_id % 97 = 0) EXECUTE FUNCTION public.spoil()"
        )


def mend_thumbnails(database: str) -> None:
    with connect(database, autocommit=True) as connection:
        connection.execute("DROP FUNCTION public.spoil() CASCADE")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("PERFORM pg_terminate_backend(pg_backend_pid())", "terminating connection"),
        (
            "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'",
            "No space",
        ),
    ],
    ids=["connection lost", "disk full"],
)
def test_a_failure_in_mid_write_leaves_nothing_of_the_tile_and_heals(
    galcat: Galcat, database: str, rings: Path, weights: Path, what: str, message: str
) -> None:
    spoil_thumbnails(database, what)
    said = galcat("ingest", rings, "--survey", "gz_decals_rings", "--weights", weights)
    assert said.code == 1
    assert "Traceback" not in said.err
    complaint = next(line for line in said.err.splitlines() if message in line)
    assert "tile labels-000000000-000000999 could not be written" in complaint
    for table in ("source", "embedding", "embedding_full", "morphology", "thumbnail"):
        assert query(database, f"SELECT count(*) FROM galcat.{table}") == [(0,)]
    mend_thumbnails(database)
    healed = galcat("ingest", rings, "--survey", "gz_decals_rings", "--weights", weights)
    assert (healed.code, "338 galaxies" in healed.err) == (0, True)


def test_a_full_disk_fails_the_tile_in_one_line_and_heals(
    galcat: Galcat, database: str, rings: Path, weights: Path, small_disk: Path
) -> None:
    name = urlparse(database).path[1:]
    with psycopg.connect(database.replace(f"/{name}?", "/postgres?"), autocommit=True) as admin:
        admin.execute(f"CREATE TABLESPACE {name} LOCATION '{small_disk}'".encode())
    try:
        with connect(database, autocommit=True) as connection:
            connection.execute(f"ALTER TABLE galcat.thumbnail SET TABLESPACE {name}".encode())
        said = galcat("ingest", rings, "--survey", "gz_decals_rings", "--weights", weights)
        assert said.code == 1
        assert "tile labels-000000000-000000999 could not be written: could not extend file" in said.err
        assert "No space left on device" in said.err
        assert query(database, "SELECT count(*) FROM galcat.source") == [(0,)]
        assert query(database, "SELECT state FROM galcat.ingestion") == [("failed",)]
    finally:
        with connect(database, autocommit=True) as connection:
            connection.execute("ALTER TABLE galcat.thumbnail SET TABLESPACE pg_default")
            connection.execute(f"DROP TABLESPACE {name}".encode())
    healed = galcat("ingest", rings, "--survey", "gz_decals_rings", "--weights", weights)
    assert (healed.code, "338 galaxies" in healed.err) == (0, True)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 300 kB that the test server's account may write to."""
    folder = Path(tempfile.mkdtemp(prefix="galcat-small-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k,mode=0777", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.decode().strip()}")
    inner = folder / "tablespace"
    inner.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(inner, "galcat-postgres")
    yield inner
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()
