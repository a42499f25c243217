"""Damaged tiles, thousands of them: the galaxies of the tile or one line, and the next tile is read."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from encoder.cutouts.batches import image_batches
from encoder.errors import EncoderError
from encoder.model.recipe import ImageRecipe
from encoder.surveys.description import Survey
from encoder.surveys.survey_file import load_survey, survey_from_text
from encoder.tiles.tiles import find_tiles, read_tile
from tests.encoder.tiles.damage import damage
from tests.encoder.tiles.fits_tiles import gaussian, legacy_rows, tan_wcs, write_legacy_brick
from tests.encoder.tiles.small_surveys import CUTOUTS, ONE_BAND
from tests.long import PARTS
from tests.sizes import TIMES, fuzzing

SHAPE = (60, 64)
GOOD, DAMAGED = "0100p100", "0101p100"
ONE_LINE = "one line"
EXAMPLES, LONG_SEEDS = 50, 3
SEEDS = 1 if TIMES == 1 else LONG_SEEDS
"""Damages of an example."""
RECIPE = ImageRecipe(size=16)


def legacy(folder: Path) -> Survey:
    """Two fpacked bricks with masks and FITS tables."""
    for name, ra in ((GOOD, 10.0), (DAMAGED, 10.1)):
        wcs = tan_wcs(ra, 10, SHAPE)
        rows = legacy_rows(*wcs.all_pix2world([20.0, 40.0], [30.0, 25.0], 0))
        rows["brickid"] = int(name[:4])
        image = gaussian(SHAPE, 20, 30, 3, 50) + np.float32(1e-3)
        write_legacy_brick(folder, name, dict.fromkeys("grz", image), wcs, rows)
    return load_survey("legacy_dr10")


def plain(folder: Path) -> Survey:
    """Two tiles of one plain image, with a mask and a CSV file."""
    for name, ra in ((GOOD, 10.0), (DAMAGED, 10.1)):
        wcs = tan_wcs(ra, 10, SHAPE)
        header = wcs.to_header()
        fits.PrimaryHDU(np.ones(SHAPE, np.float32), header).writeto(folder / f"{name}.fits")
        fits.PrimaryHDU(np.zeros(SHAPE, np.uint16), header).writeto(folder / f"{name}.mask.fits")
        rows = Table({"id": [1, 2], "ra": [ra, ra + 1e-3], "dec": [10.0, 10.001], "shape_r": [1.0, 2.0]})
        rows.write(folder / f"{name}.csv")
    return survey_from_text(ONE_BAND.replace("BITS", "32768"), folder / "s.toml")


LAYOUTS = {"legacy": legacy, "plain": plain}


@pytest.fixture(scope="module", params=LAYOUTS)
def tiles(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Survey, Path]:
    root = tmp_path_factory.mktemp(request.param)
    return LAYOUTS[request.param](root), root


def galaxies(survey: Survey, root: Path) -> dict[str, list[str]]:
    """The ids of every tile's galaxies with a picture or a reason for none; of a failed tile, its line."""
    found = {}
    for files in find_tiles(survey, root):
        assert (files.ra is None) == (files.dec is None)
        assert files.ra is None or (0 <= files.ra < 360 and abs(files.dec or 0) <= 90)
        try:
            files.content_hash()
            tile = read_tile(survey, files)
            assert (np.abs(tile.sources.dec[np.isfinite(tile.sources.dec)]) <= 90).all()
            batches = list(image_batches(survey, tile, RECIPE, "cpu", 64, skipped := []))
            pictured = [tile.sources.source_id[row] for batch in batches for row in batch.rows]
            assert sorted([*pictured, *(row.source_id for row in skipped)]) == sorted(tile.sources.source_id)
            found[files.name] = tile.sources.source_id
        except EncoderError as error:
            found[files.name] = [check_line(str(error), files.name)]
    return found


def check_line(line: str, name: str) -> str:
    """ONE_LINE for one that names the tile; else itself."""
    return ONE_LINE if name in line and "\n" not in line else line


@pytest.mark.fuzz
@fuzzing(EXAMPLES)
@given(seed=st.integers(0, 2**40))
def test_a_damaged_tile_is_its_galaxies_or_one_line_and_the_next_is_read(
    tiles: tuple[Survey, Path], tmp_path: Path, seed: int
) -> None:
    for n in range(SEEDS):
        check(*tiles, tmp_path / "tiles", SEEDS * seed + n)


def test_the_long_run_damages_more_than_ten_thousand_tiles() -> None:
    (times,) = {part.times for part in PARTS if part.name == "fuzz"}
    assert len(LAYOUTS) * EXAMPLES * times * LONG_SEEDS > 10_000


def check(survey: Survey, whole: Path, root: Path, seed: int) -> None:
    """Damage one file of a tile, and read both tiles."""
    files = sorted(path for path in whole.rglob("*") if path.is_file() and DAMAGED in path.name)
    chosen = files[seed % len(files)]
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(whole, root)
    damage(root / chosen.relative_to(whole), files, seed)
    found = galaxies(survey, root)
    assert found.pop(GOOD) == expected_lines(survey, GOOD)
    for name, ids in found.items():
        is_table = chosen.suffix == ".csv" or "tractor" in chosen.name
        assert ids == [ONE_LINE] or ids == expected_lines(survey, name) or is_table, ids


def expected_lines(survey: Survey, name: str) -> list[str]:
    return ["1", "2"] if survey.name == "oneband" else [f"10000-{int(name[:4])}-{n}" for n in range(2)]


@pytest.mark.fuzz
@fuzzing(20)
@given(seed=st.integers(0, 2**40))
def test_a_damaged_table_of_cutouts_is_its_rows_or_one_line(tmp_path: Path, seed: int) -> None:
    root = tmp_path / "cutouts"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    survey = survey_from_text(CUTOUTS, tmp_path / "s.toml")
    (root / "a.jpg").write_bytes(b"no picture")
    rows = {"id": ["a", "b"], "ra": [1.0, 2.0], "dec": [0.0, 90.0], "file": ["a.jpg", "/b.jpg"]}
    Table(rows).write(root / "table.csv")
    damage(root / "table.csv", [root / "a.jpg"], seed)
    assert rows_or_line(survey, root) in {0, 1, 2, ONE_LINE}


def rows_or_line(survey: Survey, root: Path) -> int | str:
    try:
        return sum(ids != [ONE_LINE] and len(ids) for ids in galaxies(survey, root).values())
    except EncoderError as error:
        return check_line(str(error), "table.csv")
