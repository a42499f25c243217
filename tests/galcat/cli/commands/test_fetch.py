"""From positions to a survey's files, by the command as it is typed, from a server on this machine."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from encoder.surveys.survey_file import load_survey
from tests.galcat.cli.command_line import Galcat
from tests.galcat.workflows.fetch.survey_server import Site, survey_server

BRICKS = Table(
    {
        "brickname": ["1500p020", "1503p020", "1506p020"],
        "ra1": [149.9, 150.15, 150.4],
        "ra2": [150.15, 150.4, 150.65],
        "dec1": [1.875] * 3,
        "dec2": [2.125] * 3,
    }
)
LACKING = "coadd/150/1503p020/legacysurvey-1503p020-image-z.fits.fz"


def brick_files(name: str) -> dict[str, bytes]:
    """A brick's files, of random bytes, and their sums, as the survey publishes them."""
    rng = np.random.default_rng(int(name[:4]))
    coadd = f"coadd/{name[:3]}/{name}/legacysurvey-{name}"
    paths = [f"{coadd}-image-{band}.fits.fz" for band in "grz"]
    files = {path: rng.bytes(5_000) for path in (*paths, f"{coadd}-maskbits.fits.fz")}
    files[f"tractor/{name[:3]}/tractor-{name}.fits"] = rng.bytes(3_000)
    lines = [f"{hashlib.sha256(content).hexdigest()} *{path}" for path, content in files.items()]
    return {**files, f"tractor/{name[:3]}/brick-{name}.sha256sum": "\n".join(lines).encode()}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    files = {
        f"south/{path}": held for name in BRICKS["brickname"] for path, held in brick_files(name).items()
    }
    BRICKS.write(tmp_path / "all.fits")
    BRICKS[["brickname"]][:2].write(tmp_path / "south.fits")
    files["survey-bricks.fits"] = (tmp_path / "all.fits").read_bytes()
    files["south/survey-bricks-south.fits"] = (tmp_path / "south.fits").read_bytes()
    with survey_server(Site({f"/{path}": content for path, content in files.items()})) as running:
        yield running


@pytest.fixture
def survey(site: Site, tmp_path: Path) -> Path:
    """The description of the Legacy Surveys, with that server."""
    text = load_survey("legacy_dr10").toml
    head, servers = text.split("[servers]")
    assert 'tile = "brickname"' in servers
    path = tmp_path / "legacy.toml"
    path.write_text(
        f"""{head}[servers]
files = "{site.url}/south"
tiles = "{site.url}/survey-bricks.fits"
tile = "brickname"
bounds = ["ra1", "ra2", "dec1", "dec2"]
available = "{{files}}/survey-bricks-south.fits"
values = {{ group = "{{tile:.3}}" }}
sums = "{{files}}/tractor/{{group}}/brick-{{tile}}.sha256sum"
cutout = "{site.url}/cut?ra={{ra}}&dec={{dec}}&size={{size}}&pixscale={{pixel_scale}}"
"""
    )
    return path


