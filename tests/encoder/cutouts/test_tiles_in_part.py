"""Of a tile read in part the cutouts have the bits that they have of the whole tile."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from encoder.cutouts.batches import image_batches
from encoder.cutouts.frames import widest_view
from encoder.cutouts.local_wcs import part_of_maps
from encoder.cutouts.plan import cells_for_cutouts, cut_flux, plan_cutouts
from encoder.cutouts.pyramid import Pyramid, sampling_for
from encoder.model.recipe import FramingRule, ImageRecipe
from encoder.surveys.survey_file import load_survey
from encoder.tiles.cells import Cells
from encoder.tiles.image_decoder import decode_image
from encoder.tiles.source_table import SkippedRow
from encoder.tiles.tile_files import TileFiles
from encoder.tiles.tiles import SkyTile, find_tiles, read_tile
from tests.encoder.cutouts.reference_cutouts import sky_tile, sources_at
from tests.encoder.tiles.fits_tiles import gaussian, legacy_rows, tan_wcs, write_legacy_brick

LEGACY = load_survey("legacy_dr10")
SHAPE = (1130, 1290)
CPU = torch.device("cpu")
FRAMED = ImageRecipe(size=64, crop=0.4, framing=FramingRule())
RECIPES = {
    "framed": FRAMED,
    "fixed": ImageRecipe(size=128, crop=0.4),
    "frames beyond the field": ImageRecipe(size=48, crop=0.6, framing=FramingRule()),
}
# x, y, and the radius of the catalogue in arcsec: a frame that is found wider, one beside a hole of 150 px,
# one at two edges of which most is there, one of which too little is, and one over which two pieces meet.
GALAXIES = [(300, 250.3, 2), (330.2, 700, 6), (72, 1058, 1), (1285, 20, 1), (1000, 300, 2)]


def decoded(path: Path) -> tuple[NDArray[np.generic], fits.Header]:
    with fits.open(path) as file:
        return file[1].data, file[1].header


def by_rows(path: Path) -> None:
    data, header = decoded(path)
    fits.CompImageHDU(data, header, compression_type="GZIP_1", quantize_level=0).writeto(path, overwrite=True)


def plain(path: Path) -> None:
    data, header = decoded(path)
    fits.PrimaryHDU(data, WCS(header).to_header()).writeto(path, overwrite=True)


def packed(path: Path) -> None:
    plain(path)
    path.write_bytes(gzip.compress(path.read_bytes(), 1))


WRITTEN: dict[str, Callable[[Path], None] | None] = {
    "in pieces": None, "by rows": by_rows, "plain": plain, "gzip": packed
}  # fmt: skip


@pytest.fixture(autouse=True)
def _garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that nobody wrote to holds what would spoil every picture."""
    empty = np.empty

    def filled(shape: int | tuple[int, ...], dtype: npt.DTypeLike = float) -> NDArray[Any]:
        made = empty(shape, dtype)
        made.fill(np.nan if made.dtype.kind == "f" else 1)
        return made

    monkeypatch.setattr(np, "empty", filled)


@pytest.fixture(scope="module", params=WRITTEN)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TileFiles:
    """A brick with holes and a mask, its images written in one of four ways."""
    root = tmp_path_factory.mktemp("bricks")
    random = np.random.default_rng(5)
    wcs = tan_wcs(150.0, 2.0, SHAPE, rotation_deg=7)
    sky = random.normal(0, 0.01, (3, *SHAPE)).astype(np.float32)
    for x, y, radius in GALAXIES:
        sky += gaussian(SHAPE, x + 4, y - 2, 2.4 * radius / 0.262, 40 * radius**2)
    sky[1, 620:770, 350:500] = 0  # a hole wider than any square
    sky[0, 240:243, 290:300] = np.nan
    bits = np.zeros(SHAPE, np.int16)
    bits[random.integers(0, SHAPE[0], 4000), random.integers(0, SHAPE[1], 4000)] = 0x20 | 0x80
    x, y, radius = np.array(GALAXIES).T
    rows = legacy_rows(*wcs.all_pix2world(x, y, 0), shape_r=radius.astype(np.float32))
    write_legacy_brick(root, "1500p020", dict(zip("grz", sky, strict=True)), wcs, rows, bits)
    rewrite = WRITTEN[request.param]
    if rewrite is not None:
        for path in root.glob("coadd/*/*/*.fz"):
            rewrite(path)
    return find_tiles(LEGACY, root)[0]


