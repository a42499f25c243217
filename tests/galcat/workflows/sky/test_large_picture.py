"""A galaxy's picture is drawn from its tile: where things lie in it, how bright, and what the marks say."""

import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray
from PIL import Image

from catalog.tap.datalink.galaxy_files import GalaxyFiles
from catalog.tap.errors import UsageError
from catalog.web.drawing import Drawing
from encoder import surveys
from galcat.workflows.sky.large_picture import TileDrawer, round_length
from tests.encoder.tiles.fits_tiles import gaussian

TILE, SIDE, SCALE_ARCSEC, FIELD_ARCSEC, SIZE = "0100p000", 240, 0.5, 40.0, 400
NORTH_ARCSEC, EAST_ARCSEC = 10.0, 15.0
TURN_DEG = 30.0
PLAIN = Drawing(has_marks=False)


def turned_wcs() -> WCS:
    """North is 30 degrees left of up, east to the left of it."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crpix, wcs.wcs.crval = [SIDE / 2 + 0.5] * 2, [10.0, 0.0]
    turn, scale = np.radians(TURN_DEG), SCALE_ARCSEC / 3600
    wcs.wcs.cd = scale * np.array([[-np.cos(turn), -np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return wcs


def place(ra_deg: float, dec_deg: float) -> tuple[float, float]:
    x, y = turned_wcs().all_world2pix(ra_deg, dec_deg, 0)
    return float(x), float(y)


@pytest.fixture
def galaxy(tmp_path: Path) -> GalaxyFiles:
    """A white galaxy at (10, 0) with a red spot 10 arcsec north of it and a blue one 15 arcsec east."""
    folder = tmp_path / "coadd" / TILE[:3] / TILE
    folder.mkdir(parents=True)
    spots = {
        "z": [(10, 0, 9.5), (10, NORTH_ARCSEC / 3600, 3.0)],
        "r": [(10, 0, 7.0)],
        "g": [(10, 0, 4.0), (10 + EAST_ARCSEC / 3600, 0, 3.0)],
    }
    for band, some in spots.items():
        image = sum(gaussian((SIDE, SIDE), *place(ra, dec), 2.0, flux) for ra, dec, flux in some)
        hdu = fits.CompImageHDU(np.asarray(image, np.float32), turned_wcs().to_header())
        hdu.writeto(folder / f"legacysurvey-{TILE}-image-{band}.fits.fz")
    definition = (Path(surveys.__file__).parent / "legacy_dr10.toml").read_text(encoding="utf-8")
    field = FIELD_ARCSEC / 3600
    return GalaxyFiles(5, 10.0, 0.0, field, "legacy_dr10", "grz", definition, TILE, str(tmp_path), None)


def pixels(content: bytes | None) -> NDArray[np.float64]:
    assert content is not None
    return np.asarray(Image.open(io.BytesIO(content)), float)


def brightest(channel: NDArray[np.float64]) -> tuple[float, float]:
    """Middle of what is brighter than half the brightest, right and up from the middle of the picture."""
    y, x = np.nonzero(channel > channel.max() / 2)
    return x.mean() - (SIZE - 1) / 2, (SIZE - 1) / 2 - y.mean()


def test_north_and_east_lie_where_the_tile_has_them_at_its_scale(galaxy: GalaxyFiles) -> None:
    picture = pixels(TileDrawer().draw(galaxy, PLAIN, SIZE))
    assert picture.shape == (SIZE, SIZE, 3)
    red, blue = picture[..., 0] - picture[..., 2], picture[..., 2] - picture[..., 0]
    turn, per_px = np.radians(TURN_DEG), FIELD_ARCSEC / SIZE
    north = (-np.sin(turn) * NORTH_ARCSEC / per_px, np.cos(turn) * NORTH_ARCSEC / per_px)
    east = (-np.cos(turn) * EAST_ARCSEC / per_px, -np.sin(turn) * EAST_ARCSEC / per_px)
    assert brightest(red) == pytest.approx(north, abs=3)
    assert brightest(blue) == pytest.approx(east, abs=3)
    assert brightest(picture[..., 1]) == pytest.approx((0, 0), abs=1.5)


def test_twice_the_width_shows_things_at_half_the_distance(galaxy: GalaxyFiles) -> None:
    once, twice = (
        pixels(TileDrawer().draw(galaxy, Drawing(width=width, has_marks=False), SIZE)) for width in (1, 2)
    )
    far, near = (np.hypot(*brightest(one[..., 0] - one[..., 2])) for one in (once, twice))
    assert near == pytest.approx(far / 2, abs=6)


def test_sliders_do_what_they_are_called(galaxy: GalaxyFiles) -> None:
    usual = pixels(TileDrawer().draw(galaxy, PLAIN, SIZE))
    drawn = {
        name: pixels(TileDrawer().draw(galaxy, Drawing(**change, has_marks=False), SIZE))
        for name, change in {
            "bright": {"brightness": 2.0},
            "white": {"white": 2.0},
            "red": {"red": 0.0},
        }.items()
    }
    assert drawn["bright"].mean() > usual.mean() > drawn["white"].mean()
    assert drawn["red"][..., 0].max() < usual[..., 0].max() / 2


def test_the_bar_is_as_long_as_it_says(galaxy: GalaxyFiles) -> None:
    marked = pixels(TileDrawer().draw(galaxy, Drawing(), SIZE))
    difference = np.abs(marked - pixels(TileDrawer().draw(galaxy, PLAIN, SIZE))).max(axis=2)
    assert round_length(FIELD_ARCSEC * 0.3) == 10
    row = marked[SIZE - round(SIZE * 0.045)].min(axis=1) > 200
    assert row[: SIZE // 2].sum() == pytest.approx(10 / FIELD_ARCSEC * SIZE, abs=4)
    assert difference[: SIZE // 2, : SIZE // 2].max() < 30  # marks stand below


def test_what_cannot_be_drawn_is_none_or_refused(galaxy: GalaxyFiles, tmp_path: Path) -> None:
    assert TileDrawer().bands(galaxy) == ("z", "r", "g")
    huge = GalaxyFiles(5, 10.0, 0.0, 1.0, *list(vars(galaxy).values())[4:])
    with pytest.raises(UsageError, match="2,000 at most are cut"):
        TileDrawer().draw(huge, PLAIN, SIZE)
    away = GalaxyFiles(5, 11.0, 0.0, 0.01, *list(vars(galaxy).values())[4:])
    assert TileDrawer().draw(away, PLAIN, SIZE) is None
    next(tmp_path.rglob("*image-z*")).unlink()
    assert TileDrawer().bands(galaxy) == ()
    assert TileDrawer().draw(galaxy, PLAIN, SIZE) is None
