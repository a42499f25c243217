"""A large picture of a galaxy, drawn from the files of its tile at their own resolution."""

import io
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from catalog.errors import CatalogError
from catalog.search.request import Cone
from catalog.tap.datalink.galaxy_files import GalaxyFiles
from catalog.tap.errors import UsageError
from catalog.web.drawing import Drawing
from encoder.errors import EncoderError
from galcat.workflows.sky.cutouts import SkyCutter, describe_survey

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

    from encoder.surveys.description import Survey

_QUALITY = 90
_INK, _SHADE = (255, 255, 255), (0, 0, 0)
_BAR_SHARE = 0.3
_STEP_DEG = 1 / 3600
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Field:
    """The pixels of a galaxy's field, and how they lie.

    Attributes:
        flux: (3, height, width) in nanomaggies, rows from the south as FITS has them; 0 where the tile has
            no pixel.
        box: Left, top, right and bottom of the field among these pixels, rows from the north.
        north: Direction of north in pixels, right and up, of length 1.
        east: Direction of east, likewise.
        side_arcsec: Width of the field.
    """

    flux: NDArray[np.float32]
    box: tuple[float, float, float, float]
    north: tuple[float, float]
    east: tuple[float, float]
    side_arcsec: float


class TileDrawer:
    """A `catalog.web.drawing.CutoutDrawer` that reads the folders which tiles were ingested from."""

    def bands(self, galaxy: GalaxyFiles) -> tuple[str, ...]:
        """The bands that are shown red, green and blue; empty where the tile cannot be drawn from."""
        try:
            survey = describe_survey(galaxy.survey, galaxy.definition)
        except (CatalogError, EncoderError):
            return ()
        if galaxy.field_deg is None or survey.kind != "tiles" or not SkyCutter().has_files(galaxy):
            return ()
        return _bands(survey)

    def draw(self, galaxy: GalaxyFiles, drawing: Drawing, size_px: int) -> bytes | None:
        """Draw the field of a galaxy as JPEG.

        Args:
            galaxy: The galaxy, and where its tile's files are.
            drawing: The stretch, the weights of the bands, the width, and whether a scale bar is drawn.
            size_px: Width and height of the picture in pixels.

        Returns:
            The JPEG; None where the tile's files are not there, or the survey has ready-made pictures.

        Raises:
            UsageError: The picture would be too wide.
        """
        if not self.bands(galaxy) or galaxy.field_deg is None:
            return None
        from PIL import Image  # noqa: PLC0415 - the service starts without

        survey = describe_survey(galaxy.survey, galaxy.definition)
        try:
            field = _cut(galaxy, galaxy.field_deg * drawing.width, _bands(survey))
        except UsageError:
            raise
        except CatalogError as error:
            _log.warning("no large picture of galaxy %d: %s", galaxy.object_id, error)
            return None
        pixels = _stretch(field.flux, survey, drawing)
        picture = Image.fromarray(pixels[::-1])  # FITS begins in the south
        picture = picture.resize((size_px, size_px), Image.Resampling.BICUBIC, field.box)
        if drawing.has_marks:
            _draw_marks(picture, field)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=_QUALITY)
        return file.getvalue()


def _bands(survey: "Survey") -> tuple[str, ...]:
    return () if survey.rgb is None else tuple(channel.band for channel in survey.rgb.channels)


def _cut(galaxy: GalaxyFiles, width_deg: float, bands: tuple[str, ...]) -> _Field:
    circle = Cone(galaxy.ra_deg, galaxy.dec_deg, width_deg / 2)
    with fits.open(io.BytesIO(SkyCutter().cut(galaxy, circle, bands))) as file:
        flux = np.stack([np.nan_to_num(np.asarray(file[band].data, np.float32)) for band in bands])
        wcs = WCS(file[bands[0]].header)
    centre = SkyCoord(galaxy.ra_deg, galaxy.dec_deg, unit="deg")
    x, y = (float(one) for one in wcs.world_to_pixel(centre))
    north = _direction(wcs, centre, (x, y), 0)
    east = _direction(wcs, centre, (x, y), 90)
    scale_arcsec = _STEP_DEG * 3600 / math.hypot(*north)
    half = width_deg * 3600 / scale_arcsec / 2
    border = math.ceil(half) + 1  # at the tile's edge the field goes beyond the pixels
    padded = np.pad(flux, ((0, 0), (border, border), (border, border)))
    across, down = x + border + 0.5, padded.shape[1] - (y + border + 0.5)
    box = (across - half, down - half, across + half, down + half)
    return _Field(padded, box, _unit(north), _unit(east), width_deg * 3600)