def sky_of(files: TileFiles, recipe: ImageRecipe | None) -> SkyTile:
    needs = None if recipe is None else partial(cells_for_cutouts, recipe)
    tile = read_tile(LEGACY, files, needs)
    assert isinstance(tile, SkyTile)
    assert (tile.cells is None) == (recipe is None)
    return tile


def pictures(tile: SkyTile, recipe: ImageRecipe) -> tuple[list[int], list[int], bytes, list[SkippedRow]]:
    skipped: list[SkippedRow] = []
    batches = list(image_batches(LEGACY, tile, recipe, CPU, 2, skipped))
    rows = [row for batch in batches for row in batch.rows.tolist()]
    flags = [flag for batch in batches for flag in batch.flags.tolist()]
    return rows, flags, torch.cat([batch.rgb for batch in batches]).numpy().tobytes(), skipped


@pytest.mark.parametrize("name", RECIPES)
def test_pictures_flags_and_skipped_rows_are_those_of_the_whole_tile(written: TileFiles, name: str) -> None:
    recipe = RECIPES[name]
    whole, part = sky_of(written, None), sky_of(written, recipe)
    assert part.cells is not None
    assert part.cells.share < 0.5
    for box in part.cells.boxes():
        assert part.pixels[:, *box].tobytes() == whole.pixels[:, *box].tobytes()
        np.testing.assert_array_equal(part.bad[:, *box], whole.bad[:, *box])
    expected = pictures(whole, recipe)
    assert pictures(part, recipe) == expected
    assert pictures(part, recipe) == expected  # though its holes were filled
    assert (expected[0], [row.reason for row in expected[3]]) == ([0, 1, 2, 4], ["edge"])


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
@pytest.mark.parametrize("rotation", [0, 31])
def test_the_widest_frame_that_can_be_found_is_made_of_pixels_that_were_read(
    recipe: ImageRecipe, rotation: float
) -> None:
    random = np.random.default_rng(11)
    shape = (1500, 1400)
    wcs = tan_wcs(200.0, 40.0, shape, rotation_deg=rotation)
    x, y = random.uniform(0, 1400, 5), random.uniform(0, 1500, 5)
    sources = sources_at(*wcs.all_pix2world(x, y, 0), 0.1)
    sources.pixel_scale_arcsec[:] = random.uniform(0.1, 0.17, 5)
    noise = random.normal(1, 0.2, (3, *shape)).astype(np.float32)
    whole = sky_tile(noise, wcs, sources, random.uniform(size=noise.shape) < 0.01)
    cells = cells_for_cutouts(recipe, wcs, sources, shape)
    assert cells is not None
    part = replace(whole, cells=cells)
    plans = [plan_cutouts(tile, recipe, CPU, []) for tile in (whole, part)]
    assert plans[0].rows.tolist() == plans[1].rows.tolist()
    reach = widest_view(recipe)
    for share in (reach, 0.9 * reach, 0.3):
        to_the_edge = np.full(len(plans[0].rows), reach - share)
        cut = []
        for plan in plans:
            corners = part_of_maps(plan.maps, to_the_edge, -to_the_edge, np.full(len(to_the_edge), share))
            cut.append(cut_flux(replace(plan, maps=corners), recipe.size, 1.0, sampling_for).numpy())
        assert cut[0].tobytes() == cut[1].tobytes()
        assert np.abs(cut[0]).max() > 0.5


