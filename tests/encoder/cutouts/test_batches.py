"""Cutouts of a sky tile: place, flux and likeness to `reproject`; what is skipped and why."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from encoder.cutouts.batches import image_batches
from encoder.cutouts.local_wcs import local_maps
from encoder.cutouts.plan import cut_flux, plan_cutouts
from encoder.cutouts.stretch import to_rgb
from encoder.model.recipe import ImageRecipe
from encoder.surveys.survey_file import load_survey
from encoder.tiles.source_table import SkippedRow
from encoder.tiles.tiles import SkyTile
from tests.encoder.cutouts.reference_cutouts import (
    by_reproject,
    galaxy_field,
    ours,
    published_picture,
    sky_tile,
    sources_at,
)
from tests.encoder.tiles.fits_tiles import SCALE_ARCSEC, gaussian, tan_wcs

LEGACY = load_survey("legacy_dr10")
CPU = torch.device("cpu")


def flat_tile(n: int, scale: float, shape: tuple[int, int] = (400, 420), seed: int = 1) -> SkyTile:
    """n sources at random places well inside a tile of noise about 1."""
    random = np.random.default_rng(seed)
    wcs = tan_wcs(20.0, -5.0, shape)
    half = 424 * scale / SCALE_ARCSEC / 2 + 2
    x, y = random.uniform(half, shape[1] - half, n), random.uniform(half, shape[0] - half, n)
    ra, dec = wcs.all_pix2world(x, y, 0)
    pixels = random.normal(1, 0.05, (3, *shape)).astype(np.float32)
    return sky_tile(pixels, wcs, sources_at(ra, dec, scale))


def pictures(
    tile: SkyTile, size: int = 24, batch_size: int = 8
) -> tuple[list[int], torch.Tensor, list[SkippedRow]]:
    skipped: list[SkippedRow] = []
    found = list(image_batches(LEGACY, tile, ImageRecipe(size=size), "cpu", batch_size, skipped))
    rows = [row for batch in found for row in batch.rows.tolist()]
    rgb = torch.cat([batch.rgb for batch in found]) if found else torch.empty(0, 3, size, size)
    return rows, rgb, skipped


def centroid(image: NDArray[np.float32], x: float, y: float, radius: float) -> tuple[float, float]:
    rows, columns = np.indices(image.shape)
    weight = np.where(np.hypot(columns - x, rows - y) < radius, image, 0).astype(np.float64)
    return float((weight * columns).sum() / weight.sum()), float((weight * rows).sum() / weight.sum())


@pytest.mark.parametrize(("rotation", "mirror"), [(0, False), (33, False), (90, True), (200, False)])
@pytest.mark.parametrize(("scale", "size"), [(0.1, 160), (0.1, 424), (0.15, 151), (0.4, 224), (1.0, 97)])
def test_point_sources_land_on_the_right_pixel(
    scale: float, size: int, rotation: float, mirror: bool
) -> None:
    side = int(424 * scale / SCALE_ARCSEC * 1.5) + 60
    shape = (side, side + 11)
    wcs = tan_wcs(359.999, 60.0, shape, rotation_deg=rotation, mirror=mirror)
    step = 424 * scale / size
    sigma_px = max(2.1, 1.5 * step / SCALE_ARCSEC)  # wide enough that its centroid means something
    x0, y0 = side / 2 + 4.3, side / 2 - 3.8
    x1, y1 = x0 + 60 * scale / SCALE_ARCSEC, y0 + 110 * scale / SCALE_ARCSEC
    image = np.stack([gaussian(shape, x0, y0, sigma_px, 1.0), gaussian(shape, x1, y1, sigma_px, 1.0)])
    (ra, ra1), (dec, dec1) = wcs.all_pix2world([x0, x1], [y0, y1], 0)
    cut = ours(sky_tile(image, wcs, sources_at(np.array([ra % 360]), np.array([dec]), scale)), size)[0]

    middle = (size - 1) / 2
    assert centroid(cut[0], middle, middle, 8) == pytest.approx((middle, middle), abs=0.05)
    # The other one where the tangent plane about the first has it, north up and east left.
    dra = np.radians(ra1 - ra)
    d0, d1 = np.radians(dec), np.radians(dec1)
    cosine = np.sin(d0) * np.sin(d1) + np.cos(d0) * np.cos(d1) * np.cos(dra)
    xi = np.degrees(np.cos(d1) * np.sin(dra) / cosine) * 3600
    eta = np.degrees((np.cos(d0) * np.sin(d1) - np.sin(d0) * np.cos(d1) * np.cos(dra)) / cosine) * 3600
    expected = (middle - xi / step, middle - eta / step)
    assert centroid(cut[1], *expected, 8) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("scale", "size"), [(0.1, 160), (0.1, 424), (0.13, 151), (0.3, 224), (0.6, 160), (1.0, 64)]
)
def test_the_total_flux_is_kept_to_two_per_mille(scale: float, size: int) -> None:
    side = int(424 * scale / SCALE_ARCSEC) + 81
    wcs = tan_wcs(10.0, 45.0, (side, side), rotation_deg=12)
    radius_px = max(scale / 0.04 / SCALE_ARCSEC, 2.1)
    image = gaussian((side, side), side / 2 + 0.4, side / 2 - 1.3, radius_px, 250.0)
    ra, dec = wcs.all_pix2world([side / 2 + 0.4], [side / 2 - 1.3], 0)
    cut = ours(sky_tile(image[None], wcs, sources_at(ra, dec, scale)), size)[0, 0]
    step = 424 * scale / size
    assert cut.sum(dtype=np.float64) * (step / SCALE_ARCSEC) ** 2 == pytest.approx(250.0, rel=0.002)


@pytest.mark.parametrize(
    ("scale", "size", "rotation", "mirror", "largest", "rms"),
    [
        (0.1, 160, 0, False, 0.005, 0.0006),
        (0.1, 224, 0, False, 0.035, 0.005),
        (0.2, 75, 33, True, 0.03, 0.004),
        (0.5, 97, 120, False, 0.03, 0.004),
        pytest.param(0.9, 48, 45, False, 0.06, 0.004, marks=pytest.mark.long),
    ],
)
def test_pictures_are_those_of_reproject_and_the_published_recipe(
    scale: float, size: int, rotation: float, mirror: bool, largest: float, rms: float
) -> None:
    side = int(424 * scale / SCALE_ARCSEC * 1.45) + 40
    tile, _place = galaxy_field(
        (side, side + 7), tan_wcs(150.1, 35.0, (side, side + 7), SCALE_ARCSEC, rotation, mirror), 3, scale
    )
    got = to_rgb(torch.from_numpy(ours(tile, size)[:, ::-1].copy()))[0].numpy()
    off = got - published_picture(by_reproject(tile, size))
    assert np.abs(off).max() < largest
    assert np.sqrt((off**2).mean()) < rms


def test_a_map_follows_the_wcs_to_a_thousandth_of_a_pixel() -> None:
    wcs = tan_wcs(100.0, 84.0, (3600, 3600), rotation_deg=5)
    ra, dec = wcs.all_pix2world([100, 3500, 1800], [200, 3400, 1700], 0)
    _maps, misfit_px = local_maps(wcs, ra, dec, np.full(3, 424.0))
    assert misfit_px.max() < 1e-3


def test_shrinking_averages_the_noise_as_an_area_would() -> None:
    random = np.random.default_rng(2)
    shape = (1800, 1800)
    wcs = tan_wcs(20.0, -5.0, shape)
    for scale in (0.2, 0.35, 0.6, 1.0):
        tile = sky_tile(
            random.normal(0, 1, (1, *shape)).astype(np.float32),
            wcs,
            sources_at(np.array([20.0]), np.array([-5.0]), scale),
        )
        native_px = 424 * scale / 64 / SCALE_ARCSEC
        assert ours(tile, 64).std() == pytest.approx(1 / native_px, rel=0.15)


def test_a_crop_is_the_middle_of_the_whole_field() -> None:
    tile = flat_tile(3, 0.2)
    whole = cut_flux(plan_cutouts(tile, ImageRecipe(size=96), CPU, []), 96, 1.0)
    half = cut_flux(plan_cutouts(tile, ImageRecipe(size=48, crop=0.5), CPU, []), 48, 0.5)
    torch.testing.assert_close(half, whole[:, :, 24:72, 24:72])


def test_batches_hold_every_source_once_in_order_whatever_their_size() -> None:
    tile = flat_tile(23, 0.1)
    rows, rgb, skipped = pictures(tile, batch_size=8)
    assert (rows, skipped) == (list(range(23)), [])
    assert (rgb.shape, rgb.dtype) == ((23, 3, 24, 24), torch.float32)
    for batch_size in (1, 100):
        again = pictures(tile, batch_size=batch_size)
        assert again[0] == rows
        torch.testing.assert_close(again[1], rgb, atol=0, rtol=0)


def test_mixed_sizes_give_each_source_the_picture_it_has_alone() -> None:
    tile = flat_tile(6, 0.1, (1900, 1900))
    middle = np.full(6, 20.0), np.full(6, -5.0)
    sources = sources_at(*middle, 0.1)
    sources.pixel_scale_arcsec[:] = [0.1, 1.0, 0.2, 0.1, 0.35, 0.6]
    mixed = ours(sky_tile(tile.pixels, tile.wcs, sources), 32)
    for n, scale in enumerate(sources.pixel_scale_arcsec.tolist()):
        alone = ours(sky_tile(tile.pixels, tile.wcs, sources_at(middle[0][:1], middle[1][:1], scale)), 32)
        np.testing.assert_allclose(mixed[n], alone[0], atol=1e-5)


def test_autocast_about_the_loop_does_not_move_a_pixel() -> None:
    tile = flat_tile(4, 0.1)
    plain = pictures(tile)[1]
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(pictures(tile)[1], plain, atol=0, rtol=0)


def test_a_source_at_the_edge_is_skipped_only_if_a_fifth_of_it_is_lost() -> None:
    shape = (400, 400)
    wcs = tan_wcs(20.0, -5.0, shape)
    field_px = 424 * 0.1 / SCALE_ARCSEC
    lost = np.array([0.0, 0.15, 0.19, 0.21, 0.3, 0.5])
    x = field_px * (0.5 - lost)
    ra, dec = wcs.all_pix2world(x - 0.5, np.full(6, 200.0), 0)
    pixels = np.ones((3, *shape), np.float32)
    rows, rgb, skipped = pictures(sky_tile(pixels, wcs, sources_at(ra, dec, 0.1)))
    assert rows == [0, 1, 2]
    assert [(row.row, row.reason, row.retry) for row in skipped] == [(n, "edge", False) for n in (3, 4, 5)]
    assert skipped[1].detail == "30% of the pixels are bad, 30% off the tile"
    assert rgb[0].std(dim=(1, 2)).max() < 1e-6
    # East is left and pixels run west: what is lost is on the left, and stays at the sky's 0.
    sky = to_rgb(torch.zeros(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(rgb[2, :, 12, 0], sky)


@pytest.mark.parametrize("band", [0, 2])
@pytest.mark.parametrize(("share", "kept"), [(0.18, True), (0.22, False)])
def test_a_fifth_of_bad_pixels_in_any_one_band_skips(band: int, share: float, kept: bool) -> None:
    tile = flat_tile(1, 0.1)
    bad = np.zeros(tile.pixels.shape, np.bool_)
    bad[band] = np.random.default_rng(3).random(tile.pixels.shape[1:]) < share
    rows, _rgb, skipped = pictures(sky_tile(tile.pixels, tile.wcs, tile.sources, bad))
    assert rows == ([0] if kept else [])
    assert [row.reason for row in skipped] == ([] if kept else ["bad_pixels"])


def test_holes_are_filled_from_around_in_their_own_band() -> None:
    shape = (400, 400)
    wcs = tan_wcs(20.0, -5.0, shape)
    rows, columns = np.indices(shape)
    pixels = np.stack([1 + 0.002 * (rows + columns)] * 3).astype(np.float32)
    bad = np.zeros(pixels.shape, np.bool_)
    bad[0, 210:213, 190:194] = True
    bad[1, 150:180, 190:220] = True
    ra, dec = wcs.all_pix2world([200.0], [200.0], 0)
    for scale, size in ((0.1, 100), (0.1, 424), (0.2, 60)):
        whole = ours(sky_tile(pixels, wcs, sources_at(ra, dec, scale)), size)[0]
        holes = ours(sky_tile(pixels, wcs, sources_at(ra, dec, scale), bad), size)[0]
        off = np.abs(holes - whole)
        assert off[0].max() < 0.02  # the ramp changes by 0.012 across the small hole
        assert off[1].max() < 0.13  # and by 0.12 across the large one
        np.testing.assert_allclose(off[2], 0, atol=1e-5)
        share = 30 * 30 / (424 * scale / SCALE_ARCSEC) ** 2
        assert (off[1] > 1e-4).mean() < 1.5 * share  # nothing beyond the hole is touched


def test_sources_without_a_place_or_a_size_are_skipped_as_nan() -> None:
    tile = flat_tile(4, 0.1)
    tile.sources.ra[0], tile.sources.dec[1] = np.nan, np.nan
    tile.sources.pixel_scale_arcsec[2] = np.nan
    rows, _rgb, skipped = pictures(tile)
    assert rows == [3]
    assert [(row.row, row.source_id, row.reason) for row in skipped] == [
        (n, f"s{n}", "nan") for n in range(3)
    ]


def test_a_flux_that_is_not_finite_after_all_is_skipped_as_nan() -> None:
    tile = flat_tile(2, 0.1)
    x, y = tile.wcs.all_world2pix(tile.sources.ra[1], tile.sources.dec[1], 0)
    tile.pixels[1, int(y), int(x)] = np.inf
    _rows, _rgb, skipped = pictures(tile, size=160)
    assert {row.reason for row in skipped} == {"nan"}
    assert "s1" in {row.source_id for row in skipped}


def test_a_tile_without_sources_or_with_none_worth_a_picture_gives_no_batch() -> None:
    empty = np.empty(0)
    tile = flat_tile(1, 0.1)
    assert pictures(sky_tile(tile.pixels, tile.wcs, sources_at(empty, empty, 0.1)))[0] == []
    tile.sources.ra[:] = np.nan
    rows, _rgb, skipped = pictures(tile)
    assert (rows, len(skipped)) == ([], 1)


def test_the_tile_is_left_as_it_was() -> None:
    tile = flat_tile(3, 0.2)
    before = tile.pixels.copy(), tile.bad.copy()
    pictures(tile)
    np.testing.assert_array_equal(tile.pixels, before[0])
    np.testing.assert_array_equal(tile.bad, before[1])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_gpu_makes_the_same_pictures() -> None:
    tile = flat_tile(5, 0.15)
    plain = pictures(tile, 96)[1]
    found = image_batches(LEGACY, tile, ImageRecipe(size=96), "cuda", 8, skipped=[])
    torch.testing.assert_close(torch.cat([batch.rgb.cpu() for batch in found]), plain, atol=1e-4, rtol=0)
