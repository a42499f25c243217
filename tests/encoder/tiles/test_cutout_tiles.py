"""A folder of pictures beside a table: chunks, real Galaxy Zoo pictures, and pictures that cannot be read."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from encoder.cutouts.batches import ImageBatch, image_batches
from encoder.errors import ImageError, SurveyError, TileError
from encoder.model.recipe import ImageRecipe
from encoder.surveys.survey_file import load_survey
from encoder.tiles.source_table import SkippedRow
from encoder.tiles.tiles import CutoutTile, find_tiles, read_tile
from tests.encoder.cutouts.picture_files import read_square

RINGS = load_survey("gz_decals_rings")
RECIPE = ImageRecipe(size=32)


def batches(tile: CutoutTile, skipped: list[SkippedRow], batch_size: int = 4) -> list[ImageBatch]:
    return list(image_batches(RINGS, tile, RECIPE, "cpu", batch_size, skipped))


def write_folder(root: Path, n: int, pictures: int = 0) -> Path:
    random = np.random.default_rng(7)
    (root / "images").mkdir(parents=True)
    rows = [f"G{row:05d},{row / 10},{-row / 100},p{row}.png\n" for row in range(n)]
    (root / "labels.csv").write_text("iauname,ra,dec,image\n" + "".join(rows))
    for row in range(pictures):
        pixels = random.integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / "images" / f"p{row}.png")
    return root


def read(root: Path) -> CutoutTile:
    tile = read_tile(RINGS, find_tiles(RINGS, root)[0])
    assert isinstance(tile, CutoutTile)
    return tile


def test_the_real_ring_pictures_are_one_chunk(shared_data: Path) -> None:
    root = shared_data / "gz_decals_rings"
    (files,) = find_tiles(RINGS, root)
    assert (files.name, files.rows) == ("labels-000000000-000000999", (0, 338))
    assert (files.ra, files.dec, files.footprint, len(files.files)) == (None, None, (), 339)
    tile = read(root)
    skipped: list[SkippedRow] = []
    found = batches(tile, skipped, 50)
    assert skipped == []
    assert np.concatenate([batch.rows for batch in found]).tolist() == list(range(338))
    assert [len(batch.rows) for batch in found] == [50] * 6 + [38]
    assert tile.sources.source_id[0] == "J000411.19+020924.0"
    assert (tile.sources.ra[0], tile.sources.dec[0]) == pytest.approx((1.046625, 2.156666667))
    assert np.isnan(tile.sources.pixel_scale_arcsec).all()
    rgb = torch.cat([batch.rgb for batch in found])
    assert rgb.shape == (338, 3, 32, 32)
    with Image.open(root / "images" / "J000411.19+020924.0.jpg") as image:
        full = np.asarray(image.convert("RGB"), dtype=np.float64) / 255
    blocks = full[4:420, 4:420].reshape(32, 13, 32, 13, 3).mean(axis=(1, 3))  # nearly the same pixels
    assert np.abs(rgb[0].permute(1, 2, 0).numpy() - blocks).mean() < 0.02


def test_a_table_is_cut_into_chunks_of_a_thousand_rows(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", 2001)
    tiles = find_tiles(RINGS, root)
    assert [(tile.name, tile.rows) for tile in tiles] == [
        ("labels-000000000-000000999", (0, 1000)),
        ("labels-000001000-000001999", (1000, 2000)),
        ("labels-000002000-000002999", (2000, 2001)),
    ]
    last = read_tile(RINGS, tiles[-1])
    assert (last.sources.source_id, last.sources.row.tolist()) == (["G02000"], [2000])


def test_rows_added_at_the_end_change_the_last_chunk_alone(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", 1500)
    before = [(tile.content_hash(), tile.fingerprint) for tile in find_tiles(RINGS, root)]
    with (root / "labels.csv").open("a") as table:
        table.write("G99999,1,2,p9.png\n")
    after = [(tile.content_hash(), tile.fingerprint) for tile in find_tiles(RINGS, root)]
    assert after[0] == before[0]
    assert after[1][0] != before[1][0]
    assert after[1][1] != before[1][1]


def test_unreadable_pictures_are_skipped_to_be_retried_and_the_rest_go_on(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", 7, pictures=7)
    folder = root / "images"
    whole = (folder / "p1.png").read_bytes()
    (folder / "p1.png").write_bytes(whole[:1500])
    (folder / "p2.png").write_bytes(b"")
    (folder / "p3.png").unlink()
    (folder / "p4.png").write_text("<html>not found</html>")
    Image.fromarray(np.full((40, 40), 40000, np.uint16)).save(folder / "p5.png")
    files = find_tiles(RINGS, root)[0]
    content = files.content_hash()

    skipped: list[SkippedRow] = []
    (batch,) = batches(read(root), skipped, 8)

    assert batch.rows.tolist() == [0, 6]
    assert batch.rgb.shape == (2, 3, 32, 32)
    assert [(row.row, row.source_id) for row in skipped] == [(n, f"G{n:05d}") for n in range(1, 6)]
    assert {(row.reason, row.retry) for row in skipped} == {("unreadable_image", True)}
    assert all(f"p{row.row}.png" in row.detail and "\n" not in row.detail for row in skipped)

    (folder / "p1.png").write_bytes(whole)
    mended = find_tiles(RINGS, root)[0]
    assert mended.fingerprint != files.fingerprint
    assert mended.content_hash() != content
    skipped.clear()
    assert batches(read(root), skipped, 8)[0].rows.tolist() == [0, 1, 6]


def test_pictures_of_any_shape_and_mode_are_their_central_square(tmp_path: Path) -> None:
    square = np.zeros((60, 60, 3), np.uint8)
    square[:30], square[:, :30, 1] = 200, 100
    wide = np.full((60, 100, 3), 255, np.uint8)
    wide[:, 20:80] = square
    Image.fromarray(square).save(tmp_path / "square.png")
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.fromarray(wide).convert("RGBA").save(tmp_path / "alpha.png")
    Image.fromarray(wide[:, :, 0]).save(tmp_path / "grey.png")
    expected = read_square(tmp_path / "square.png", 20, 1.0)
    assert (expected.shape, expected.dtype) == ((3, 20, 20), torch.float32)
    torch.testing.assert_close(expected[0, :8], torch.full((8, 20), 200 / 255), atol=0.01, rtol=0)
    inner = expected[:, :, 3:-3]  # the outer columns see what lies beside the square
    torch.testing.assert_close(read_square(tmp_path / "wide.png", 20, 1.0)[:, :, 3:-3], inner)
    torch.testing.assert_close(read_square(tmp_path / "alpha.png", 20, 1.0)[:, :, 3:-3], inner)
    grey = read_square(tmp_path / "grey.png", 20, 1.0)[:, :, 3:-3]
    torch.testing.assert_close(grey, inner[:1].expand(3, 20, 14))


def test_a_crop_keeps_the_centre_and_shrinking_is_antialiased(tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    means = pixels[100:300, 100:300].reshape(10, 20, 10, 20, 3).mean(axis=(1, 3)) / 255
    got = read_square(tmp_path / "a.png", 10, 0.5).permute(1, 2, 0).numpy()
    assert np.abs(got - means).max() < 0.05  # without antialiasing a pixel would be off by 0.25


def test_a_picture_with_sixteen_bits_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((9, 9), 40000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ImageError, match=r"deep\.png: a picture of kind I;16, not 8 bits a channel"):
        read_square(tmp_path / "deep.png", 4, 1.0)


def test_a_row_without_a_position_is_skipped_and_one_beyond_a_pole_is_refused(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", 6, pictures=6)
    table = (root / "labels.csv").read_text()
    (root / "labels.csv").write_text(table.replace("G00002,0.2,", "G00002,,"))
    skipped: list[SkippedRow] = []
    found = batches(read(root), skipped)
    assert np.concatenate([batch.rows for batch in found]).tolist() == [0, 1, 3, 4, 5]
    assert skipped == [SkippedRow(2, "G00002", "nan", "no finite position", retry=False)]
    (root / "labels.csv").write_text(table.replace("G00002,0.2,-0.02", "G00002,0.2,92"))
    with pytest.raises(TileError, match=r"labels\.csv: row 2 \(G00002\): dec 92 is not in -90\.\.90"):
        read(root)


def test_an_id_of_another_chunk_is_refused_in_both(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", 1002)
    table = (root / "labels.csv").read_text()
    (root / "labels.csv").write_text(table.replace("G01001,", "G00007,"))
    first, second = find_tiles(RINGS, root)
    with pytest.raises(
        TileError, match=r"labels\.csv: row 1001 of another tile has an id of this .* 'G00007'"
    ):
        read_tile(RINGS, first)
    with pytest.raises(
        TileError, match=r"labels\.csv: row 7 of another tile has an id of this one, 'G00007'"
    ):
        read_tile(RINGS, second)


def test_a_wrong_table_is_one_line(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", 3)
    files = find_tiles(RINGS, root)[0]
    (root / "labels.csv").write_text("iauname,ra,dec,image\nA,1,2,a.png\n")
    with pytest.raises(
        TileError, match=r"labels\.csv: has 1 rows, but chunk labels-000000000-000000999 needs 3"
    ):
        read_tile(RINGS, files)
    (root / "labels.csv").write_text("iauname,ra,dec,image\nA,1,2,a.png\nB,1,2,b.png\nA,1,2,c.png\n")
    with pytest.raises(TileError, match=r"labels\.csv: rows 0 and 2 have the same id 'A'"):
        read_tile(RINGS, files)
    (root / "labels.csv").write_text("iauname,ra\nA,1\n")
    with pytest.raises(SurveyError, match=r"labels\.csv: no column 'dec'"):
        find_tiles(RINGS, root)
    shutil.rmtree(root)
    with pytest.raises(SurveyError, match="no such folder"):
        find_tiles(RINGS, root)
