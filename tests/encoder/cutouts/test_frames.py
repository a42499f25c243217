"""One galaxy shows one picture, whichever way it comes; and every frame that somebody may ask for."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from encoder.cutouts.batches import image_batches
from encoder.cutouts.framing import find_frames
from encoder.cutouts.framing_flags import FramingFlag
from encoder.cutouts.image_batch import ImageBatch
from encoder.cutouts.image_list import list_images
from encoder.cutouts.picture_batches import Seeing, open_image, see_files, see_opened
from encoder.cutouts.pictures import ColourPicture, fit_picture
from encoder.cutouts.stretch import to_rgb
from encoder.errors import FrameError, ImageError
from encoder.model.recipe import FramingRule, ImageRecipe
from encoder.requested_frame import RequestedFrame, read_frame
from encoder.surveys.survey_file import load_survey, survey_from_text
from encoder.tiles.tiles import CutoutTile, SkyTile
from tests.encoder.cutouts.reference_cutouts import DECALS_NOISE, ours, sky_tile, sources_at
from tests.encoder.tiles.fits_tiles import gaussian, tan_wcs

CPU = torch.device("cpu")
PLAIN = ImageRecipe(size=64, crop=0.4)
FINDING = ImageRecipe(size=64, crop=0.4, framing=FramingRule())
LEGACY, DECALS, FOLDER = (load_survey(name) for name in ("legacy_dr10", "decals_fits", "gz_decals_rings"))
SHAPE = (420, 430)
SCALE = 0.16
"""Galaxy Zoo's pixel scale of the galaxy, arcsec: its field is 259 native pixels."""
COLOURS = np.array([0.3, 0.7, 1.0])[:, None, None]


def sky(*objects: tuple[float, float, float, float], seed: int = 3) -> SkyTile:
    """A tile of round objects (x, y, sigma in px, flux of z) and noise, with a source near its middle."""
    light = np.zeros(SHAPE, np.float32)
    for x, y, sigma, flux in objects:
        light += gaussian(SHAPE, x, y, sigma, flux)
    noise = np.random.default_rng(seed).normal(0, 1, (3, *SHAPE)) * np.array(DECALS_NOISE)[:, None, None]
    wcs = tan_wcs(150.0, 2.0, SHAPE)
    ra, dec = wcs.all_pix2world([212.0], [208.0], 0)
    return sky_tile((light * COLOURS + noise).astype(np.float32), wcs, sources_at(ra, dec, SCALE))


