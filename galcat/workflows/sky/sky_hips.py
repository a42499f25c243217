"""A HiPS of the survey's own tiles: the sky as pictures that Aladin and the page zoom through."""

import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg

from catalog.database.connection import connect
from encoder.errors import EncoderError
from encoder.surveys.description import Survey
from galcat.errors import WorkflowError, reason
from galcat.workflows.local_files import is_folder_here
from galcat.workflows.sky.cutouts import describe_survey

TILE_PX = 512
MAX_ORDER = 13
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
            picture, part = Path(temporary) / f"{number}.png", Path(temporary) / f"part{number}"
            try:
                _draw(tile, picture)
                hips.to_hips(picture, part, order)
            except (EncoderError, OSError) as error:
                left_out.append(f"{tile.name}: {reason(error)}")
            else:
                parts.append(part)
            picture.unlink(missing_ok=True)
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

    to_hips: Callable[[Path, Path, int], None]
    join: Callable[[list[Path], Path], None]


def _import_hips() -> _Hips:
    try:
        from reproject import reproject_interp  # noqa: PLC0415 - an optional package
        from reproject.hips import coadd_hips, reproject_to_hips  # noqa: PLC0415 - the same
    except ImportError:
        raise WorkflowError("a HiPS needs the package reproject: pip install 'galcat[hips]'") from None

    def to_hips(picture: Path, part: Path, order: int) -> None:
        reproject_to_hips(
            str(picture),
            coord_system_out="equatorial",
            reproject_function=reproject_interp,
            output_directory=str(part),
            level=order,
            tile_size=TILE_PX,
        )

    return _Hips(to_hips, lambda parts, whole: coadd_hips([str(part) for part in parts], str(whole)))


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


def _draw(tile: _SurveyTile, file: Path) -> None:
    """Draw a tile as PNG that says where it lies (AVM), which is what reproject takes colours from."""
    import torch  # noqa: PLC0415 - takes seconds
    from PIL import Image  # noqa: PLC0415 - only here
    from pyavm import AVM  # noqa: PLC0415 - comes with reproject

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
    image = (colours.transpose(1, 2, 0) * 255).round().astype(np.uint8)
    plain = file.with_suffix(".plain.png")
    Image.fromarray(np.ascontiguousarray(image[::-1])).save(plain)  # FITS begins in the south
    place = AVM.from_wcs(pixels.wcs, image.shape[:2])
    place.Spatial.Equinox = "2000"  # ICRS has none, and its reader wants one
    place.embed(str(plain), str(file))
    plain.unlink()


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
