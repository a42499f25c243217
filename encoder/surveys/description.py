"""What a survey's files, columns and units are called, read from a small TOML file.

Everything that differs between surveys is in that file, so that a new one needs no code. The shipped ones
lie in `encoder/surveys/`; `legacy_dr10.toml` explains each key.
"""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from encoder.errors import SurveyError
from encoder.surveys.patterns import placeholders
from encoder.surveys.toml_reader import read_record

if TYPE_CHECKING:
    from collections.abc import Iterator

SURVEYS = Path(__file__).parent

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "bits clear", "bits set"]
Value = bool | int | float | str | tuple[bool | int | float | str, ...]


@dataclass(frozen=True)
class ImageFiles:
    """Where the pixels are; for `kind = "cutouts"`, `path` names table columns instead of `{tile}`.

    Attributes:
        path: pattern below the survey's folder.
        hdu: name or number of the HDU, or one for each band; none: the first that holds pixels.
        plane: for cubes, the plane of each band, from 0.
        zero_point: AB magnitude of one unit, by band; 22.5 is nanomaggies.
    """

    path: str
    hdu: str | int | dict[str, str | int] | None = None
    plane: dict[str, int] = field(default_factory=dict)
    zero_point: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class MaskFiles:
    """Where a bit mask is, and the bits that make a pixel useless, by band."""

    path: str
    bad_bits: dict[str, int]
    hdu: str | int | dict[str, str | int] | None = None


@dataclass(frozen=True)
class SelectionCondition:
    """One line of the selection: `column` (or the AB magnitude in a band) `test` `value`.

    A row without a value (NaN, empty) fails every test.
    """

    test: Operator
    value: Value
    column: str | None = None
    magnitude: str | None = None


@dataclass(frozen=True)
class CatalogueColumns:
    """The table of sources: which columns mean what.

    Attributes:
        path: pattern below the survey's folder; without `{tile}` one table serves all tiles.
        id: columns that together name a source within the survey, joined by `-`.
        ra: column, degrees ICRS.
        dec: the same.
        tile: column that names the tile, where one table serves all.
        petro_th50: column, radius that holds 50 % of the Petrosian flux.
        petro_th90: the same for 90 %.
        shape_r: column, half-light radius of a model fit.
        radius_unit_arcsec: arcsec in one unit of the radius columns.
        flux: column of the flux, by band ...
        flux_zero_point: ... and the AB magnitude of one unit of it.
        magnitude: column of the AB magnitude, by band, where there is no flux.
        select: conditions that a source must all meet.
    """

    path: str
    id: str | tuple[str, ...]
    ra: str
    dec: str
    tile: str | None = None
    petro_th50: str | None = None
    petro_th90: str | None = None
    shape_r: str | None = None
    radius_unit_arcsec: float = 1.0
    flux: dict[str, str] = field(default_factory=dict)
    flux_zero_point: float = 22.5
    magnitude: dict[str, str] = field(default_factory=dict)
    select: tuple[SelectionCondition, ...] = ()

    @property
    def id_columns(self) -> tuple[str, ...]:
        """The id's columns, also when there is one."""
        return (self.id,) if isinstance(self.id, str) else self.id


@dataclass(frozen=True)
class ScaleRule:
    """Galaxy Zoo's pixel scale of a cutout, in arcsec for each arcsec of radius (Walmsley et al. 2022)."""

    petro_th50: float = 0.04
    petro_th90: float = 0.02
    shape_r: float = 0.04
    minimum_arcsec: float = 0.1


@dataclass(frozen=True)
class Channel:
    """A colour of the picture: its band, and the nanomaggies per native pixel that count as 1."""

    band: str
    divide_by: float


@dataclass(frozen=True)
class Rgb:
    """Which band is red, green and blue."""

    red: Channel
    green: Channel
    blue: Channel

    @property
    def channels(self) -> tuple[Channel, Channel, Channel]:
        """Red, green, blue."""
        return self.red, self.green, self.blue

    @property
    def scales(self) -> tuple[float, float, float]:
        """What red, green and blue are divided by."""
        return self.red.divide_by, self.green.divide_by, self.blue.divide_by


@dataclass(frozen=True)
class Survey:
    """A survey's description, checked.

    Attributes:
        name: lower case, digits and `_`.
        description: one line for people.
        kind: `tiles` of sky in FITS, or a folder of ready-made `cutouts` with a table.
        bands: order of the pixel planes.
        image: where the pixels are.
        catalogue: where the sources are.
        pixel_scale_arcsec: native pixel; NaN where cutouts do not say.
        mask: where bad pixels are flagged, if anywhere.
        scale: how large a cutout is.
        rgb: the picture's colours; cutouts have them already.
        toml: the text of the file, as the database keeps it.
    """

    name: str
    description: str
    kind: Literal["tiles", "cutouts"]
    bands: tuple[str, ...]
    image: ImageFiles
    catalogue: CatalogueColumns
    pixel_scale_arcsec: float = math.nan
    mask: MaskFiles | None = None
    scale: ScaleRule = field(default_factory=ScaleRule)
    rgb: Rgb | None = None
    toml: str = ""

    @property
    def meaning(self) -> str:
        """Everything that changes what is read, as text: a new comment in the TOML leaves it alone.

        It is part of each tile's stored fingerprint, so its spelling never changes.
        """
        return _spell(replace(self, description="", toml=""))


_STORED_NAMES = {"CatalogueColumns": "Catalogue", "SelectionCondition": "Condition"}
"""What records are called in a meaning that are called otherwise in the code."""


def _spell(value: object) -> str:
    """The `repr` that a record had when the first catalogues were made."""
    if is_dataclass(value):
        name = type(value).__name__
        entries = [f"{field.name}={_spell(getattr(value, field.name))}" for field in fields(value)]
        return f"{_STORED_NAMES.get(name, name)}({', '.join(entries)})"
    if isinstance(value, tuple):
        entries = [_spell(entry) for entry in value]
        return f"({entries[0]},)" if len(entries) == 1 else f"({', '.join(entries)})"
    return repr(value)


def survey_names() -> list[str]:
    """Names of the surveys that ship with the project."""
    return sorted(path.stem for path in SURVEYS.glob("*.toml"))


def load_survey(name_or_path: str | Path) -> Survey:
    """Reads a survey's description.

    Args:
        name_or_path: the name of a shipped survey, or a path that ends in `.toml`.

    Raises:
        SurveyError: there is no such survey, or its file is wrong; names the file and the key.
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
        text: the whole of it.
        path: where it is from, for error messages.

    Raises:
        SurveyError: it is no TOML, or wrong; names the file and the key.
    """
    try:
        survey = read_record(Survey, tomllib.loads(text), path.name)
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
