"""Compresses answers by gzip, as their bytes come, for clients that accept it."""

import zlib
from collections.abc import Iterator

from starlette.requests import Request

_GZIP_WINDOW = 31
_FAST = 1
"""zlib's lowest level: on text nearly as small as the usual one, in a third of the time."""


def accepts_gzip(request: Request) -> bool:
    """Tell whether Accept-Encoding names gzip, and not only to refuse it."""
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def gzip_pieces(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Compress bytes as they come."""
    packer = zlib.compressobj(_FAST, zlib.DEFLATED, _GZIP_WINDOW)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
