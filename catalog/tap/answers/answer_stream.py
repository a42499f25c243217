"""An answer on its way: the bytes of one format, made from a running query as its rows come."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

from catalog.adql.published import PublishedTable
from catalog.errors import CatalogError
from catalog.formats.choose import Format
from catalog.formats.writer import Ending, Heading
from catalog.tap.queries.run_query import RunningQuery

_GALAXY_ID = "meta.id;meta.main"


class AnswerStream:
    """The bytes of the answer to a query; every method may wait for Postgres.

    Args:
        query: The query, which has not begun.
        form: The format of the answer.
        text: The query's text, which the head of the answer repeats.
        links: The URL of the DataLink service; empty where there is none.
        spool: The folder for answers in formats that are not streamed.
        max_bytes: How many bytes such an answer may take there.
        uploads: A context that holds the tables that came with the query for as long as the answer is made.

    Attributes:
        error: The reason why the answer broke off half-way; empty where it did not.
    """

    def __init__(
        self,
        query: RunningQuery,
        form: Format,
        text: str,
        links: str,
        spool: Path,
        max_bytes: int,
        uploads: AbstractContextManager[tuple[PublishedTable, ...]] | None = None,
    ) -> None:
        self.query = query
        self.form = form
        self.error = ""
        self._text = text
        self._links = links
        self._writer = form.writer(spool, max_bytes)
        self._uploads = uploads or nullcontext(())
        self._held = ExitStack()

    def pieces(self, *, is_live: bool) -> Iterator[bytes]:
        """Run the query and give the whole answer, some bytes at a time.

        Args:
            is_live: Whether the bytes are sent as they come. Then a header before them must say whether the
                answer is cut, if the format cannot; and a format that can tell ends with the error that came
                after its first rows.

        Raises:
            CatalogError: As RunningQuery, unless the format tells; or the answer needs too much disk.
        """
        is_told = is_live and self.form.flags_cut and self.form.is_streamed
        tables = self._held.enter_context(self._uploads)
        self.query.begin(tables, is_counted=is_live and not self.form.flags_cut)
        yield self._writer.start(self.query.columns, Heading(self._text, links=self._find_links()))
        ending = Ending()
        try:
            for rows in self.query.chunks():
                yield self._writer.rows(rows)
            ending = Ending(is_cut=self.query.is_cut)
        except CatalogError as error:
            if not is_told:
                raise
            self.error = str(error)
            ending = Ending(error=self.error)
        yield from self._writer.end(ending)

    def close(self) -> None:
        """End the query, if it still runs, and remove what lies on disk."""
        self.query.close()
        self._writer.close()
        self._held.close()

    def _find_links(self) -> tuple[str, str] | None:
        """The DataLink service, where a column holds the ids of galaxies."""
        names = [column.name for column in self.query.columns if column.ucd == _GALAXY_ID]
        return (self._links, names[0]) if names and self._links else None
