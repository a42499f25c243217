"""Range requests (RFC 9110, section 14): which bytes of a file a client asks for."""

import re

_RANGE = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)


class RangeError(ValueError):
    """None of the bytes that are asked for are in the file."""


def parse_range(text: str | None, size: int) -> tuple[int, int] | None:
    """Find the bytes that a Range header asks for.

    Args:
        text: The header; None where there is none.
        size: Length of the file in bytes.

    Returns:
        The first byte and the one behind the last; None for the whole file, which also answers a header that
        asks for several ranges or cannot be understood, as the standard allows.

    Raises:
        RangeError: The range lies beyond the file.
    """
    found = _RANGE.fullmatch(text.strip()) if text is not None else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        first, end = max(0, size - int(found[2])), size
    else:
        first, end = int(found[1]), size if not found[2] else min(size, int(found[2]) + 1)
        if found[2] and int(found[2]) < first:
            return None
    if first >= end:
        raise RangeError(f"bytes {text} of a file of {size:,} bytes")
    return first, end
