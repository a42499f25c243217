"""A survey's TOML file: found by name or path, read, and checked beyond what types can say."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from encoder.errors import FrameError, SurveyError
from encoder.requested_frame import read_frame
from encoder.surveys.description import Survey
from encoder.surveys.patterns import placeholders
from encoder.toml_reader import RecordError, read_record

SURVEYS = Path(__file__).parent
"""Folder of the surveys that ship with the package."""
_N_BOUNDS = 4


def survey_names() -> list[str]:
    """Names of the surveys that ship with the project."""
    return sorted(path.stem for path in SURVEYS.glob("*.toml"))


def load_survey(name_or_path: str | Path) -> Survey:
    """Reads a survey's description.

    Args:
        name_or_path: Name of a shipped survey, or a path that ends in `.toml`.

    Raises:
        SurveyError: There is no such survey, or its file is wrong; the line names the file and the key.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        if name_or_path not in survey_names():
            known = ", ".join(survey_names())
            raise SurveyError(
                f"no survey {str(name_or_path)!r}; known: {known}, or give a path to a .toml file"
            )
        path = SURVEYS / f"{name_or_path}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SurveyError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SurveyError(f"{path}: {error}") from error
    return survey_from_text(text, path)


def survey_from_text(text: str, path: Path) -> Survey:
    """Understands the text of a survey's TOML file.

    Args:
        text: The whole text of the TOML file.
        path: Path of the file that the text is from, for error messages.

    Raises:
        SurveyError: The text is no TOML, or wrong; the line names the file and the key.
    """
    try:
        survey = read_record(Survey, tomllib.loads(text))
    except RecordError as error:
        raise SurveyError(f"{path.name}: {error}") from error
    except ValueError as error:
        raise SurveyError(f"{path}: {error}") from error
    for problem in find_problems(survey):
        raise SurveyError(f"{path.name}: {problem}")
    return replace(survey, toml=text)


def find_problems(survey: Survey) -> Iterator[str]:
    """Yields each problem as `key: what is wrong`."""
    if not re.fullmatch("[a-z][a-z0-9_]*", survey.name):
        yield f"name: {survey.name!r} is not lower case letters, digits and _"
    if not survey.bands or len(set(survey.bands)) < len(survey.bands):
        yield f"bands: {list(survey.bands)} is empty or names a band twice"
    yield from _band_problems(survey)
    yield from _selection_problems(survey)
    yield from _number_problems(survey)
    yield from _tile_problems(survey) if survey.kind == "tiles" else _cutout_problems(survey)
    if survey.servers is not None and len(survey.servers.bounds) != _N_BOUNDS:
        yield "servers.bounds: four columns are named: lowest and highest RA, lowest and highest Dec"


def _band_problems(survey: Survey) -> Iterator[str]:
    """Tables by band must name every band and no other."""
    image, mask = survey.image, survey.mask
    tables = {"image.plane": image.plane, "image.zero_point": image.zero_point, "image.hdu": image.hdu}
    if mask:
        tables |= {"mask.bad_bits": mask.bad_bits, "mask.hdu": mask.hdu}
    for key, table in tables.items():
        if isinstance(table, dict) and table:
            yield from (f"{key}: {band!r} is not one of bands" for band in table if band not in survey.bands)
            yield from (f"{key}: {band!r} is missing" for band in survey.bands if band not in table)


def _selection_problems(survey: Survey) -> Iterator[str]:
    bands = survey.catalogue.flux | survey.catalogue.magnitude
    for number, condition in enumerate(survey.catalogue.select):
        key = f"catalogue.select[{number}]"
        if (condition.column is None) == (condition.magnitude is None):
            yield f"{key}: give either column or magnitude"
        if condition.magnitude is not None and condition.magnitude not in bands:
            yield f"{key}.magnitude: catalogue has no flux or magnitude {condition.magnitude!r}"
        if (condition.test in ("in", "not in")) != isinstance(condition.value, tuple):
            yield f"{key}.value: in and not in take a list, the others one value"
        if condition.test in ("bits clear", "bits set") and type(condition.value) is not int:
            yield f"{key}.value: bits need a whole number"


def _number_problems(survey: Survey) -> Iterator[str]:
    positive = {
        "scale.minimum_arcsec": survey.scale.minimum_arcsec,
        "catalogue.radius_unit_arcsec": survey.catalogue.radius_unit_arcsec,
    }
    if survey.kind == "tiles":
        positive["pixel_scale_arcsec"] = survey.pixel_scale_arcsec
    if survey.rgb:
        positive |= {f"rgb.{channel.band}.divide_by": channel.divide_by for channel in survey.rgb.channels}
    yield from (f"{key}: {value} is not above 0" for key, value in positive.items() if not value > 0)


def _tile_problems(survey: Survey) -> Iterator[str]:
    image, catalogue = survey.image, survey.catalogue
    names = placeholders(image.path)
    if "tile" not in names:
        yield f"image.path: {image.path!r} has no {{tile}}"
    if not image.zero_point:
        yield "image.zero_point: missing"
    if len(survey.bands) > 1 and not ("band" in names or image.plane or isinstance(image.hdu, dict)):
        yield "image: bands need {band} in path, or a plane or an hdu each"
    if survey.frame:
        yield "frame: tiles have none: a release frames galaxies by their radii"
    if survey.rgb is None:
        yield "rgb: missing"
    else:
        wrong = [channel.band for channel in survey.rgb.channels if channel.band not in survey.bands]
        yield from (f"rgb: {band!r} is not one of bands" for band in wrong)
    for key, path in (
        ("catalogue.path", catalogue.path),
        ("mask.path", survey.mask.path if survey.mask else ""),
    ):
        wrong = [name for name in placeholders(path) if name not in {*names, "band"}]
        yield from (f"{key}: {{{name}}} is not in image.path" for name in wrong)
    if ("tile" in placeholders(catalogue.path)) == (catalogue.tile is not None):
        yield "catalogue: give either {tile} in path or the column that names the tile"


def _cutout_problems(survey: Survey) -> Iterator[str]:
    if placeholders(survey.catalogue.path):
        yield f"catalogue.path: {survey.catalogue.path!r} has placeholders, but cutouts have one table"
    if not placeholders(survey.image.path):
        yield f"image.path: {survey.image.path!r} names no column of the table"
    given = {"mask": survey.mask, "rgb": survey.rgb, "catalogue.tile": survey.catalogue.tile}
    yield from (f"{key}: cutouts have none" for key, value in given.items() if value is not None)
    try:
        asked = read_frame(survey.frame)
    except FrameError as error:
        yield f"frame: {error}"
    else:
        if asked is not None and asked.arcsec is not None and not survey.pixel_scale_arcsec > 0:
            yield f"frame: {asked.arcsec:g} arcsec need pixel_scale_arcsec, which is missing"
