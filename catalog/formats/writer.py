"""What the writers of all formats have in common: a head, rows in chunks, an end that says how it went."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from catalog.columns import ColumnMeta

Row = tuple[object, ...]


@dataclass(frozen=True)
class Ending:
    """How an answer ended.

    Attributes:
        is_cut: Whether there are more rows than were asked for at most (MAXREC).
        error: The reason why the answer broke off half-way; empty where it did not.
    """

    is_cut: bool = False
    error: str = ""


@dataclass(frozen=True)
class Heading:
    """What an answer says of itself.

    Attributes:
        query: The text of the query.
        info: Names and values of further INFO elements, such as the service's own name.
        links: The URL of the DataLink service and the name of the column with its identifiers, of which a
            VOTable makes a service descriptor; None where there is no such service.
    """

    query: str = ""
    info: dict[str, str] = field(default_factory=dict)
    links: tuple[str, str] | None = None


class Writer(Protocol):
    """Turns rows into bytes; each method returns what is ready to be sent.

    Values are plain: bool, int, float, str, bytes, datetime (naive, UTC), lists of numbers, None for NULL.
    A format that is not streamed gives b"" for its head and rows, and the file in the chunks of its end.
    """

    def start(self, columns: Sequence[ColumnMeta], heading: Heading) -> bytes:
        """Give the head of the file."""

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Give some rows.

        Raises:
            CatalogError: They need more disk than the format may take.
        """

    def end(self, ending: Ending) -> Iterator[bytes]:
        """Give the end of the file, in chunks.

        Raises:
            CatalogError: The whole file needs more disk than the format may take.
        """

    def close(self) -> None:
        """Remove what lies on disk; to be called at the end and after an error, once or more."""
