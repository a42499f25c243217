"""Survey descriptions: the shipped ones load, and every typo is refused by file and key."""

import hashlib
import math
from pathlib import Path

import pytest

from encoder.errors import SurveyError
from encoder.surveys.survey_file import SURVEYS, load_survey, survey_names

LEGACY = (SURVEYS / "legacy_dr10.toml").read_text(encoding="utf-8")
RINGS = (SURVEYS / "gz_decals_rings.toml").read_text(encoding="utf-8")


def read_refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SurveyError) as caught:
        load_survey(path)
    message = str(caught.value)
    assert "\n" not in message
    assert "mine.toml" in message
    return message


@pytest.mark.parametrize("name", survey_names())
def test_every_shipped_survey_loads_under_its_own_name(name: str) -> None:
    survey = load_survey(name)
    assert survey.name == name
    assert survey.toml == (SURVEYS / f"{name}.toml").read_text(encoding="utf-8")
    assert load_survey(str(SURVEYS / f"{name}.toml")) == survey


def test_the_legacy_survey_is_the_published_picture_and_selection() -> None:
    survey = load_survey("legacy_dr10")
    assert survey.bands == ("g", "r", "z")
    assert survey.pixel_scale_arcsec == 0.262
    assert survey.rgb is not None
    assert [channel.band for channel in survey.rgb.channels] == ["z", "r", "g"]
    assert survey.rgb.scales == (0.019, 0.014, 0.008)
    selection = {c.column or f"mag {c.magnitude}": (c.test, c.value) for c in survey.catalogue.select}
    assert selection == {
        "type": ("not in", ("PSF", "DUP")),
        "mag r": ("<", 19.0),
        "brick_primary": ("==", True),
        "maskbits": ("bits clear", 0x1 | 0x2 | 0x20 | 0x40 | 0x80 | 0x400),
    }


def test_cutouts_need_not_know_their_pixel_scale() -> None:
    survey = load_survey("gz_decals_rings")
    assert survey.kind == "cutouts"
    assert math.isnan(survey.pixel_scale_arcsec)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        SurveyError, match="no survey 'sdss'; known: decals_fits, gz_decals_rings, legacy_dr10"
    ):
        load_survey("sdss")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match=r"nowhere\.toml: No such file"):
        load_survey(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('shape_r = "shape_r"', 'shape = "shape_r"', "catalogue.shape: unknown key; did you mean 'shape_r'?"),
        ('ra = "ra"', "ra = 7", "catalogue.ra: 7 is not a text"),
        ('ra = "ra"\n', "", "catalogue.ra: missing"),
        ('kind = "tiles"', 'kind = "sky"', "kind: 'sky' is not one of 'tiles', 'cutouts'"),
        (
            "pixel_scale_arcsec = 0.262",
            'pixel_scale_arcsec = "0.262"',
            "pixel_scale_arcsec: '0.262' is not a number",
        ),
        ("pixel_scale_arcsec = 0.262", "pixel_scale_arcsec = 0", "pixel_scale_arcsec: 0.0 is not above 0"),
        ("r = 22.5, z = 22.5 }", "r = 22.5, y = 22.5 }", "image.zero_point: 'y' is not one of bands"),
        ("r = 22.5, z = 22.5 }", "r = 22.5 }", "image.zero_point: 'z' is missing"),
        ("r = 22.5, z = 22.5 }", "r = true, z = 22.5 }", "image.zero_point.r: True is not a number"),
        ("r = 0x40, z = 0x80 }", "r = 0x40 }", "mask.bad_bits: 'z' is missing"),
        ('test = "<"', 'test = "less"', "catalogue.select[1].test: 'less' is not one of '==', '!='"),
        (
            'magnitude = "r"',
            'magnitude = "i"',
            "catalogue.select[1].magnitude: catalogue has no flux or magnitude 'i'",
        ),
        ('magnitude = "r"', "", "catalogue.select[1]: give either column or magnitude"),
        ('value = ["PSF", "DUP"]', 'value = "PSF"', "catalogue.select[0].value: in and not in take a list"),
        ("value = 0x4E3", "value = 1.5", "catalogue.select[3].value: bits need a whole number"),
        ('band = "z", divide_by', 'band = "i", divide_by', "rgb: 'i' is not one of bands"),
        ("divide_by = 0.019", "divide_by = 0", "rgb.z.divide_by: 0.0 is not above 0"),
        ('tractor-{tile}.fits"', 'tractor-{brick}.fits"', "catalogue.path: {brick} is not in image.path"),
        (
            "tractor/{group}/tractor-{tile}.fits",
            "all.fits",
            "catalogue: give either {tile} in path or the column",
        ),
        (
            "image-{band}.fits.fz",
            "image.fits.fz",
            "image: bands need {band} in path, or a plane or an hdu each",
        ),
        ('bands = ["g", "r", "z"]', 'bands = "grz"', "bands: 'grz' is not a list, each a text"),
        (
            'bands = ["g", "r", "z"]',
            'bands = ["g", "g", "z"]',
            "bands: ['g', 'g', 'z'] is empty or names a band twice",
        ),
        ('name = "legacy_dr10"', 'name = "Legacy DR10"', "name: 'Legacy DR10' is not lower case letters"),
        ('kind = "tiles"', "kind = tiles", "Invalid value"),
    ],
)
def test_a_mistake_names_its_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in LEGACY
    assert message in read_refusal(tmp_path, LEGACY.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("images/{image}", "images/one.jpg", "image.path: 'images/one.jpg' names no column of the table"),
        ("labels.csv", "{x}.csv", "catalogue.path: '{x}.csv' has placeholders, but cutouts have one table"),
        ('dec = "dec"', 'dec = "dec"\ntile = "brick"', "catalogue.tile: cutouts have none"),
    ],
)
def test_a_mistake_in_a_cutout_survey_names_its_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert message in read_refusal(tmp_path, RINGS.replace(old, new))


def test_a_comment_does_not_change_what_a_survey_means(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("# mine\n" + LEGACY, encoding="utf-8")
    assert load_survey(path).meaning == load_survey("legacy_dr10").meaning
    path.write_text(LEGACY.replace("19.0", "20.0"), encoding="utf-8")
    assert load_survey(path).meaning != load_survey("legacy_dr10").meaning


def test_what_a_survey_means_is_spelt_as_in_the_catalogues_that_hold_it() -> None:
    """Part of every stored fingerprint: another spelling would have each tile read and encoded again."""
    spelt = {
        name: hashlib.sha256(load_survey(name).meaning.encode()).hexdigest()[:16] for name in survey_names()
    }
    assert spelt == {
        "decals_fits": "c2326c500118b457",
        "gz_decals_rings": "f43bb66d09fbc880",
        "legacy_dr10": "e6b404abf9bca860",
    }
