"""A HiPS of the survey's own tiles: the sky as pictures that Aladin and the page zoom through."""

import math
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS
from numpy.typing import NDArray

from catalog.database.connection import connect
from encoder.errors import EncoderError
from encoder.surveys.description import Survey
from encoder.tiles.sky_positions import pixel_to_icrs
from galcat.errors import WorkflowError, reason
from galcat.workflows.local_files import is_folder_here
from galcat.workflows.sky.cutouts import describe_survey

TILE_PX = 512
MAX_ORDER = 13
_MAX_MISFIT_PX = 0.1
_CELL_ARCSEC = math.degrees(math.sqrt(4 * math.pi / 12)) * 3600
_TILES = """
    SELECT t.name, t.folder, v.name, v.definition
    FROM galcat.tile AS t JOIN galcat.ingestion AS i USING (tile_id) JOIN galcat.survey AS v USING (survey_id)
    WHERE i.release_id = galcat.current_release() AND i.state = 'done' AND t.folder IS NOT NULL
    ORDER BY v.name, t.name
"""


@dataclass(frozen=True)
class SkyHips:
    """A HiPS that was made.

    Attributes:
        tiles: Number of survey tiles on it.
        order: HEALPix order of its finest tiles.
        left_out: Survey tiles that are not on it, each with its reason.
    """

    tiles: int
    order: int
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _SurveyTile:
    name: str
    folder: Path
    survey: Survey


def make_hips(
    url: str,
    output: Path,
    order: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    replace: bool = False,
) -> SkyHips:
    """Draw every tile that the current release has read, in the colours of its survey, as a HiPS of PNGs.

    Where tiles overlap the later by name lies above. The folder appears when all is done, and not before.

    Args:
        url: URL of the catalogue's database; only read from.
        output: The folder to make, or a link to it, which stays.
        order: HEALPix order of the finest tiles of 512 pixels; None for the finest whose pixels are no finer
            than those of any survey.
        progress: Told how many tiles are done, and of how many.
        replace: Whether it takes the place of a folder that is there, which stays until then.

    Raises:
        WorkflowError: The folder is there and not to be replaced, the package reproject is missing, or no
            tile can be drawn.
    """
    if output.exists() and not replace:
        raise WorkflowError(f"{output} is there already: remove it, name another folder, or give --replace")
    output = output.resolve()  # the link's own disk may be the smaller one
    hips = _import_hips()
    with connect(url, autocommit=True) as connection:
        tiles, left_out = _list_tiles(connection)
    order = min((_finest_order(tile.survey) for tile in tiles), default=0) if order is None else order
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as temporary:
        parts = []
        for number, tile in enumerate(tiles):
            part = Path(temporary) / f"part{number}"
            try:
                draw_part(*_draw(tile), part, order)
            except (EncoderError, WorkflowError, OSError) as error:
                left_out.append(f"{tile.name}: {reason(error)}")
            else:
                parts.append(part)
            if progress is not None:
                progress(number + 1, len(tiles))
        if not parts:
            why = f": {left_out[0]}" if left_out else ": galcat ingest reads some"
            raise WorkflowError(f"no tile can be drawn{why}")
        whole = Path(temporary) / "whole"
        hips.join(parts, whole)
        _describe(whole, order)
        if output.exists():
            output.rename(Path(temporary) / "former")
        whole.rename(output)
    return SkyHips(len(parts), order, tuple(left_out))


@dataclass(frozen=True)
class _Hips:
    """What is used of reproject."""

    to_hips: Callable[[NDArray[np.float32], WCS, Path, int], None]
    join: Callable[[list[Path], Path], None]


def _import_hips() -> _Hips:
    try:
        from reproject import reproject_interp  # noqa: PLC0415 - an optional package
        from reproject.hips import coadd_hips, reproject_to_hips  # noqa: PLC0415 - the same
        from reproject.mosaicking import find_optimal_celestial_wcs  # noqa: PLC0415 - the same
    except ImportError:
        raise WorkflowError("a HiPS needs the package reproject: pip install 'galcat[hips]'") from None

    def to_hips(colours: NDArray[np.float32], wcs: WCS, part: Path, order: int) -> None:
        picture = part.with_suffix(".png")
        try:
            _write_picture(*_to_plain(colours, wcs), picture)
            reproject_to_hips(
                str(picture),
                coord_system_out="equatorial",
                reproject_function=reproject_interp,
                output_directory=str(part),
                level=order,
                tile_size=TILE_PX,
            )
        finally:
            picture.unlink(missing_ok=True)

    def _to_plain(colours: NDArray[np.float32], wcs: WCS) -> tuple[NDArray[np.float32], WCS]:
        """The image on a plane as AVM knows it, (4, h, w) with the share of each pixel that it covers."""
        whole = np.full((1, *colours.shape[1:]), 255, np.float32)
        if _is_plain(wcs, *colours.shape[1:]):
            return np.concatenate([colours, whole]), wcs
        plain, shape = find_optimal_celestial_wcs([(colours.shape[1:], wcs)], frame="icrs")
        drawn, covered = reproject_interp((colours, wcs), plain, shape_out=(3, *shape))
        return np.concatenate([np.nan_to_num(drawn), covered[:1] * 255]).astype(np.float32), plain

    return _Hips(to_hips, lambda parts, whole: coadd_hips([str(part) for part in parts], str(whole)))


