"""A picture that somebody drops on the page: read once, turned into a vector, and not kept."""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.errors import CatalogError
from catalog.tap.errors import INTERNAL_MESSAGE, UsageError

MAX_PIXELS = 40_000_000
_KINDS = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png"}
_OTHERS = (b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"<svg")
"""How pictures begin that cannot be searched by: GIF, WebP, BMP, TIFF, SVG."""
_log = logging.getLogger(__name__)


def is_picture(content: bytes) -> bool:
    """Whether a file begins as a picture does, of a kind that can be read or of another."""
    return content.startswith((*_KINDS, *_OTHERS))


def encode_content(encode: Callable[[Path], NDArray[np.float32]], content: bytes) -> NDArray[np.float32]:
    """The (40,) search vector of a picture's bytes.

    The head of the file is looked at before all of it is decoded: a small file can hold a huge picture.

    Args:
        encode: Turns a picture file into its vector.
        content: The bytes of the file.

    Raises:
        UsageError: It is no JPEG or PNG, cannot be read, or has too many pixels.
        CatalogError: `encode` says so of it.
    """
    ending = next((ending for begin, ending in _KINDS.items() if content.startswith(begin)), None)
    if ending is None:
        raise UsageError("that is no JPEG or PNG")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"picture{ending}"
        path.write_bytes(content)
        _require_small(path)
        try:
            return encode(path)
        except CatalogError:
            raise
        except Exception as error:
            _log.exception("a picture could not be encoded")
            raise UsageError(_reason(error, path)) from error


def _require_small(path: Path) -> None:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only where a picture comes

    try:
        with Image.open(path) as picture:
            width, height = picture.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise UsageError(f"the picture cannot be read: {_reason(error, path)}") from error
    if width * height > MAX_PIXELS:
        raise UsageError(f"the picture has {width} x {height} pixels: at most {MAX_PIXELS:,}")


def _reason(error: Exception, path: Path) -> str:
    """The error in a line, without the path that nobody outside knows."""
    lines = str(error).replace(str(path), "the picture").strip().splitlines()
    return lines[0] if lines else INTERNAL_MESSAGE
