"""Folders as they come: one bad tile is one line, the others are ingested, and what is left out is named."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from catalog.database.connection import connect
from galcat.workflows.ingest import encoding
from galcat.workflows.ingest import tiles as module
from tests.encoder.tiles.small_surveys import CUTOUTS
from tests.galcat.bricks import GALAXIES, r_image, write_brick
from tests.galcat.cli.command_line import Galcat


def table_of(folder: Path, name: str) -> Path:
    return folder / "tractor" / name[:3] / f"tractor-{name}.fits"


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def set_card(path: Path, key: str, value: object) -> None:
    with fits.open(path, mode="update", disable_image_compression=True) as file:
        file[1].header[key] = value


def put_bytes_into_header(path: Path) -> None:
    data = path.read_bytes()
    at = data.index(b"CRVAL1  =")
    path.write_bytes(data[: at + 10] + b"\xff\xfe nonsense".ljust(20) + data[at + 30 :])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "0101p000": lambda image: image.write_bytes(b""),
    "0102p000": make_folder,
    "0103p000": lambda image: image.write_bytes(image.read_bytes()[:-5000]),
    "0104p000": put_bytes_into_header,
    "0105p000": lambda image: set_card(image, "CRVAL2", 200.0),
    "0106p000": lambda image: set_card(image, "ZNAXIS1", 2_000_000_000),
    "0107p000": lambda image: (image.unlink(), image.symlink_to(image)),
}


def test_every_kind_of_bad_tile_is_one_line_and_the_good_ones_are_ingested(
    galcat: Galcat, database: str, tmp_path: Path, weights: Path
) -> None:
    folder = tmp_path / "bricks"
    for name in ("0100p000", *DAMAGE, "0108p000", "0109p000"):
        write_brick(folder, name)
    for name, spoil in DAMAGE.items():
        for band in "grz":
            spoil(r_image(folder, name).with_name(f"legacysurvey-{name}-image-{band}.fits.fz"))
    table = Table.read(table_of(folder, "0108p000"))
    table[:0].write(table_of(folder, "0108p000"), overwrite=True)
    with r_image(folder, "0109p000").open("ab") as file:
        file.write(bytes(2880))
    odd = os.fsdecode(b"01\xff0p000")
    (folder / "coadd" / odd[:3] / odd).mkdir(parents=True)
    (folder / "coadd" / odd[:3] / odd / f"legacysurvey-{odd}-image-r.fits.fz").write_bytes(b"")

    said = galcat("ingest", folder, "--survey", "legacy_dr10", "--weights", weights)

    assert said.code == 1
    assert "Traceback" not in said.err
    n_bad = len(DAMAGE) + 1
    assert f"3 tiles ingested, 0 unchanged, {n_bad} failed; {2 * GALAXIES} galaxies" in said.err
    lines = [line for line in said.err.splitlines() if line.startswith("failed:")]
    assert len(lines) == n_bad
    for name in DAMAGE:
        assert sum(name in line for line in lines) == 1, name
    assert galcat("check").code == 0
    with connect(database, autocommit=True) as connection:
        done = connection.execute(
            "SELECT t.name, i.n_galaxies FROM galcat.ingestion AS i JOIN galcat.tile AS t USING (tile_id) "
            "WHERE i.state = 'done' ORDER BY 1"
        ).fetchall()
    assert done == [("0100p000", GALAXIES), ("0108p000", 0), ("0109p000", GALAXIES)]
    again = galcat("ingest", folder, "--survey", "legacy_dr10", "--weights", weights)
    assert f"0 tiles ingested, 3 unchanged, {n_bad} failed" in again.err


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("one\ntwo"), KeyError("x"), OSError(5, "I/O")])
def test_whatever_a_tile_raises_it_fails_by_its_name_and_the_next_is_read(
    galcat: Galcat, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    for name in ("0100p000", "0101p000", "0102p000"):
        write_brick(tmp_path / "bricks", name)
    read = encoding.read_tile

    def fail_once(survey: object, files: object, needs: object) -> object:
        if files.name == "0101p000":  # type: ignore[attr-defined] # of a TileFiles
            raise error
        return read(survey, files, needs)  # type: ignore[arg-type] # the same

    monkeypatch.setattr(encoding, "read_tile", fail_once)
    said = galcat("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights)
    assert said.code == 1
    assert f"2 tiles ingested, 0 unchanged, 1 failed; {2 * GALAXIES} galaxies" in said.err
    (line,) = [line for line in said.err.splitlines() if line.startswith("failed:")]
    assert line.startswith(f"failed: tile 0101p000: {type(error).__name__}")


def test_pictures_that_cannot_be_read_are_named_up_to_a_bound(
    galcat: Galcat, tmp_path: Path, weights: Path
) -> None:
    root, n = tmp_path / "set", module.MAX_NAMED + 3
    root.mkdir()
    (tmp_path / "s.toml").write_text(CUTOUTS)
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "good.png")
    for row in range(n):
        (root / f"bad{row}.jpg").write_bytes(b"no picture")
    rows = [(f"b{row}", 10.0, row / 100, f"bad{row}.jpg") for row in range(n)]
    rows.append(("g", 11.0, 0.0, str(tmp_path / "good.png")))
    Table(rows=rows, names=["id", "ra", "dec", "file"]).write(root / "table.csv")
    said = galcat("ingest", root, "--survey", tmp_path / "s.toml", "--weights", weights)
    assert said.code == 1
    assert f"1 galaxy, 0 skipped, {n} unreadable images" in said.err
    lines = [line for line in said.err.splitlines() if line.startswith("left out:")]
    assert lines[:-1] == [
        f"left out: unreadable image of b{row}: {root / f'bad{row}.jpg'}: unreadable picture: in no format "
        "that is known"
        for row in range(module.MAX_NAMED)
    ]
    assert lines[-1] == "left out: 3 more unreadable images: see galcat.skipped_row"