@pytest.fixture
def galcat(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Galcat:
    """A shell without a database."""
    return Galcat("postgresql://nobody@localhost:1/none", tmp_path / "home", capsys, monkeypatch)


def copied(folder: Path) -> dict[str, bytes]:
    """What lies in the survey's folder, but for the lists of tiles."""
    found = (path for path in folder.rglob("*") if path.is_file() and ".fetch" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def expected(name: str) -> dict[str, bytes]:
    return {path: held for path, held in brick_files(name).items() if not path.endswith("sha256sum")}


def test_a_list_of_positions_brings_the_bricks_that_hold_them(
    galcat: Galcat, survey: Path, site: Site, tmp_path: Path
) -> None:
    table, sky = tmp_path / "list.csv", tmp_path / "sky"
    table.write_text("ra,dec\n150.0,2.0\n150.01,2.0\n150.5,2.0\n150.02,1.9\n")
    words = ("fetch", survey, sky, "--positions", table)
    said = galcat(*words, "--plan")
    assert said.code == 0, said.err
    assert "1 tile, 5 files, 0 MB: 1500p020" in said.err
    assert f"{table}: 1 position lies in no tile that the survey publishes: row 3" in said.err
    assert copied(sky) == {}
    coadd = "/south/coadd/150/1500p020/legacysurvey-1500p020"
    site.cut[f"{coadd}-image-g.fits.fz"], site.files[f"{coadd}-image-r.fits.fz"] = 100, b"damaged"
    said = galcat(*words)
    assert said.code == 1
    assert f"not copied: {site.url}{coadd}-image-r.fits.fz: came twice with another SHA-256 sum" in said.err
    assert f"4 of 5 files are in {sky}" in said.err
    site.files[f"{coadd}-image-r.fits.fz"] = expected("1500p020")[f"{coadd[7:]}-image-r.fits.fz"]
    site.asked.clear()
    said = galcat(*words)
    assert said.code == 0, said.err
    assert copied(sky) == expected("1500p020")
    assert f"next: galcat ingest {sky} --survey {survey}" in said.err
    assert [path for path in site.asked if path.endswith(".fz")] == [f"{coadd}-image-r.fits.fz"]


def test_a_brick_that_lacks_a_file_is_left_out_whole_and_named(
    galcat: Galcat, survey: Path, site: Site, tmp_path: Path
) -> None:
    del site.files[f"/south/{LACKING}"]
    said = galcat("fetch", survey, tmp_path / "sky", "--cone", 150.15, 2.0, 0.3)
    assert said.code == 0, said.err
    assert f"tile 1503p020 is left out: the server has no {site.url}/south/{LACKING}" in said.err
    assert copied(tmp_path / "sky") == expected("1500p020")  # 1506p020 is on the sky and not published


def test_cutouts_are_named_by_a_column(galcat: Galcat, survey: Path, site: Site, tmp_path: Path) -> None:
    table, folder = tmp_path / "list.csv", tmp_path / "cutouts"
    table.write_text("name,ra,dec\none,150.0,2.0\ntwo,-10,-2.5\n")
    for name, query in (("one", "ra=150.0000000&dec=2.0000000"), ("two", "ra=350.0000000&dec=-2.5000000")):
        site.files[f"/cut?{query}&size=128&pixscale=0.262"] = b"SIMPLE  = " + name.encode()
    words = ("fetch", survey, folder, "--positions", table, "--cutouts", "--size", 128)
    said = galcat(*words, "--id-column", "name")
    assert said.code == 0, said.err
    assert copied(folder) == {"one.fits": b"SIMPLE  = one", "two.fits": b"SIMPLE  = two"}
    table.write_text("name,ra,dec\n../one,150.0,2.0\n")
    said = galcat(*words, "--id-column", "name")
    assert (said.code, said.err) == (1, f"error: {table}, row 1: name = '../one' is no name of a file\n")


def test_a_list_of_tiles_that_names_a_tile_by_a_way_out_of_the_folder_is_refused(
    galcat: Galcat, survey: Path, site: Site, tmp_path: Path
) -> None:
    bricks = BRICKS.copy()
    bricks["brickname"] = ["1500p020", "../../../../../out", "1506p020"]
    for path, table in (("/survey-bricks.fits", bricks), ("/south/survey-bricks-south.fits", bricks[:2])):
        table.write(tmp_path / "list.fits", overwrite=True)
        site.files[path] = (tmp_path / "list.fits").read_bytes()
    said = galcat("fetch", survey, tmp_path / "a" / "b" / "sky", "--cone", 150.15, 2.0, 0.3)
    assert said.code == 1
    assert said.err.endswith(
        "survey-bricks.fits, row 2: brickname = '../../../../../out' is no name of a file\n"
    )
    assert copied(tmp_path / "a" / "b" / "sky") == {}


def test_what_is_asked_wrongly_is_one_line(galcat: Galcat, survey: Path, tmp_path: Path) -> None:
    said = galcat("fetch", "decals_fits", tmp_path / "sky", "--cone", 1, 2, 3)
    assert said.code == 1
    assert said.err.startswith("error: survey decals_fits does not say where its files are: give [servers]")
    assert galcat("fetch", survey, tmp_path / "sky").code == 2
    assert galcat("fetch", survey, tmp_path / "sky", "--cone", 1, 200, 3).code == 2
    assert not (tmp_path / "sky" / "coadd").exists()


def test_the_survey_that_ships_says_where_its_files_are() -> None:
    servers = load_survey("legacy_dr10").servers
    assert servers is not None
    brick = {"tile": "1500p020", "files": servers.files}
    assert servers.values["group"].format(**brick) == "150"
    urls = (servers.tiles, servers.available, servers.sums, servers.cutout)
    assert all(url.startswith(("https://", "{files}/")) for url in urls)
