"""What a survey's files, columns and units are called: the records that its TOML file fills.

Everything that differs between surveys is in that file, so that a new one needs no code.
`encoder/surveys/legacy_dr10.toml` explains each key.
"""

import math
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from encoder.surveys.magnitudes import NANOMAGGY_ZERO_POINT
from encoder.toml_reader import toml_record

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "bits clear", "bits set"]
Hdu = str | int | None
"""Name or number of an HDU; None for the first that holds pixels."""
Value = bool | int | float | str | tuple[bool | int | float | str, ...]


def hdu_of_band(hdu: Hdu | dict[str, str | int], band: str) -> Hdu:
    """Where a band is, of what a description says of its HDUs: one for all bands, or one for each."""
    return hdu[band] if isinstance(hdu, dict) else hdu


@toml_record
@dataclass(frozen=True)
class ImageFiles:
    """Where the pixels are; for `kind = "cutouts"`, `path` names table columns instead of `{tile}`.

    Attributes:
        path: Pattern of the image files' paths below the survey's folder.
        hdu: Name or number of the HDU that holds the pixels, or one for each band; None for the first HDU
            that holds pixels.
        plane: Number of the plane of each band in a cube, from 0; empty where images are no cubes.
        zero_point: AB magnitude of one unit of the pixels, by band; 22.5 where the unit is nanomaggies.
    """

    path: str
    hdu: str | int | dict[str, str | int] | None = None
    plane: dict[str, int] = field(default_factory=dict)
    zero_point: dict[str, float] = field(default_factory=dict)


@toml_record
@dataclass(frozen=True)
class MaskFiles:
    """Where a bit mask is, and the bits that make a pixel useless, by band."""

    path: str
    bad_bits: dict[str, int]
    hdu: str | int | dict[str, str | int] | None = None


@toml_record
@dataclass(frozen=True)
class SelectionCondition:
    """One line of the selection: `column` (or the AB magnitude in a band) `test` `value`.

    A row without a value (NaN, empty) fails every test.
    """

    test: Operator
    value: Value
    column: str | None = None
    magnitude: str | None = None


@toml_record
@dataclass(frozen=True)
class CatalogueColumns:
    """The table of sources: which columns mean what.

    Attributes:
        path: Pattern of the table's path below the survey's folder; without `{tile}` one table serves all
            tiles. `#2` or `#NAME` at its end chooses one table of a file that has several.
        id: Names of the columns that together name a source within the survey; their values are joined by
            `-`.
        ra: Name of the column of right ascension: ICRS degrees, unless the file says another unit or frame.
        dec: Name of the column of declination, likewise.
        tile: Name of the column that names the tile, where one table serves all tiles.
        petro_th50: Name of the column of the radius that holds 50 % of the Petrosian flux, if there is one.
        petro_th90: Name of the column of the radius that holds 90 % of the Petrosian flux, if there is one.
        shape_r: Name of the column of the half-light radius of a model fit, if there is one.
        radius_unit_arcsec: Length of one unit of the radius columns, arcsec.
        flux: Name of the column of the flux, by band.
        flux_zero_point: AB magnitude of one unit of the flux columns; 22.5 where the unit is nanomaggies.
        magnitude: Name of the column of the AB magnitude, by band, where the table has no flux.
        select: Conditions that a source must all meet to be read.
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
    flux_zero_point: float = NANOMAGGY_ZERO_POINT
    magnitude: dict[str, str] = field(default_factory=dict)
    select: tuple[SelectionCondition, ...] = ()

    @property
    def id_columns(self) -> tuple[str, ...]:
        """The id's columns, also when there is one."""
        return (self.id,) if isinstance(self.id, str) else self.id


@toml_record
@dataclass(frozen=True)
class ScaleRule:
    """Galaxy Zoo's pixel scale of a cutout, in arcsec for each arcsec of radius (Walmsley et al. 2022)."""

    petro_th50: float = 0.04
    petro_th90: float = 0.02
    shape_r: float = 0.04
    minimum_arcsec: float = 0.1


@toml_record
@dataclass(frozen=True)
class Channel:
    """A colour of the picture: its band, and the nanomaggies per native pixel that count as 1."""

    band: str
    divide_by: float