def test_a_tile_with_many_galaxies_is_read_whole() -> None:
    wcs = tan_wcs(10.0, 10.0, SHAPE)
    random = np.random.default_rng(2)
    x, y = random.uniform(0, SHAPE[1], 200), random.uniform(0, SHAPE[0], 200)
    many = sources_at(*wcs.all_pix2world(x, y, 0), 0.15)
    assert cells_for_cutouts(FRAMED, wcs, many, SHAPE) is None
    nowhere = sources_at(np.array([np.nan]), np.array([10.0]), 0.1)
    assert cells_for_cutouts(FRAMED, wcs, nowhere, SHAPE) is None


def test_a_tile_is_not_cut_by_another_recipe_than_it_was_read_for(written: TileFiles) -> None:
    part = sky_of(written, FRAMED)
    with pytest.raises(ValueError, match="tile 1500p020 was read for the cutouts of another recipe"):
        plan_cutouts(part, ImageRecipe(size=64, field_px=848), CPU, [])
    odd = Cells(SHAPE, 48, np.ones((24, 27), np.bool_))
    with pytest.raises(ValueError, match="squares of 48 px with pixels of 64 px"):
        Pyramid.build(part.pixels, part.bad, 4, CPU, odd)


@pytest.mark.parametrize("tile_shape", [(100, 100), (30, 70), (1, 300)])
@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_2", "PLIO_1"])
def test_only_the_pieces_under_the_wanted_boxes_are_decoded(
    tmp_path: Path, tile_shape: tuple[int, int], kind: str
) -> None:
    values = np.random.default_rng(3).integers(2, 1000, (250, 300)).astype(np.int32)
    path = tmp_path / "a.fits.fz"
    fits.CompImageHDU(values, compression_type=kind, tile_shape=tile_shape).writeto(path)
    boxes = [(slice(20, 40), slice(0, 5)), (slice(99, 101), slice(199, 201))]
    tall, wide = tile_shape
    expected = np.ones_like(values)  # as `_garbage` has it
    for row in range(0, 250, tall):
        for column in range(0, 300, wide):
            piece = slice(row, row + tall), slice(column, column + wide)
            asked = np.zeros(values.shape, np.bool_)
            for box in boxes:
                asked[box] = True
            if asked[piece].any():
                expected[piece] = values[piece]
    np.testing.assert_array_equal(decode_image(path, 1, boxes), expected)
    np.testing.assert_array_equal(decode_image(path, 1), values)
    everywhere = [(slice(0, 250), slice(0, 300))]
    np.testing.assert_array_equal(decode_image(path, 1, everywhere), values)


def test_cubes_and_scaled_images_are_decoded_whole(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    boxes = [(slice(0, 10), slice(0, 10))]
    for name, values in (
        ("scaled", random.integers(0, 65_000, (250, 300)).astype(np.uint16)),
        ("cube", random.integers(0, 1000, (2, 250, 300)).astype(np.int32)),
    ):
        path = tmp_path / f"{name}.fits.fz"
        tile_shape = (1,) * (values.ndim - 2) + (50, 50)
        fits.CompImageHDU(values, compression_type="GZIP_1", tile_shape=tile_shape).writeto(path)
        np.testing.assert_array_equal(decode_image(path, 1, boxes), values)


def test_squares_are_those_that_a_box_touches_by_a_plain_loop() -> None:
    random = np.random.default_rng(8)
    shape = (130, 201)
    for _ in range(20):
        left, low = random.uniform(-40, 220, 3), random.uniform(-40, 150, 3)
        boxes = np.stack([left, left + random.uniform(0, 60, 3), low, low + random.uniform(0, 60, 3)], axis=1)
        cells = Cells.under(boxes, shape, 32)
        expected = np.zeros((5, 7), np.bool_)
        for x0, x1, y0, y1 in boxes:
            for y in range(shape[0]):
                for x in range(shape[1]):
                    if x0 < x + 0.5 and x1 >= x - 0.5 and y0 < y + 0.5 and y1 >= y - 0.5:
                        expected[y // 32, x // 32] = True
        np.testing.assert_array_equal(cells.wanted, expected)
        for pieces in (cells.boxes(), cells.squares()):
            covered = np.zeros(shape, np.int64)
            for piece in pieces:
                covered[piece] += 1
            np.testing.assert_array_equal(covered, np.kron(expected, np.ones((32, 32)))[:130, :201])
