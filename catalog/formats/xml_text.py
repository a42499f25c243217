"""Text within XML 1.0."""

import re
from xml.sax.saxutils import escape, quoteattr

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def content(text: str) -> str:
    """Between tags; characters that XML cannot hold become U+FFFD."""
    return escape(_FORBIDDEN.sub("\ufffd", text), {"\r": "&#13;"})


def quoted(text: str) -> str:
    """The value of an attribute, in its quotes."""
    return quoteattr(_FORBIDDEN.sub("\ufffd", text))


def attributes(**values: str) -> str:
    """Attributes that are not empty, each after a space."""
    return "".join(f" {name}={quoted(value)}" for name, value in values.items() if value)
