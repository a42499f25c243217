"""A large picture of a galaxy, drawn from the files of its tile at their own resolution."""

import io
import logging

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from catalog.errors import CatalogError
from catalog.search.search import Cone
from catalog.tap.datalink.galaxy_files import GalaxyFiles
from galcat.workflows.cutouts import SkyCutter, describe_survey

_QUALITY = 90
_log = logging.getLogger(__name__)


def draw_large_picture(galaxy: GalaxyFiles, size_px: int) -> bytes | None:
    """Draw the field of a galaxy's Galaxy Zoo cutout as JPEG.

    Args:
        galaxy: The galaxy, and where its tile's files are.
        size_px: Width and height of the picture in pixels.

    Returns:
        The JPEG; None where the tile's files are not there, or the survey has ready-made pictures.
    """
    from PIL import Image  # noqa: PLC0415 - the service starts without

    from encoder.cutouts.stretch import to_rgb  # noqa: PLC0415 - torch takes seconds

    if galaxy.field_deg is None:
        return None
    survey = describe_survey(galaxy.survey, galaxy.definition)
    if survey.rgb is None or survey.kind != "tiles":
        return None
    half = galaxy.field_deg / 2
    bands = tuple(channel.band for channel in survey.rgb.channels)
    try:
        content = SkyCutter().cut(galaxy, Cone(galaxy.ra_deg, galaxy.dec_deg, half), bands)
    except CatalogError as error:
        _log.warning("no large picture of galaxy %d: %s", galaxy.object_id, error)
        return None
    import torch  # noqa: PLC0415 - as above

    flux = torch.from_numpy(np.nan_to_num(_read_bands(content, bands)))
    colours = to_rgb(flux[None], survey.rgb.scales)[0]
    pixels = (colours.numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8)
    picture = Image.fromarray(pixels[::-1])  # FITS begins in the south
    side = min(picture.size)
    picture = picture.resize((size_px, size_px), Image.Resampling.BICUBIC, _middle(picture.size, side))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def _read_bands(content: bytes, bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Flux of each band, (bands, height, width)."""
    with fits.open(io.BytesIO(content)) as file:
        return np.stack([np.asarray(file[band].data, np.float32) for band in bands])


def _middle(size: tuple[int, int], side: int) -> tuple[float, float, float, float]:
    left, top = (size[0] - side) / 2, (size[1] - side) / 2
    return left, top, left + side, top + side
