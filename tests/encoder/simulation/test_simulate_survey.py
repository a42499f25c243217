"""Simulated bricks: the survey's layout, true positions and fluxes, and agreement where bricks overlap."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from encoder.errors import EncoderError
from encoder.model.gz_tree import GZD5
from encoder.simulation.simulate import simulate_survey
from encoder.simulation.tiling import brick_at, bricks_around, bricks_in_row

ARGUMENTS = {"n_bricks": 2, "galaxies_per_brick": 25, "seed": 3, "ra": 150.0, "dec": 2.0}
NAMES = ("1501p020", "1503p020")


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("survey") / "simulated"
    return simulate_survey(root, **ARGUMENTS)


@pytest.fixture(scope="module")
def catalogues(survey: Path) -> dict[str, pd.DataFrame]:
    return {name: _text(Table.read(survey / f"tractor/{name[:3]}/tractor-{name}.fits")) for name in NAMES}


def _text(table: Table) -> pd.DataFrame:
    table.convert_bytestring_to_unicode()
    return table.to_pandas()


@pytest.fixture(scope="module")
def truth(survey: Path) -> pd.DataFrame:
    return pd.read_parquet(survey / "truth.parquet")


def image(survey: Path, name: str, product: str) -> tuple[np.ndarray, fits.Header]:
    with fits.open(survey / f"coadd/{name[:3]}/{name}/legacysurvey-{name}-{product}.fits.fz") as file:
        return file[1].data, file[1].header


def test_every_file_has_its_survey_name_and_opens(survey: Path) -> None:
    found = sorted(str(path.relative_to(survey)) for path in survey.rglob("*") if path.is_file())
    products = ("image-g", "image-r", "image-z", "maskbits")
    expected = [
        f"coadd/{name[:3]}/{name}/legacysurvey-{name}-{product}.fits.fz"
        for name in NAMES
        for product in products
    ]
    expected += [f"tractor/{name[:3]}/tractor-{name}.fits" for name in NAMES]
    assert found == sorted([*expected, "simulation.json", "truth.parquet"])
    pixels, header = image(survey, NAMES[0], "image-r")
    assert (pixels.shape, pixels.dtype.kind) == ((3600, 3600), "f")
    assert (header["BRICKNAM"], header["FILTER"], header["MAGZERO"]) == (NAMES[0], "r", 22.5)
    scale = np.sqrt(np.linalg.det(WCS(header).pixel_scale_matrix) ** 2) ** 0.5 * 3600
    assert scale == pytest.approx(0.262)
    mask, _ = image(survey, NAMES[0], "maskbits")
    assert (mask.shape, mask.dtype.kind) == ((3600, 3600), "i")


def test_catalogue_columns_have_the_surveys_types(survey: Path) -> None:
    table = Table.read(survey / f"tractor/150/tractor-{NAMES[0]}.fits")
    kinds = {name: table[name].dtype.newbyteorder("=").str.lstrip("<>|=") for name in table.colnames}
    expected = {"release": "i2", "brickid": "i4", "objid": "i4", "brick_primary": "b1", "maskbits": "i4"}
    expected |= {"type": "S3", "ra": "f8", "dec": "f8", "flux_r": "f4", "shape_r": "f4", "sersic": "f4"}
    assert {name: kinds[name] for name in expected} == expected
    assert set(np.unique(table["type"].astype(str))) <= {"PSF", "REX", "EXP", "DEV", "SER"}
    np.testing.assert_array_equal(table["objid"], np.arange(len(table)))


def test_wcs_puts_stars_on_their_positions(survey: Path, catalogues: dict[str, pd.DataFrame]) -> None:
    pixels, header = image(survey, NAMES[0], "image-r")
    table = catalogues[NAMES[0]]
    stars = table[(table["type"] == "PSF") & table["flux_r"].between(40, 500)]
    x, y = WCS(header).all_world2pix(stars["ra"], stars["dec"], 0)
    offsets = []
    for column, row, centre in zip(
        np.rint(x).astype(int), np.rint(y).astype(int), zip(x, y, strict=True), strict=True
    ):
        if 10 < column < 3589 and 10 < row < 3589:
            cut = pixels[row - 3 : row + 4, column - 3 : column + 4].astype(float)
            dy, dx = np.mgrid[-3:4, -3:4]
            weight = cut / cut.sum()
            offsets.append((column + (weight * dx).sum() - centre[0], row + (weight * dy).sum() - centre[1]))
    assert len(offsets) > 10
    assert np.abs(np.median(offsets, axis=0)).max() < 0.1


def test_an_isolated_galaxy_has_its_catalogue_flux_in_the_image(
    survey: Path, catalogues: dict[str, pd.DataFrame], truth: pd.DataFrame
) -> None:
    table = catalogues[NAMES[0]]
    galaxies = table.merge(truth, on=["brickid", "objid"], suffixes=("", "_true"))
    galaxies = galaxies[(galaxies["kind"] != "artefact") & (galaxies["r_mag"] < 18)]
    measured = 0
    for band in "grz":
        pixels, _ = image(survey, NAMES[0], f"image-{band}")
        for galaxy in galaxies.itertuples():
            radius = 6.2 * galaxy.shape_r_arcsec / 0.262 + 12
            others = table[table["objid"] != galaxy.objid]
            apart = np.hypot(others["bx"] - galaxy.bx, others["by"] - galaxy.by)
            within = others[f"flux_{band}"][apart < 0.8 * radius].sum()
            across = others[f"flux_{band}"][(apart >= 0.8 * radius) & (apart < 2 * radius)].sum()
            inside = min(galaxy.bx, galaxy.by, 3599 - galaxy.bx, 3599 - galaxy.by) > radius
            flux = getattr(galaxy, f"flux_{band}")
            if not inside or within > 0.2 * flux or across > 0.1 * flux:
                continue
            y, x = np.ogrid[:3600, :3600]
            circle = (x - galaxy.bx) ** 2 + (y - galaxy.by) ** 2 < radius**2
            noise = math.sqrt(circle.sum()) * 0.02
            assert pixels[circle].sum(dtype=float) - within == pytest.approx(flux, rel=0.04, abs=3 * noise)
            measured += 1
    assert measured >= 6


def test_a_galaxy_on_the_overlap_is_in_both_bricks_and_primary_in_one(
    catalogues: dict[str, pd.DataFrame],
) -> None:
    left, right = (
        catalogues[name].assign(key=lambda t: list(zip(t["ra"], t["dec"], strict=True))) for name in NAMES
    )
    both = left.merge(right, on="key", suffixes=("_1", "_2"))
    assert len(both) > 30
    assert not np.any(both["brick_primary_1"] & both["brick_primary_2"])
    both = both[(both["dec_1"] - 2.0).abs() < 0.125]  # the bricks above and below own the rest
    assert np.all(both["brick_primary_1"] | both["brick_primary_2"])
    np.testing.assert_array_equal(both["flux_r_1"], both["flux_r_2"])
    edge = math.fsum([brick.ra for brick in bricks_around(150.0, 2.0, 2)]) / 2
    np.testing.assert_array_equal(both["brick_primary_1"], both["ra_1"] < edge)


def test_overlapping_images_show_the_same_sky(survey: Path) -> None:
    (left, header_1), (right, header_2) = (image(survey, name, "image-z") for name in NAMES)
    assert header_1["CRVAL1"] < header_2["CRVAL1"]
    # East is left: the western brick (smaller RA) shares its left edge with the other's right edge.
    x, y = WCS(header_1).all_world2pix(*WCS(header_2).all_pix2world([3500.0], [1800.0], 0), 0)
    dx, dy = round(3500 - float(x[0])), round(1800 - float(y[0]))
    width = 3600 - dx
    one = left[200:3400, :width]
    two = right[200 + dy : 3400 + dy, dx:]
    bright = one > 0.5
    assert bright.sum() > 100
    assert np.corrcoef(one[bright], two[bright])[0, 1] > 0.95


def test_truth_has_one_row_a_galaxy_and_names_its_catalogue_row(
    catalogues: dict[str, pd.DataFrame], truth: pd.DataFrame
) -> None:
    everything = pd.concat(catalogues.values())
    joined = truth.merge(
        everything, on=["release", "brickid", "objid"], suffixes=("", "_row"), validate="1:1"
    )
    assert len(joined) == len(truth) == 2 * 25
    assert joined["brick_primary"].all()
    assert (joined["brick"] == joined["brickname"]).all()
    np.testing.assert_array_equal(joined["ra"], joined["ra_row"])
    np.testing.assert_allclose(22.5 - 2.5 * np.log10(joined["flux_r"]), joined["r_mag"], atol=1e-4)
    for question in GZD5.questions:
        np.testing.assert_array_equal(
            truth[list(question.labels)].sum(axis=1), truth[f"{question.name}_total-votes"]
        )


def test_primary_area_and_mask_bits_agree(survey: Path, catalogues: dict[str, pd.DataFrame]) -> None:
    table = catalogues[NAMES[0]]
    inner = table[np.hypot(table["bx"] - 1799.5, table["by"] - 1799.5) < 1700]
    assert inner["brick_primary"].all()
    outside = (table["maskbits"] & 1).astype(bool)
    assert (outside == ~table["brick_primary"]).mean() > 0.995  # a source on the edge's own pixel may differ
    mask, _ = image(survey, NAMES[0], "maskbits")
    stars = table[(table["type"] == "PSF") & (table["flux_r"] > 10 ** ((22.5 - 12.5) / 2.5))]
    assert len(stars) >= 1
    for star in stars.itertuples():
        assert mask[round(star.by), round(star.bx)] & 0b11111110 == 0b11111110


def test_a_second_call_with_the_same_arguments_touches_nothing(survey: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in survey.rglob("*")}
    told: list[str] = []
    assert simulate_survey(survey, **ARGUMENTS, progress=told.append) == survey
    assert {path: path.stat().st_mtime_ns for path in survey.rglob("*")} == before
    assert told == []


def test_other_arguments_on_the_same_folder_are_refused_in_one_line(survey: Path) -> None:
    with pytest.raises(EncoderError, match="holds another simulation: seed 3 not 4") as caught:
        simulate_survey(survey, **(ARGUMENTS | {"seed": 4}))
    assert "\n" not in str(caught.value)


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(EncoderError, match="is not empty"):
        simulate_survey(tmp_path, **ARGUMENTS)


def test_a_killed_run_is_finished_by_the_next_one_with_the_same_files(survey: Path, tmp_path: Path) -> None:
    root = tmp_path / "killed"
    shutil.copytree(survey, root)
    # As a kill in the second brick leaves it: an image half written under its partial name, no catalogue.
    catalogue = root / f"tractor/150/tractor-{NAMES[1]}.fits"
    unfinished = root / f"coadd/150/{NAMES[1]}/legacysurvey-{NAMES[1]}-image-r.fits.fz"
    for path in (catalogue, unfinished, root / "truth.parquet"):
        path.unlink()
    unfinished.with_name(f".{unfinished.name}.part").write_bytes(b"SIMPLE  = ")
    (root / "simulation.json").write_text(json.dumps(ARGUMENTS | {"finished": False}))
    told: list[str] = []
    simulate_survey(root, **ARGUMENTS, progress=told.append)
    assert told == [f"brick 1 of 1: {NAMES[1]}"]
    for path in survey.rglob("*.f*"):
        assert (root / path.relative_to(survey)).read_bytes() == path.read_bytes()
    assert not list(root.rglob(".*"))
    pd.testing.assert_frame_equal(
        pd.read_parquet(root / "truth.parquet"), pd.read_parquet(survey / "truth.parquet")
    )


def test_a_root_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EncoderError, match="cannot be made a folder"):
        simulate_survey(tmp_path / "file", **ARGUMENTS)


def test_brick_names_and_numbers_are_the_surveys_own() -> None:
    brick = brick_at(360, 0)
    assert (brick.name, brick.brickid) == ("0001p000", 330368)
    assert sum(bricks_in_row(row) for row in range(721)) == 662174
    assert brick_at(360, -1).name == "3598p000"
    assert brick_at(351, 4).name == "0011m022"


@pytest.mark.parametrize(("ra", "dec", "n"), [(-1.0, 2.0, 2), (10.0, 88.0, 2), (10.0, 2.0, 0)])
def test_impossible_surveys_are_refused_in_one_line(tmp_path: Path, ra: float, dec: float, n: int) -> None:
    with pytest.raises(EncoderError, match=r"simulated") as caught:
        simulate_survey(tmp_path / "x", n_bricks=n, ra=ra, dec=dec)
    assert "\n" not in str(caught.value)