def _direction(wcs: WCS, centre: SkyCoord, at: tuple[float, float], angle_deg: float) -> tuple[float, float]:
    """How far on the image a step on the sky leads, in pixels."""
    x, y = wcs.world_to_pixel(centre.directional_offset_by(angle_deg * units.deg, _STEP_DEG * units.deg))
    return float(x) - at[0], float(y) - at[1]


def _unit(vector: tuple[float, float]) -> tuple[float, float]:
    length = math.hypot(*vector)
    return vector[0] / length, vector[1] / length


def _stretch(flux: NDArray[np.float32], survey: "Survey", drawing: Drawing) -> NDArray[np.uint8]:
    import torch  # noqa: PLC0415 - takes seconds

    from encoder.cutouts.stretch import to_rgb  # noqa: PLC0415 - the same
    from encoder.model.recipe import Stretch  # noqa: PLC0415 - the same

    assert survey.rgb is not None  # noqa: S101 - `bands` looked
    factors = np.array([drawing.red, drawing.green, drawing.blue], np.float32) * 2**drawing.brightness
    weighted = torch.from_numpy(flux * factors[:, None, None])
    usual = Stretch()
    # Where the bands are weighted by hand, one colour is meant to dominate.
    is_weighted = not drawing.red == drawing.green == drawing.blue
    stretch = Stretch(
        usual.minimum, usual.maximum * 2**drawing.white, 1e6 if is_weighted else usual.desaturation
    )
    colours = to_rgb(weighted[None], survey.rgb.scales, stretch)[0].numpy()
    return np.ascontiguousarray((colours.transpose(1, 2, 0) * 255).round().astype(np.uint8))


def _draw_marks(picture: "Image.Image", field: _Field) -> None:
    """A scale bar in the lower left corner, and arrows to north and east in the lower right one."""
    from PIL import ImageDraw, ImageFont  # noqa: PLC0415 - as above

    pen, size = ImageDraw.Draw(picture), picture.width
    font = ImageFont.load_default(size / 32)
    margin, thick = size * 0.045, max(2, size // 220)
    arcsec = round_length(field.side_arcsec * _BAR_SHARE)
    length, low = arcsec / field.side_arcsec * size, size - margin
    _line(pen, (margin, low), (margin + length, low), thick)
    # Plain quotes: the font that ships with Pillow has no primes.
    text = f"{arcsec / 60:g}'" if arcsec >= 60 else f'{arcsec:g}"'  # noqa: PLR2004 - an arcminute
    _write(pen, (margin + length / 2, low - size * 0.028), text, font)
    arm = size * 0.075
    corner = (size - margin - arm, size - margin - arm * 0.15)
    reach = [(dx * arm, -dy * arm) for dx, dy in (field.north, field.east)]
    shift_x = max(0.0, *(corner[0] + x - (size - margin) for x, _ in reach))
    shift_y = max(0.0, *(corner[1] + y - (size - margin) for _, y in reach))
    corner = (corner[0] - shift_x, corner[1] - shift_y)
    for name, (x, y) in zip("NE", reach, strict=True):
        _line(pen, corner, (corner[0] + x, corner[1] + y), thick)
        _write(pen, (corner[0] + x * 1.32, corner[1] + y * 1.32), name, font)


def round_length(arcsec: float) -> float:
    """The largest of 1, 2, 5, 10, 20 and 30 arcseconds or arcminutes, or a tenth of it, that is no longer."""
    lengths = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800]
    return max((one for one in lengths if one <= arcsec), default=lengths[0])


def _line(
    pen: "ImageDraw.ImageDraw", begin: tuple[float, float], end: tuple[float, float], thick: int
) -> None:
    for colour, width in ((_SHADE, thick + 3), (_INK, thick)):
        pen.line((*begin, *end), fill=colour, width=width)


def _write(
    pen: "ImageDraw.ImageDraw",
    at: tuple[float, float],
    text: str,
    font: "ImageFont.FreeTypeFont | ImageFont.ImageFont",
) -> None:
    pen.text(at, text, fill=_INK, font=font, anchor="mm", stroke_width=2, stroke_fill=_SHADE)
