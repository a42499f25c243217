"""Opening FITS files so that every fault is one line naming the file."""

import gzip
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from encoder.errors import TileError, first_line
from table_files.errors import TableError
from table_files.fits.headers import refuse_absurd_headers

MAX_DEFLATE_RATIO = 1032
"""How many times its own length a gzip file can hold."""
_BEGINNING = b"SIMPLE"
_CHUNK = 2**20


@contextmanager
def open_fits(path: Path) -> Iterator[fits.HDUList]:
    """Opens a FITS file and closes it again; what goes wrong in between is a TileError too.

    Compressed images are decoded by astropy: 0.25 s for a 3600 x 3600 brick on one core, as fast as cfitsio.
    Astropy's warnings (odd headers, old keywords) are silenced, but a file shorter than its headers say is
    refused: astropy only warns about that, and may hand out what is there. Zeros after the last HDU are read
    past, as astropy and cfitsio do: tapes and mirrors pad files with them.

    Raises:
        TileError: The file is missing, truncated, or no FITS.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            warnings.filterwarnings(
                "error", "overflow", RuntimeWarning
            )  # of damaged offsets into compressed bytes
            # opened here: astropy leaves the file of a damaged header open
            with path.open("rb") as raw:
                is_packed = _check_headers(raw)
                with fits.open(raw, memmap=False) as file:
                    _check_layout(path, file, is_packed=is_packed)
                    yield file
    except TileError:
        raise
    except FileNotFoundError as error:
        raise TileError(f"{path}: the file is missing") from error
    except Exception as error:  # astropy's decoders raise whatever they meet in damaged bytes
        raise TileError(f"{path}: unreadable FITS: {first_line(error)}") from error


def _check_headers(raw: BufferedReader) -> bool:
    """Refuse what is no FITS, and absurd headers; returns whether the file is packed by gzip."""
    is_packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    file = gzip.GzipFile(fileobj=raw) if is_packed else raw
    head = file.read(len(_BEGINNING))
    if head != _BEGINNING:  # where astropy advises to read it nonetheless
        raise TableError("it does not begin as FITS does" if head else "the file is empty")
    file.seek(0)
    refuse_absurd_headers(file)
    raw.seek(0)
    return is_packed


def _check_layout(path: Path, file: fits.HDUList, *, is_packed: bool) -> None:
    """Refuse HDUs that do not follow each other up to the end of the file."""
    there = path.stat().st_size
    room = there * MAX_DEFLATE_RATIO if is_packed else there
    end, number = 0, 0
    while True:  # one by one: a damaged header can send astropy back to where it was, again and again
        try:
            info = file[number].fileinfo()
        except IndexError:
            break
        if info["datLoc"] <= end or info["datSpan"] < 0:
            raise TileError(f"{path}: damaged, the header of HDU {number} asks for {info['datSpan']} bytes")
        end, number = info["datLoc"] + info["datSpan"], number + 1
        if end > room:
            raise TileError(f"{path}: truncated, {there} of {end} bytes")
    with gzip.open(path) if is_packed else path.open("rb") as whole:
        _check_end(path, whole, end)


def _check_end(path: Path, whole: gzip.GzipFile | BufferedReader, end: int) -> None:
    """Refuse what stands behind the last HDU, but zeros: astropy drops an HDU whose header is cut off."""
    there = whole.seek(end)
    if there < end:
        raise TileError(f"{path}: truncated, {there} of {end} bytes when unpacked")
    n, is_padding = 0, True
    for chunk in iter(lambda: whole.read(_CHUNK), b""):
        n, is_padding = n + len(chunk), is_padding and not chunk.strip(b"\0")
    if not is_padding:
        raise TileError(f"{path}: truncated or damaged, the last {n} bytes are no HDU")