@toml_record
@dataclass(frozen=True)
class Rgb:
    """Which band is red, green and blue."""

    red: Channel
    green: Channel
    blue: Channel

    @property
    def channels(self) -> tuple[Channel, Channel, Channel]:
        """The channels in the order red, green, blue."""
        return self.red, self.green, self.blue

    @property
    def scales(self) -> tuple[float, float, float]:
        """What red, green and blue are divided by."""
        return self.red.divide_by, self.green.divide_by, self.blue.divide_by


@toml_record
@dataclass(frozen=True)
class SurveyServers:
    """Where a survey of tiles is published: `galcat fetch` copies from there.

    Attributes:
        files: URL of the folder that holds the files as the survey's patterns name them.
        tiles: URL of a FITS table of all tiles of the sky, which may begin with `{files}`.
        tile: Column of that table with the names of tiles.
        bounds: Columns with the lower and upper limit of right ascension and of declination, degrees.
        available: URL of a FITS table of the tiles that are published, with the same column of names; empty
            where that of all tiles is it.
        values: What the free placeholders of the patterns stand for; `{tile:.3}` is the first three letters
            of the tile's name.
        sums: URL of the SHA-256 sums of a tile's files, a line a file; empty where there are none.
        cutout: URL that gives one FITS cutout about `{ra}` and `{dec}`, degrees, `{size}` pixels of
            `{pixel_scale}` arcsec wide; empty where there is no such service.
    """

    files: str
    tiles: str
    tile: str
    bounds: tuple[str, ...]
    available: str = ""
    values: dict[str, str] = field(default_factory=dict)
    sums: str = ""
    cutout: str = ""


@toml_record
@dataclass(frozen=True)
class Survey:
    """A survey's description, checked.

    Attributes:
        name: Name of the survey, in lower case letters, digits and `_`.
        description: What the survey is, in one line for people.
        kind: `tiles` of sky in FITS, or a folder of ready-made `cutouts` with a table.
        bands: Names of the bands, in the order of the pixel planes.
        image: Where the pixels are, and in what unit.
        catalogue: Where the table of sources is, and what its columns mean.
        pixel_scale_arcsec: Width of a native pixel, arcsec; NaN where a survey of cutouts does not say.
        mask: Where bad pixels are flagged; None where nothing flags them.
        scale: How large the cutout of a galaxy is.
        rgb: Which bands make the picture's colours; None for cutouts, which have colours already.
        toml: Text of the survey's file, as the database keeps it.
        frame: For cutouts, the part of each picture that the network sees: `whole`, a share of its width such
            as `0.6`, or an angle such as `24arcsec`; empty for the release's own way.
        servers: Where the survey is published; None where nobody says.
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
    frame: str = ""
    servers: SurveyServers | None = None

    @property
    def meaning(self) -> str:
        """Everything that changes what is read, as text: a new comment in the TOML leaves it alone.

        It is part of each tile's stored fingerprint, so its spelling never changes.
        """
        return _spell(replace(self, description="", toml="", servers=None))


_STORED_NAMES = {"CatalogueColumns": "Catalogue", "SelectionCondition": "Condition"}
"""What records are called in a meaning that are called otherwise in the code."""
_LATER_FIELDS = {"frame", "servers"}
"""Fields that the first catalogues did not know: where they say nothing, a meaning does not name them."""


def _spelt_fields(record: "DataclassInstance | type[DataclassInstance]") -> list[Field[Any]]:
    return [one for one in fields(record) if one.name not in _LATER_FIELDS or getattr(record, one.name)]


def _spell(value: object) -> str:
    """The `repr` that a record had when the first catalogues were made."""
    if is_dataclass(value):
        name = type(value).__name__
        entries = [f"{one.name}={_spell(getattr(value, one.name))}" for one in _spelt_fields(value)]
        return f"{_STORED_NAMES.get(name, name)}({', '.join(entries)})"
    if isinstance(value, tuple):
        entries = [_spell(entry) for entry in value]
        return f"({entries[0]},)" if len(entries) == 1 else f"({', '.join(entries)})"
    return repr(value)
