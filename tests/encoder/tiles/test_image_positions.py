"""Where an image lies on the sky: axes in any order, other frames, every projection, impossible places."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from encoder.cutouts.local_wcs import local_maps
from encoder.errors import TileError
from encoder.surveys.survey_file import load_survey
from encoder.tiles.fits_images import celestial_wcs, read_footprint
from encoder.tiles.sky_positions import icrs_to_pixel, pixel_to_icrs
from encoder.tiles.tiles import SkyTile, find_tiles, read_tile
from tests.encoder.tiles.fits_tiles import gaussian, legacy_rows, tan_wcs, transpose, write_legacy_brick
from tests.encoder.tiles.small_surveys import DEC, RA, SHAPE

LEGACY = load_survey("legacy_dr10")


BRICK = "1501p202"


@pytest.mark.parametrize("ra", [RA, 200.0, 355.0, 0.001])
def test_declination_as_the_first_axis_gives_the_same_tile(tmp_path: Path, ra: float) -> None:
    wcs = tan_wcs(ra, DEC, SHAPE, rotation_deg=20)
    x, y = np.array([40.0, 100.0]), np.array([60.0, 50.0])
    rows = legacy_rows(*wcs.all_pix2world(x, y, 0))
    image = gaussian(SHAPE, 40, 60, 3, 50) + np.float32(1e-3)
    write_legacy_brick(tmp_path / "plain", BRICK, dict.fromkeys("grz", image), wcs, rows)
    write_legacy_brick(tmp_path / "turned", BRICK, dict.fromkeys("grz", image.T), transpose(wcs), rows)
    (plain,) = find_tiles(LEGACY, tmp_path / "plain")
    (turned,) = find_tiles(LEGACY, tmp_path / "turned")
    assert (turned.ra, turned.dec) == pytest.approx((plain.ra, plain.dec), abs=1e-9)
    np.testing.assert_allclose(sorted(turned.footprint), sorted(plain.footprint), atol=1e-9)
    one, other = read_tile(LEGACY, plain), read_tile(LEGACY, turned)
    assert isinstance(one, SkyTile)
    assert isinstance(other, SkyTile)
    np.testing.assert_allclose(other.pixels, one.pixels.transpose(0, 2, 1), atol=2.02e-4)
    field = np.full(2, 20.0)
    maps, _ = local_maps(one.wcs, one.sources.ra, one.sources.dec, field)
    swapped, misfit_px = local_maps(other.wcs, other.sources.ra, other.sources.dec, field)
    np.testing.assert_allclose(swapped[:, ::-1], maps, atol=1e-6)  # x is y, and the cutout the same
    assert misfit_px.max() < 1e-3


@pytest.mark.parametrize(
    ("radesys", "equinox", "frame"),
    [
        ("FK4", 1950.0, "fk4"),
        ("FK5", 1975.0, "fk5"),
        ("FK5", 2000.0, "icrs"),
        ("ICRS", None, "icrs"),
        (None, None, "icrs"),
        (None, 1950.0, "fk4"),
        (None, 2000.0, "icrs"),
    ],
)
@pytest.mark.parametrize("dec_first", [False, True])
def test_an_older_equinox_is_precessed_to_icrs(
    radesys: str | None, equinox: float | None, frame: str, dec_first: bool
) -> None:
    wcs = tan_wcs(RA, DEC, SHAPE)
    header = (transpose(wcs) if dec_first else wcs).to_header()
    for key, value in (("RADESYS", radesys), ("EQUINOX", equinox)):
        header.pop(key, None)
        if value is not None:
            header[key] = value
    given = {} if frame == "icrs" else {"equinox": f"{'B' if frame == 'fk4' else 'J'}{equinox}"}
    expected = SkyCoord(RA * units.deg, DEC * units.deg, frame=frame, **given).icrs
    found = celestial_wcs(Path("a.fits"), header)
    at = np.array([(SHAPE[1] - 1) / 2]), np.array([(SHAPE[0] - 1) / 2])
    x, y = at[::-1] if dec_first else at
    ra, dec = pixel_to_icrs(found, x, y)
    assert (ra[0], dec[0]) == pytest.approx((expected.ra.deg, expected.dec.deg), abs=1e-7)
    np.testing.assert_allclose(icrs_to_pixel(found, ra, dec), (x, y), atol=1e-3)


def test_galactic_coordinates_are_converted_and_helioecliptic_ones_are_refused_by_name() -> None:
    wcs = tan_wcs(RA, DEC, SHAPE)
    wcs.wcs.ctype = ["GLON-TAN", "GLAT-TAN"]
    header = wcs.to_header()
    ra, dec = pixel_to_icrs(celestial_wcs(Path("a.fits"), header), [69.5], [59.5])
    expected = SkyCoord(RA * units.deg, DEC * units.deg, frame="galactic").icrs
    assert (ra[0], dec[0]) == pytest.approx((expected.ra.deg, expected.dec.deg), abs=1e-7)
    header["RADESYS"], header["EQUINOX"] = "FK5", 2000.0
    again, _ = pixel_to_icrs(celestial_wcs(Path("a.fits"), header), [69.5], [59.5])
    assert again[0] == ra[0]
    header["CTYPE1"], header["CTYPE2"] = "HLON-TAN", "HLAT-TAN"
    with pytest.raises(TileError, match=r"a\.fits: world coordinates: positions of the system HLON-TAN"):
        celestial_wcs(Path("a.fits"), header)


@pytest.mark.parametrize("projection", ["SIN", "ZEA", "ARC", "STG", "CAR", "AIT", "MOL", "TPV", "HPX"])
def test_any_projection_is_read(tmp_path: Path, projection: str) -> None:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{projection}", f"DEC--{projection}"]
    wcs.wcs.crval, wcs.wcs.crpix = [10.0, 0.0], [40.5, 30.5]
    wcs.wcs.cd = np.diag([-1e-4, 1e-4])
    fits.PrimaryHDU(np.ones((60, 80), np.float32), wcs.to_header()).writeto(tmp_path / "a.fits")
    ra, dec, corners = read_footprint(tmp_path / "a.fits", None)
    assert (ra, dec) == pytest.approx((10, 0), abs=1e-9)
    assert len(corners) == 4


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ({"CRVAL2": 200.0}, "is not on the sky|world coordinates"),
        ({"CD1_1": 0.0, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.0}, "world coordinates|not on the sky"),
        ({"CTYPE2": "RA---TAN"}, "world coordinates"),
        ({"CTYPE1": "VELO-LSR"}, "world coordinates|no right ascension"),
        ({"CRPIX1": 1e12}, "not on the sky|world coordinates"),
    ],
)
def test_an_impossible_place_is_one_line_and_no_position(
    tmp_path: Path, cards: dict[str, object], message: str
) -> None:
    image = np.ones(SHAPE, np.float32)
    wcs = tan_wcs(RA, DEC, SHAPE)
    rows = legacy_rows(np.array([RA]), np.array([DEC]))
    write_legacy_brick(tmp_path, BRICK, dict.fromkeys("grz", image), wcs, rows)
    for path in (tmp_path / "coadd" / "150" / BRICK).glob("*image*"):
        header = wcs.to_header()
        header.update({"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"} if "CRPIX1" in cards else {})
        for name, value in cards.items():
            header[name.replace("CD", "PC") if name.startswith("CD") else name] = value
        fits.CompImageHDU(image, header).writeto(path, overwrite=True)
    (tile,) = find_tiles(LEGACY, tmp_path)
    assert (tile.ra, tile.dec, tile.footprint) == (None, None, ())
    with pytest.raises(TileError, match=message) as caught:
        read_tile(LEGACY, tile)
    assert "\n" not in str(caught.value)