def draw_part(colours: NDArray[np.float32], wcs: WCS, part: Path, order: int) -> None:
    """Draw one image as a HiPS of PNGs, whatever its projection, distortion, frame and order of axes.

    Args:
        colours: Red, green and blue, (3, h, w) in 0..255, the first row of the file first.
        wcs: World coordinates of two celestial axes.
        part: The folder to make.
        order: HEALPix order of the finest tiles.

    Raises:
        WorkflowError: The package reproject is missing, or the world coordinates cannot be followed.
    """
    hips = _import_hips()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)  # distortion diverges far from a tile
            hips.to_hips(colours, wcs, part, order)
    except Exception as error:  # astropy and reproject raise whatever world coordinates make them
        raise WorkflowError(f"it cannot be drawn: {reason(error)}") from error


def _list_tiles(connection: psycopg.Connection) -> tuple[list[_SurveyTile], list[str]]:
    tiles, left_out = [], []
    for name, folder, survey_name, definition in connection.execute(_TILES.encode()):
        survey = describe_survey(survey_name, definition)
        if survey.kind != "tiles" or survey.rgb is None:
            left_out.append(f"{name}: survey {survey_name} has no images of the sky with colours")
        elif not is_folder_here(folder):
            left_out.append(f"{name}: {folder} is not on this machine")
        else:
            tiles.append(_SurveyTile(name, Path(folder), survey))
    return tiles, left_out


def _finest_order(survey: Survey) -> int:
    pixel_arcsec = survey.pixel_scale_arcsec or 1.0
    return max(0, min(MAX_ORDER, math.floor(math.log2(_CELL_ARCSEC / TILE_PX / pixel_arcsec))))


def _draw(tile: _SurveyTile) -> tuple[NDArray[np.float32], WCS]:
    """A tile in colours, (3, h, w) in 0..255 with the first row of the file first, and where it lies."""
    import torch  # noqa: PLC0415 - takes seconds

    from encoder.cutouts.stretch import to_rgb  # noqa: PLC0415 - torch
    from encoder.tiles.pixels import read_pixels  # noqa: PLC0415 - only here
    from encoder.tiles.tiles import find_tiles  # noqa: PLC0415 - only here

    files = find_tiles(tile.survey, tile.folder, [tile.name])
    if not files:
        raise FileNotFoundError(f"{tile.folder} has no tile {tile.name} any more")
    pixels = read_pixels(tile.survey, files[0])
    assert tile.survey.rgb is not None  # noqa: S101 - `_list_tiles` looked
    planes = [tile.survey.bands.index(channel.band) for channel in tile.survey.rgb.channels]
    colours = to_rgb(torch.from_numpy(pixels.flux[planes])[None], tile.survey.rgb.scales)[0].numpy()
    return colours * np.float32(255), pixels.wcs


def _is_plain(wcs: WCS, height: int, width: int) -> bool:
    """Whether AVM can say where an image lies: by a plain TAN in ICRS, to a tenth of a pixel.

    That is measured, since wcslib hides distortions such as TPV in a plain TAN.
    """
    if list(wcs.wcs.ctype) != ["RA---TAN", "DEC--TAN"]:
        return False
    plain = WCS(naxis=2)
    plain.wcs.ctype, plain.wcs.crval, plain.wcs.crpix = wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix
    plain.wcs.cd = wcs.pixel_scale_matrix
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(0, width, 9), np.linspace(0, height, 9)))
    back = plain.all_world2pix(*pixel_to_icrs(wcs, x, y), 0)
    return bool(np.hypot(back[0] - x, back[1] - y).max() < _MAX_MISFIT_PX)


def _write_picture(colours: NDArray[np.float32], wcs: WCS, file: Path) -> None:
    """Write a PNG that says where it lies (AVM), which is what reproject takes colours from."""
    from PIL import Image  # noqa: PLC0415 - only here
    from pyavm import AVM  # noqa: PLC0415 - comes with reproject

    image = colours.transpose(1, 2, 0).round().clip(0, 255).astype(np.uint8)
    bare = file.with_suffix(".bare.png")
    Image.fromarray(np.ascontiguousarray(image[::-1])).save(bare)  # FITS begins in the south
    place = AVM.from_wcs(wcs, image.shape[:2])
    place.Spatial.Equinox = "2000"  # ICRS has none, and its reader wants one
    place.embed(str(bare), str(file))
    bare.unlink()


def _describe(folder: Path, order: int) -> None:
    """Say in the properties what it is: reproject takes them from its first part."""
    file = folder / "properties"
    lines = [
        line for line in _lines(file) if not line.startswith(("obs_title", "hips_status", "hips_order "))
    ]
    lines += [
        f"{'hips_order':20s} = {order}",
        f"{'obs_title':20s} = the catalogue's own tiles",
        f"{'hips_status':20s} = private master unclonable",
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _lines(file: Path) -> Iterator[str]:
    yield from file.read_text(encoding="utf-8").splitlines()
