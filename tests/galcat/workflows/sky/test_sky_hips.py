"""The survey's own tiles as a HiPS: galaxies stand where HEALPix says, and what cannot be drawn is named."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from astropy_healpix import HEALPix
from PIL import Image

from catalog.database.connection import connect
from catalog.tap.limits import ServiceLimits
from catalog.web.app import page_routes
from catalog.web.page_services import PageServices
from encoder.tiles.sky_positions import pixel_to_icrs
from galcat.errors import WorkflowError
from galcat.workflows.sky.aladin import add_aladin
from galcat.workflows.sky.sky_hips import draw_part, make_hips
from tests.catalog.tap.tap_server import serving
from tests.encoder.tiles.fits_tiles import tan_wcs
from tests.galcat.bricks import write_brick
from tests.galcat.cli.command_line import Galcat
from tests.waiting import LAST_LIMIT_S

BRICKS = {"0100p000": (10.0, 0.0), "0101p000": (10.1, 0.0)}
ORDER = 9
SHOTS = Path(__file__).resolve().parents[4] / "runs" / "screenshots"


@pytest.fixture
def filled(galcat: Galcat, tmp_path: Path, weights: Path) -> Galcat:
    """A catalogue of two bricks, whose brightest galaxy is in the middle of each."""
    for name in BRICKS:
        write_brick(tmp_path / "bricks", name)
    assert galcat("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights).code == 0
    return galcat


def brightness_at(hips: Path, place: SkyCoord) -> int:
    """The pixel of the finest tile at a place, found by HEALPix: brightest channel."""
    cell = int(HEALPix(2**ORDER, order="nested", frame="icrs").skycoord_to_healpix(place))
    tile = hips / f"Norder{ORDER}" / f"Dir{cell // 10_000 * 10_000}" / f"Npix{cell}.png"
    pixels = np.asarray(Image.open(tile).convert("RGB")).max(axis=2)
    fine = HEALPix(2 ** (ORDER + 9), order="nested", frame="icrs")
    inside = int(fine.skycoord_to_healpix(place)) - cell * 4**9
    # HiPS 1.0, section 4.1: in a tile the bits of the nested index are x and y in turn, the tile transposed.
    x = sum((inside >> (2 * bit) & 1) << bit for bit in range(9))
    y = sum((inside >> (2 * bit + 1) & 1) << bit for bit in range(9))
    row, column = x, y
    return int(pixels[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].max())


def test_galaxies_stand_where_healpix_has_them(filled: Galcat, tmp_path: Path) -> None:
    said = filled("hips", tmp_path / "sky", "--order", ORDER)
    assert said.code == 0, said.err
    assert f"2 tiles are drawn in {tmp_path / 'sky'}, down to order {ORDER}" in " ".join(said.err.split())
    for ra, dec in BRICKS.values():
        place = SkyCoord(ra, dec, unit="deg")
        assert brightness_at(tmp_path / "sky", place) > 150
        assert (
            brightness_at(tmp_path / "sky", place.directional_offset_by(45 * units.deg, 25 * units.arcsec))
            < 90
        )
    properties = dict(
        [part.strip() for part in line.split("=", 1)]
        for line in (tmp_path / "sky" / "properties").read_text().splitlines()
    )
    assert (properties["hips_order"], properties["hips_tile_format"]) == (str(ORDER), "png")
    assert (tmp_path / "sky" / "Norder3").is_dir()
    again = filled("hips", tmp_path / "sky")
    assert again.code == 1
    assert "is there already" in again.err
    (tmp_path / "sky").rename(tmp_path / "large_disk")  # whoever keeps it elsewhere leaves a link
    (tmp_path / "sky").symlink_to(tmp_path / "large_disk")
    said = filled("hips", tmp_path / "sky", "--order", ORDER - 1, "--replace")
    assert said.code == 0, said.err
    assert (tmp_path / "sky").is_symlink()
    assert not (tmp_path / "large_disk" / f"Norder{ORDER}").exists()
    assert (tmp_path / "large_disk" / f"Norder{ORDER - 1}").is_dir()
    assert {path.name for path in tmp_path.glob("*[ys]k*")} == {"sky", "large_disk"}
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def coordinates(kind: str) -> WCS:
    """World coordinates of 200 x 200 pixels about (10, 0) degrees, 0.5 arcsec each."""
    wcs = tan_wcs(10.0, 0.0, (200, 200), 0.5)
    header = wcs.to_header()
    if kind == "TAN-SIP":
        header.update({"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2})
        header.update({"A_2_0": 2e-3, "B_0_2": 2e-3})
    elif kind == "TPV":
        header.update({"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV"})
        header.update({"PV1_0": 1e-3, "PV1_1": 1.0, "PV2_0": 5e-4, "PV2_1": 1.0})
    elif kind == "ZPN":
        header.update({"CTYPE1": "RA---ZPN", "CTYPE2": "DEC--ZPN", "PV2_1": 1.0, "PV2_3": 900.0})
    elif kind == "DEC first":
        header.update({"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": 0.0, "CRVAL2": 10.0})
    elif kind == "galactic":
        middle = SkyCoord(10.0, 0.0, unit="deg").galactic
        header.update({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"})
        header.update({"CRVAL1": middle.l.deg, "CRVAL2": middle.b.deg})
    return WCS(header)


@pytest.mark.parametrize("kind", ["TAN-SIP", "TPV", "ZPN", "DEC first", "galactic"])
def test_every_kind_of_world_coordinates_is_drawn_where_it_lies(kind: str, tmp_path: Path) -> None:
    wcs = coordinates(kind)
    colours = np.full((3, 200, 200), 10, np.float32)
    x, y = 30.0, 160.0
    colours[:, 157:164, 27:34] = 250
    draw_part(colours, wcs, tmp_path / "sky", ORDER)
    ra, dec = pixel_to_icrs(wcs, [x], [y])
    place = SkyCoord(ra[0], dec[0], unit="deg")
    assert brightness_at(tmp_path / "sky", place) > 200
    if kind in {"TAN-SIP", "TPV"}:  # without the distortion it would lie elsewhere
        ra, dec = pixel_to_icrs(coordinates("TAN"), [x], [y])
        plain = SkyCoord(ra[0], dec[0], unit="deg")
        assert plain.separation(place).arcsec > 3
        assert brightness_at(tmp_path / "sky", plain) < 100


def test_world_coordinates_that_lead_nowhere_are_one_line(tmp_path: Path) -> None:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["LINEAR", "LINEAR"]
    with pytest.raises(WorkflowError, match=r"^it cannot be drawn: [^\n]+$"):
        draw_part(np.ones((3, 20, 20), np.float32), wcs, tmp_path / "sky", ORDER)


def test_a_tile_whose_files_are_gone_is_named_and_nothing_half_made_stays(
    filled: Galcat, database: str, tmp_path: Path
) -> None:
    del filled
    for path in (tmp_path / "bricks").rglob("*image-r*"):
        path.unlink()
    with pytest.raises(WorkflowError, match=r"no tile can be drawn: 0100p000: "):
        make_hips(database, tmp_path / "sky", ORDER)
    assert not (tmp_path / "sky").exists()
    with connect(database, autocommit=True) as connection:
        connection.execute("UPDATE galcat.tile SET folder = '/nowhere'")
    with pytest.raises(WorkflowError, match="/nowhere is not on this machine"):
        make_hips(database, tmp_path / "sky", ORDER)


def test_another_package_is_not_taken_for_aladin(tmp_path: Path) -> None:
    forged = tmp_path / "aladin-lite-3.8.2.tgz"
    forged.write_bytes(b"something else")
    with pytest.raises(WorkflowError, match=r"aladin-lite@3\.8\.2: its SHA-512 differs"):
        add_aladin(tmp_path / "aladin", forged)
    with pytest.raises(WorkflowError, match="No such file"):
        add_aladin(tmp_path / "aladin", tmp_path / "none.tgz")
    assert not (tmp_path / "aladin").exists()


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the driver's own pipes
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not here: apt-get install chromium")
def test_aladin_shows_the_hips_in_the_sky_pane_and_asks_nobody_else(
    filled: Galcat, database: str, tmp_path: Path
) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    home = tmp_path / "home"
    try:
        add_aladin(home / "aladin")
    except WorkflowError as error:
        pytest.skip(f"Aladin Lite cannot be fetched here: {error}")
    assert filled("hips", home / "hips", "--order", ORDER).code == 0
    parts = PageServices(tmp_path / "page.key", home=home)
    asked: list[str] = []
    with (
        serving(
            database, tmp_path / "spool", ServiceLimits(), make_pages=lambda made: page_routes(made, parts)
        ) as served,
        playwright.sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader"],
        )
        tab = browser.new_page(base_url=served.url, viewport={"width": 1440, "height": 900})
        tab.set_default_timeout(LAST_LIMIT_S * 1000)
        tab.on("response", lambda answer: asked.append(answer.url))
        tab.goto("/")
        with tab.expect_response(lambda answer: "/page/hips/Norder" in answer.url and answer.ok):
            tab.get_by_role("button", name="Sky").click()
        frame = tab.frame_locator("#sky-pane iframe")
        frame.locator("body[data-ready]").wait_for(state="attached")
        SHOTS.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=SHOTS / "aladin_1440.png")
        browser.close()
    assert {urlsplit(one).netloc for one in asked if one.startswith("http")} == {urlsplit(served.url).netloc}


def test_without_a_hips_the_viewer_is_not_offered(filled: Galcat, database: str, tmp_path: Path) -> None:
    del filled
    parts = PageServices(tmp_path / "page.key", home=tmp_path / "home")
    pages = lambda made: page_routes(made, parts)  # noqa: E731 - one line
    with (
        serving(database, tmp_path / "spool", ServiceLimits(), make_pages=pages) as served,
        httpx.Client(base_url=served.url) as client,
    ):
        assert "data-viewer" not in client.get("/").text
        missing = client.get("/sky")
        assert missing.status_code == 404
        assert "galcat hips and galcat aladin add it" in missing.text
        (tmp_path / "home" / "hips").mkdir(parents=True)
        (tmp_path / "home" / "aladin").mkdir()
        (tmp_path / "home" / "hips" / "properties").write_text("hips_order = 3\n")
        (tmp_path / "home" / "aladin" / "aladin.js").write_text("export default {};\n")
        (tmp_path / "home" / "secret").write_text("x")
        assert 'data-viewer="/sky"' in client.get("/").text
        frame = client.get("/sky")
        assert frame.headers["x-frame-options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in frame.headers["content-security-policy"]
        assert "connect-src 'self' data: blob:;" in frame.headers["content-security-policy"]
        assert client.get("/page/hips/properties").text == "hips_order = 3\n"
        for path in ("/page/hips/../secret", "/page/hips/%2e%2e/secret", "/page/aladin/..%2fsecret"):
            assert client.get(path).status_code == 404, path
