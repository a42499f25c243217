"""Cutouts of the catalogue's galaxies from the tiles' files, where those are on this machine."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from catalog.search.request import Cone
from catalog.tap.datalink.cutout import FilesGoneError, NoPixelsError
from catalog.tap.datalink.galaxy_files import GalaxyFiles
from catalog.tap.errors import UsageError
from encoder.cutouts.cutout_file import (
    CutoutError,
    OutsideError,
    SkyCircle,
    find_band_images,
    make_cutout_file,
)
from encoder.errors import EncoderError, TileError
from encoder.surveys.description import Survey
from encoder.surveys.survey_file import survey_from_text


class SkyCutter:
    """A `catalog.tap.datalink.cutout.Cutter` that reads the folders which tiles were ingested from.

    No error names a folder: strangers read them.
    """

    def has_files(self, galaxy: GalaxyFiles) -> bool:
        """Whether every band's image of the galaxy's tile is there; it is not opened."""
        try:
            _images(galaxy)
        except (EncoderError, OSError):
            return False
        return True

    def cut(self, galaxy: GalaxyFiles, circle: Cone, bands: Sequence[str]) -> bytes:
        """A FITS file with an image of each band in nanomaggies; see `make_cutout_file`.

        Raises:
            FilesGoneError: The tile's files are not there, or cannot be read any more.
            NoPixelsError: The circle lies outside the tile.
            UsageError: The survey cannot be cut, or the circle spans too many pixels.
        """
        where = SkyCircle(circle.ra_deg, circle.dec_deg, circle.radius_deg)
        try:
            survey = describe_survey(galaxy.survey, galaxy.definition)
            return make_cutout_file(survey, _images(galaxy), where, bands, _cards(galaxy, circle))
        except OutsideError as error:
            raise NoPixelsError(f"{error} {galaxy.tile}") from error
        except CutoutError as error:
            raise UsageError(str(error)) from error
        except (EncoderError, OSError) as error:
            raise FilesGoneError(
                f"the files of tile {galaxy.tile} are no longer where they were read"
            ) from error


def _images(galaxy: GalaxyFiles) -> dict[str, Path]:
    if galaxy.folder is None:
        raise TileError(f"the catalogue did not keep the folder of tile {galaxy.tile}")
    where = (galaxy.survey, galaxy.definition, galaxy.folder, galaxy.tile)
    images = _find_images(*where)
    # Where one is missing it is sought again: it may have been moved, and if not, the error says which.
    return images if all(path.is_file() for path in images.values()) else _find_images.__wrapped__(*where)


@lru_cache(maxsize=10_000)
def _find_images(survey: str, definition: str, folder: str, tile: str) -> dict[str, Path]:
    """The tile's images: its folder may have hundreds to search, on a slow disk."""
    return find_band_images(describe_survey(survey, definition), Path(folder), tile)


@lru_cache(maxsize=64)
def describe_survey(name: str, definition: str) -> Survey:
    """The survey that the database describes by its TOML text."""
    return survey_from_text(definition, Path(f"{name}.toml"))


def _cards(galaxy: GalaxyFiles, circle: Cone) -> dict[str, str | float]:
    """What the primary header says; nothing in it changes from one request to the next."""
    return {
        "ORIGIN": "galcat",
        "OBJECT": str(galaxy.object_id),
        "SURVEY": galaxy.survey,
        "TILE": galaxy.tile,
        "RA_GAL": galaxy.ra_deg,
        "DEC_GAL": galaxy.dec_deg,
        "RA_CIRC": circle.ra_deg,
        "DEC_CIRC": circle.dec_deg,
        "RAD_CIRC": circle.radius_deg,
    }
