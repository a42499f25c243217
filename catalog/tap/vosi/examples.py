"""The page of examples at /tap/examples (DALI-examples: XHTML with RDFa, TAP 1.1 section 2.4.3)."""

import threading
import time
from dataclasses import dataclass
from xml.sax.saxutils import escape

import psycopg

from catalog.tap.vosi.example_queries import EXAMPLES, Example

_VOCABULARY = "http://www.ivoa.net/rdf/examples#"
_KEPT_S = 60.0
_CLEAREST_SPIRAL = (
    "SELECT object_id, ra, dec FROM galcat.galaxy "
    "ORDER BY has_spiral_arms_proportion_asked * has_spiral_arms_yes_fraction DESC, object_id LIMIT 1"
)
_PAGE = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en">
<head>
<meta charset="UTF-8"/>
<title>galcat: queries to begin with</title>
<style>body {{ max-width: 60em; margin: 2em auto; font-family: sans-serif }}
pre {{ background: #eee; padding: 1em; overflow: auto }}</style>
</head>
<body vocab="{vocabulary}">
<h1>Queries to begin with</h1>
<p>In ADQL, for the TAP service at <a href="{url}">{url}</a>.
TOPCAT shows them under Examples, pyvo as <code>TAPService("{url}").examples</code>.</p>
{examples}
</body>
</html>
"""
_EXAMPLE = """\
<div typeof="example" id="{key}" resource="#{key}">
<h2 property="name">{name}</h2>
<p>{text} Asks {tables}.</p>
<pre property="query">{query}</pre>
</div>"""


@dataclass(frozen=True)
class Anchor:
    """A galaxy that examples speak of: the clearest spiral."""

    object_id: int
    ra_deg: float
    dec_deg: float


class ExamplesPage:
    """The page of examples, filled in from the catalogue again when it is a minute old."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._anchor: Anchor | None = None
        self._looked_at: float | None = None

    def __call__(self, connection: psycopg.Connection, base_url: str) -> str:
        """Write the page.

        Args:
            connection: A connection of a role that may read galcat.galaxy.
            base_url: The URL of the service, without /tap.

        Returns:
            XHTML, to be sent as text/html or application/xhtml+xml; an empty catalogue has only the examples
            that need no galaxy.
        """
        with self._lock:
            if self._looked_at is None or time.monotonic() - self._looked_at > _KEPT_S:
                self._anchor = find_anchor(connection)
                self._looked_at = time.monotonic()
            anchor = self._anchor
        return _page(anchor, base_url)


def find_anchor(connection: psycopg.Connection) -> Anchor | None:
    """Find the clearest spiral; None in an empty catalogue."""
    row = connection.execute(_CLEAREST_SPIRAL).fetchone()
    return None if row is None else Anchor(*row)


def fill_example(example: Example, anchor: Anchor | None) -> str | None:
    """Fill in an example's query; None where it needs a galaxy and there is none."""
    if not example.needs_galaxy:
        return example.query
    if anchor is None:
        return None
    return example.query.format(
        galaxy=anchor.object_id, ra=f"{anchor.ra_deg:.6f}", dec=f"{anchor.dec_deg:.6f}"
    )


def _page(anchor: Anchor | None, base_url: str) -> str:
    filled_in = [(example, fill_example(example, anchor)) for example in EXAMPLES]
    blocks = [_block(example, query) for example, query in filled_in if query is not None]
    url = escape(f"{base_url.rstrip('/')}/tap", {'"': "&quot;"})
    return _PAGE.format(vocabulary=_VOCABULARY, url=url, examples="\n".join(blocks))


def _block(example: Example, query: str) -> str:
    """An example as RDFa; tables are no links, whose object would be the address."""
    tables = " and ".join(f'<code property="table">{escape(table)}</code>' for table in example.tables)
    return _EXAMPLE.format(
        key=example.key,
        name=escape(example.name),
        text=escape(example.text),
        tables=tables,
        query=escape(query),
    )
