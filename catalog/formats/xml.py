"""XML documents, put together from their elements as text."""

from collections.abc import Mapping
from datetime import UTC, datetime

from catalog.formats.xml_text import attributes, content

XML = "text/xml"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NONE: Mapping[str, str] = {}


def element(name: str, *inside: str, given: Mapping[str, str] = _NONE) -> str:
    """An element around others; attributes without a value are left out."""
    return f"<{name}{attributes(**given)}>\n{''.join(inside)}</{name}>\n"


def text(name: str, value: str | None, given: Mapping[str, str] = _NONE) -> str:
    """An element around a text, on a line of its own; nothing where there is no text."""
    return f"<{name}{attributes(**given)}>{content(value)}</{name}>\n" if value else ""


def iso(time: datetime) -> str:
    """A time as UWS and VOSI write it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