def field_picture(tile: SkyTile, size: int = 424) -> NDArray[np.uint8]:
    """The tile's source as a picture of its whole field, (size, size, 3)."""
    flux = torch.from_numpy(ours(tile, size)).flip(1)
    return (to_rgb(flux)[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()


def of_tile(tile: SkyTile, recipe: ImageRecipe = FINDING) -> ImageBatch:
    (batch,) = image_batches(LEGACY, tile, recipe, CPU, 8, [])
    return batch


def of_files(*paths: Path, recipe: ImageRecipe = FINDING, asked: RequestedFrame | None = None) -> ImageBatch:
    def refuse(_: int, error: ImageError) -> None:
        raise error

    (batch,) = see_files(paths, Seeing(recipe, CPU, DECALS, asked), 8, refuse)
    return batch


def flags(batch: ImageBatch) -> list[FramingFlag]:
    return [FramingFlag(int(flag)) for flag in batch.flags]


def difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().mean())


@pytest.fixture
def galaxy() -> SkyTile:
    """A galaxy whose centre lies 3 pixels from where the table has it, and a small neighbour."""
    return sky((214.0, 210.0, 9.0, 400.0), (270.0, 215.0, 3.0, 20.0))


def test_one_galaxy_in_a_tile_a_folder_a_file_and_fits_shows_one_picture(
    galaxy: SkyTile, tmp_path: Path
) -> None:
    png, tight, cube = tmp_path / "field.png", tmp_path / "tight.png", tmp_path / "cube.fits"
    picture = field_picture(galaxy)
    Image.fromarray(picture).save(png)
    Image.fromarray(picture[106:318, 106:318]).save(tight)  # the galaxy fills it
    fits.writeto(cube, galaxy.pixels[:, 60:360, 60:364])  # FITS: the south first
    shown = of_tile(galaxy).rgb
    folder = CutoutTile("t", galaxy.sources, (png,))
    (in_folder,) = image_batches(FOLDER, folder, FINDING, CPU, 8, [])
    (opened,) = see_opened([open_image(png, None)], Seeing(FINDING, CPU))
    assert torch.equal(in_folder.rgb, opened.rgb)
    assert torch.equal(in_folder.rgb, of_files(png).rgb)
    files = of_files(png, tight, cube)
    other = of_tile(sky((214.0, 210.0, 9.0, 400.0), seed=4)).rgb  # other noise alone
    larger = of_tile(galaxy, ImageRecipe(size=64, framing=FramingRule(3.8))).rgb
    for row in range(3):
        assert difference(files.rgb[row], shown[0]) < 0.6 * difference(other[0], shown[0])
        assert difference(files.rgb[row], shown[0]) < difference(larger[0], shown[0]) / 3
    assert (
        flags(files) == [*flags(in_folder), *flags(opened), *flags(of_tile(galaxy))] == [FramingFlag(0)] * 3
    )


def test_the_galaxy_is_in_the_middle_and_as_wide_as_the_rule_says(galaxy: SkyTile) -> None:
    shown = of_tile(galaxy).rgb[0].mean(dim=0)
    bright = shown > shown.amax() / 2
    rows, columns = torch.nonzero(bright, as_tuple=True)
    assert (float(columns.float().mean()), float(rows.float().mean())) == pytest.approx((31.5, 31.5), abs=1)
    wide = of_tile(galaxy, ImageRecipe(size=64, framing=FramingRule(2 * 3.2))).rgb[0].mean(dim=0)
    n_wide = int((wide > wide.amax() / 2).sum())
    assert n_wide == pytest.approx(int(bright.sum()) / 4, rel=0.15)


def test_the_picture_of_a_tile_is_the_same_bit_by_bit_whatever_is_beside_it(galaxy: SkyTile) -> None:
    n = 9
    wcs = galaxy.wcs
    x, y = np.random.default_rng(1).uniform(150, 270, (2, n))
    ra, dec = wcs.all_pix2world(np.append(x, 212.0), np.append(y, 208.0), 0)
    several = sky_tile(galaxy.pixels, wcs, sources_at(ra, dec, SCALE))
    assert torch.equal(of_tile(galaxy).rgb[0], torch.cat([b.rgb for b in image_batches(
        LEGACY, several, FINDING, CPU, 4, [])])[n])  # fmt: skip


def test_releases_without_a_rule_show_what_they_did(galaxy: SkyTile, tmp_path: Path) -> None:
    path = tmp_path / "field.png"
    Image.fromarray(field_picture(galaxy)).save(path)
    batch = of_files(path, recipe=PLAIN)
    assert torch.equal(batch.rgb[0], fit_picture(Image.open(path), 64, 0.4))
    assert batch.flags.tolist() == of_tile(galaxy, PLAIN).flags.tolist() == [0]
    asked = of_files(path, recipe=PLAIN, asked=read_frame("0.6"))
    assert torch.equal(asked.rgb[0], fit_picture(Image.open(path), 64, 0.6))


def test_a_galaxy_of_known_radius_that_is_not_found_is_seen_in_the_recipes_share() -> None:
    empty = sky()
    batch = of_tile(empty)
    assert flags(batch) == [FramingFlag.NO_OBJECT]
    torch.testing.assert_close(batch.rgb, of_tile(empty, PLAIN).rgb, atol=1e-4, rtol=0)


def test_in_a_tile_a_neighbour_or_a_halo_does_not_widen_the_frame_of_a_known_radius() -> None:
    own = (212.0, 208.0, 9.0, 400.0)
    close, halo = (250.0, 208.0, 9.0, 900.0), (290.0, 250.0, 45.0, 9000.0)
    for beside in (close, halo):
        blend = sky(own, beside)
        found = find_frames(to_rgb(torch.from_numpy(ours(blend, 112)).flip(1)))
        assert float(found.x) > 112 / 2 + 0.3 * 112 * 0.4 / 2 or float(found.radius) > 1.9 * 112 * 0.4 / 3.2
        batch = of_tile(blend)
        assert flags(batch) == [FramingFlag(0)]
        torch.testing.assert_close(batch.rgb, of_tile(blend, PLAIN).rgb, atol=1e-4, rtol=0)


def test_positions_beside_the_galaxies_of_a_tile_are_flagged_and_keep_the_frame_of_the_radius() -> None:
    for x, beside in ((212.0, False), (232.0, True), (252.0, True)):
        tile = sky((x, 208.0, 9.0, 400.0))
        batch = of_tile(tile)
        assert flags(batch) == [FramingFlag.OFF_CENTRE if beside else FramingFlag(0)], x
        if beside:
            torch.testing.assert_close(batch.rgb, of_tile(tile, PLAIN).rgb, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("size", "small"), [(20, True), (39, True), (40, False), (60, False)])
def test_a_picture_of_few_pixels_is_flagged_by_every_door(size: int, small: bool, tmp_path: Path) -> None:
    png, cube = tmp_path / "small.png", tmp_path / "small.fits"
    tile = sky((214.0, 210.0, 9.0, 400.0))
    picture = Image.fromarray(field_picture(tile, size))
    picture.resize((size + 30, size)).save(png)  # the shorter side counts
    fits.writeto(cube, ours(tile, size)[0])
    folder = CutoutTile("t", tile.sources, (png,))
    (in_folder,) = image_batches(FOLDER, folder, FINDING, CPU, 8, [])
    opened = list(see_opened([ColourPicture(picture)], Seeing(FINDING, CPU)))
    for found in [*flags(of_files(png, cube)), *flags(in_folder), *flags(opened[0])]:
        assert (FramingFlag.SMALL in found) == small


def test_a_field_of_few_pixels_on_a_tile_is_flagged() -> None:
    tile = sky((212.0, 208.0, 2.0, 60.0))
    for scale, small in ((0.02, True), (0.05, False)):  # 32 and 81 of the tile's pixels
        batch = of_tile(replace(tile, sources=sources_at(tile.sources.ra, tile.sources.dec, scale)))
        assert [FramingFlag.SMALL in flag for flag in flags(batch)] == [small]


def test_a_cutout_whose_galaxy_is_not_found_takes_the_known_radius(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    Image.fromarray(field_picture(sky(), 200)).save(path)
    tile = CutoutTile("t", sources_at(np.array([150.0]), np.array([2.0]), SCALE), (path,))
    text = FOLDER.toml.replace('kind = "cutouts"', 'kind = "cutouts"\npixel_scale_arcsec = 0.5')
    (batch,) = image_batches(survey_from_text(text, path), tile, FINDING, CPU, 8, [])
    assert flags(batch) == [FramingFlag.NO_OBJECT]
    share = 0.4 * 424 * SCALE / 0.5 / 200
    assert difference(batch.rgb[0], fit_picture(Image.open(path), 64, share)) < 0.01
    assert difference(of_files(path).rgb[0], fit_picture(Image.open(path), 64, 1.0)) < 0.01


@pytest.mark.parametrize("recipe", [PLAIN, FINDING])
def test_an_angle_is_measured_in_the_pixels_that_somebody_names(
    recipe: ImageRecipe, galaxy: SkyTile, tmp_path: Path
) -> None:
    png, cube = tmp_path / "field.png", tmp_path / "cube.fits"
    Image.fromarray(field_picture(galaxy)).save(png)
    fits.writeto(cube, galaxy.pixels, galaxy.wcs.to_header())
    by_angle = of_files(png, recipe=recipe, asked=read_frame("33.92arcsec", SCALE)).rgb  # 0.5 of 424 * 0.16
    torch.testing.assert_close(by_angle, of_files(png, recipe=recipe, asked=read_frame("0.5")).rgb)
    by_wcs = of_files(cube, recipe=recipe, asked=read_frame('55.02"')).rgb  # 0.5 of 420 * 0.262
    half = of_files(cube, recipe=recipe, asked=read_frame("0.5")).rgb
    torch.testing.assert_close(by_wcs, half, atol=1e-3, rtol=0)


def test_an_angle_wider_than_the_picture_has_sky_around_it(galaxy: SkyTile, tmp_path: Path) -> None:
    path = tmp_path / "field.png"
    picture = field_picture(galaxy)
    Image.fromarray(picture).save(path)
    shown = of_files(path, asked=read_frame("135.68arcsec", SCALE)).rgb[0]  # twice as wide
    half = fit_picture(Image.fromarray(picture), 32, 1.0)
    assert difference(shown[:, 16:48, 16:48], half) < 0.01
    corner = shown[:, :10, :10].flatten(1).mean(dim=1).numpy()
    edge = np.concatenate([picture[0], picture[-1]]).mean(axis=0) / 255
    np.testing.assert_allclose(corner, edge, atol=0.03)


def test_pictures_of_any_size_share_a_batch_and_keep_their_order(tmp_path: Path) -> None:
    tile = sky((214.0, 210.0, 9.0, 400.0))
    sizes = [60, 424, 20, 60, 1300, 131]
    for i, size in enumerate(sizes):
        Image.fromarray(field_picture(tile, size)).save(tmp_path / f"{i}.png")
    (tmp_path / "2b.png").write_bytes(b"")
    listed = list_images([tmp_path])
    lost: list[tuple[int, str]] = []
    paths, seeing = [one.path for one in listed], Seeing(FINDING, CPU)
    batches = list(see_files(paths, seeing, 4, lambda row, error: lost.append((row, str(error)))))
    assert [row for batch in batches for row in batch.rows.tolist()] == [0, 1, 2, 4, 5, 6]
    assert [len(batch.rows) for batch in batches] == [4, 2]
    assert [(row, "empty" in text) for row, text in lost] == [(3, True)]
    rgb = torch.cat([batch.rgb for batch in batches])
    for row, size in enumerate(sizes):
        alone = of_files(tmp_path / f"{row}.png").rgb[0]
        assert torch.equal(alone, rgb[row])
        assert difference(rgb[row], rgb[1]) < (0.05 if size == 20 else 0.02), size


def test_a_large_picture_is_cut_from_its_own_pixels() -> None:
    fine = np.zeros((1400, 1400), np.float32)
    fine += gaussian((1400, 1400), 700, 700, 15, 2 * math.pi * 15**2 * 0.6)
    fine[690:710, 690:710:2] = 0  # stripes of a pixel, which a smaller copy does not show
    picture = np.repeat((fine * 255).astype(np.uint8)[:, :, None], 3, axis=2)
    opened = ColourPicture(Image.fromarray(picture))
    assert opened.search_copy().rgb.shape == (3, 700, 700)
    (batch,) = see_opened([opened], Seeing(ImageRecipe(size=128, framing=FramingRule()), CPU))
    middle = batch.rgb[0, 0, 62:66, 58:70]
    assert float(middle.amax() - middle.amin()) > 0.3


@pytest.mark.parametrize("text", ["", "found", " found "])
def test_no_frame_is_asked_for(text: str) -> None:
    assert read_frame(text, 0.262) is None


def test_what_is_asked_is_understood_or_refused_in_one_line() -> None:
    assert read_frame("whole") == RequestedFrame(share=1.0)
    assert read_frame("0.6", 0.2) == RequestedFrame(share=0.6)
    assert read_frame('24"', 0.2) == read_frame("24 arcsec", 0.2) == RequestedFrame(None, 24.0, 0.2)
    for wrong in ("0", "1.5", "-0.3", "nan", "half", "24arcmin", "1.2.3arcsec", "0arcsec"):
        with pytest.raises(FrameError, match="is not understood: say an angle such as 24arcsec"):
            read_frame(wrong)
    for scale in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(FrameError, match="is not above 0"):
            read_frame("whole", scale)


def test_an_angle_without_a_pixel_scale_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    with pytest.raises(FrameError, match="needs the width of a pixel, arcsec: --pixel-scale"):
        of_files(tmp_path / "a.png", asked=read_frame("24arcsec"))
    fits.writeto(tmp_path / "a.fits", np.ones((3, 40, 40), np.float32))
    with pytest.raises(FrameError, match="needs the width of a pixel"):
        of_files(tmp_path / "a.fits", asked=read_frame("24arcsec"))
