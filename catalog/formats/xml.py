"""Writes XML, put together from its elements as text."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

XML = "text/xml"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NONE: Mapping[str, str] = {}
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(name: str, *inside: str, given: Mapping[str, str] = _NONE) -> str:
    """Write an element around others; attributes without a value are left out."""
    return f"<{name}{attributes(**given)}>\n{''.join(inside)}</{name}>\n"


def text(name: str, value: str | None, given: Mapping[str, str] = _NONE) -> str:
    """Write an element around a text, on a line of its own; nothing where there is no text."""
    return f"<{name}{attributes(**given)}>{content(value)}</{name}>\n" if value else ""


def iso(time: datetime) -> str:
    """Write a time as UWS and VOSI have it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def content(text: str) -> str:
    """Escape a text between tags; characters that XML cannot hold become U+FFFD."""
    return escape(_FORBIDDEN.sub("\ufffd", text), {"\r": "&#13;"})


def quote(text: str) -> str:
    """Quote the value of an attribute."""
    return quoteattr(_FORBIDDEN.sub("\ufffd", text))


def attributes(**values: str) -> str:
    """Write the attributes that are not empty, each after a space."""
    return "".join(f" {name}={quote(value)}" for name, value in values.items() if value)
