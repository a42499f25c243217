"""The formats of answers, by the names that TAP's RESPONSEFORMAT knows them by."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.errors import CatalogError
from catalog.formats.fits_writer import FitsWriter
from catalog.formats.json_writer import JsonWriter
from catalog.formats.parquet_writer import ParquetWriter
from catalog.formats.separated import CsvWriter, TsvWriter
from catalog.formats.votable_writer import Binary2Writer, TabledataWriter
from catalog.formats.writer import Writer

VOTABLE = "application/x-votable+xml"


class FormatError(CatalogError):
    """There is no format of that name."""


@dataclass(frozen=True)
class Format:
    """A format of answers.

    Attributes:
        name: The short name that the format is listed by.
        content_type: The value of HTTP's header Content-Type; text/xml where that was asked for.
        mime_types: The media types by which a client may ask for the format; the first is its own.
        aliases: The short names by which a client may ask for the format.
        ending: The ending of a file's name, without the dot.
        is_streamed: Whether rows are sent as they come; else they are spooled and the file comes at the end.
        flags_cut: Whether the file itself says that it was cut.
        make: Makes a writer from the folder for spooled files and the number of bytes it may take there.
    """

    name: str
    content_type: str
    mime_types: tuple[str, ...]
    aliases: tuple[str, ...]
    ending: str
    is_streamed: bool
    flags_cut: bool
    make: Callable[[Path, int], Writer]

    def writer(self, spool_folder: Path, max_bytes: int = 2**30) -> Writer:
        """Make a writer for one answer.

        Args:
            spool_folder: The folder in which a format that is not streamed keeps its files until `close`.
            max_bytes: How many bytes it may take there.
        """
        return self.make(spool_folder, max_bytes)


FORMATS = (
    Format(
        "votable",
        VOTABLE,
        (f"{VOTABLE};serialization=BINARY2", VOTABLE, "text/xml"),
        ("votable", "votable/b2"),
        "vot",
        is_streamed=True,
        flags_cut=True,
        make=lambda _folder, _most: Binary2Writer(),
    ),
    Format(
        "votable/td",
        f"{VOTABLE};serialization=TABLEDATA",
        (f"{VOTABLE};serialization=TABLEDATA",),
        ("votable/td",),
        "vot",
        is_streamed=True,
        flags_cut=True,
        make=lambda _folder, _most: TabledataWriter(),
    ),
    Format(
        "csv",
        "text/csv;header=present;charset=utf-8",
        ("text/csv", "text/csv;header=present"),
        ("csv",),
        "csv",
        is_streamed=True,
        flags_cut=False,
        make=lambda _folder, _most: CsvWriter(),
    ),
    Format(
        "tsv",
        "text/tab-separated-values;charset=utf-8",
        ("text/tab-separated-values",),
        ("tsv",),
        "tsv",
        is_streamed=True,
        flags_cut=False,
        make=lambda _folder, _most: TsvWriter(),
    ),
    Format(
        "json",
        "application/json",
        ("application/json",),
        ("json",),
        "json",
        is_streamed=True,
        flags_cut=True,
        make=lambda _folder, _most: JsonWriter(),
    ),
    Format(
        "fits",
        "application/fits",
        ("application/fits",),
        ("fits",),
        "fits",
        is_streamed=False,
        flags_cut=True,
        make=FitsWriter,
    ),
    Format(
        "parquet",
        "application/vnd.apache.parquet",
        ("application/vnd.apache.parquet", "application/x-parquet"),
        ("parquet",),
        "parquet",
        is_streamed=False,
        flags_cut=True,
        make=ParquetWriter,
    ),
)


def choose(asked: str | None) -> Format:
    """Find the format that RESPONSEFORMAT names, in any case; None or an empty text is VOTable in BINARY2.

    Raises:
        FormatError: There is none of that name.
    """
    wanted = "".join((asked or "votable").lower().split()).removesuffix(";charset=utf-8")
    for one in FORMATS:
        if wanted in {name.lower() for name in (*one.mime_types, *one.aliases)}:
            return replace(one, content_type="text/xml") if wanted == "text/xml" else one
    raise FormatError(f"no format {asked!r}: choose {', '.join(one.name for one in FORMATS)}")
