"""Tells what a file is by what is in it: a table of some kind, or something else that has a name."""

import codecs
import re
from typing import Literal

from table_files.errors import TableError

Kind = Literal["votable", "fits", "parquet", "gzip", "hdf5", "text"]

_KINDS: tuple[tuple[bytes, Kind], ...] = ((b"\x1f\x8b", "gzip"), (b"PAR1", "parquet"), (b"\x89HDF", "hdf5"))
_OTHERS = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet such as .xlsx: save the table as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet or document of an old office program: save the table as CSV"),
    (b"BZh", "compressed by bzip2: unpack it, or compress it by gzip"),
    (b"\xfd7zXZ\0", "compressed by xz: unpack it, or compress it by gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd: unpack it, or compress it by gzip"),
    (b"\x1f\x9d", "compressed by compress (.Z): unpack it, or compress it by gzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
    (b"ARROW1", "a Feather (Arrow) file: write it as Parquet"),
    (b"PARE", "encrypted Parquet: write it without encryption"),
    (b"SQLite format 3\0", "an SQLite database: write the table as CSV or Parquet"),
    (b"\x93NUMPY", "an array of numpy: write it as a table with names, such as Parquet or FITS"),
    (b"%PDF", "a PDF document: save its table as text"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
)
"""How files begin that are no tables, and what they are."""
_FITS = re.compile(rb"SIMPLE *=")
_JSON = re.compile(rb"\{|\[\s*[\[{\"]")
_WEB_PAGE = re.compile(
    rb"(<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_UTF8, _UTF16 = codecs.BOM_UTF8, (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD = 4000


def find_kind(content: bytes) -> Kind:
    """Which kind of table a file holds.

    Args:
        content: The bytes of the file.

    Raises:
        TableError: It is empty, or something else, which is named.
    """
    head = _plain_head(content)
    if not head:
        raise TableError("it is empty")
    for beginning, kind in _KINDS:
        if head.startswith(beginning):
            return kind
    for beginning, what in _OTHERS:
        if head.startswith(beginning):
            raise TableError(f"it is no table but {what}")
    if _FITS.match(head):
        return "fits"
    if _WEB_PAGE.match(head):
        raise TableError("it is no table but a web page (HTML), perhaps an error that a server answered")
    if _JSON.match(head):
        raise TableError("it is no table but JSON: write it as CSV or Parquet")
    return "votable" if head.startswith(b"<") else "text"


def decode_text(content: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 where it says so by its first two bytes.

    Raises:
        TableError: It is in another encoding, or has bytes that no text has.
    """
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TableError(f"line {line} is not in UTF-8: save it as UTF-8") from None
    at = text.find("\0")
    if at >= 0:
        line = text.count("\n", 0, at) + 1
        raise TableError(f"line {line} has a NUL, which no text has: save it as text in UTF-8")
    return text


def _plain_head(content: bytes) -> bytes:
    """The beginning of a file without a byte order mark and blank lines; of UTF-16, as ASCII."""
    head = content[:_HEAD]
    if head.startswith(_UTF16):
        head = head.decode("utf-16", "ignore").encode("ascii", "replace")
    return head.removeprefix(_UTF8).lstrip()
