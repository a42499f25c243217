"""What queries are written as is what was looked at: SQL, parameters, columns and errors, to the letter.

That the SQL gives what the query means is tested beside this, on a database. Here nothing may change
unseen. Where it is meant to, `python -m tests.catalog.adql.test_written_sql` writes the file anew: look at
what differs.
"""

from collections.abc import Iterator
from dataclasses import astuple, fields
from itertools import groupby
from pathlib import Path

import pytest

from catalog.adql.errors import AdqlError
from catalog.adql.translate import translate
from catalog.adql.translation import SimilaritySearch
from catalog.columns import ColumnMeta
from tests.catalog.adql.small_published import small_published

FOLDER = Path(__file__).parent
QUERIES = (FOLDER / "written_queries.txt").read_text(encoding="utf-8").splitlines()
WRITTEN = FOLDER / "written_sql.txt"
MOST = 1_000
"""Rows that are shown at most."""
PART = 12
"""Queries that a test looks at: a fault in one clause is found by the few tests that reach it."""


def lines_of(query: str) -> Iterator[str]:
    """The query, and a line for each thing that a translation says."""
    yield f"ADQL {query}"
    try:
        made = translate(query, small_published(), MOST)
    except AdqlError as error:
        yield f"error {error} ({error.line}, {error.column})"
        return
    yield f"SQL {made.query.as_string(None)}"
    for name in sorted(made.parameters):
        yield f"parameter {name} {made.parameters[name]!r}"
    for column in made.columns:
        yield f"column {told(column)}"
    for search in made.searches:
        yield f"search {told_search(search)}"
    yield f"rows {made.limit} {made.max_rows}"


def told(column: ColumnMeta) -> str:
    names = [field.name for field in fields(column)]
    return " ".join(f"{name}={value!r}" for name, value in zip(names, astuple(column), strict=True) if value)


def told_search(search: SimilaritySearch) -> str:
    condition = None if search.condition is None else search.condition.as_string(None)
    return (
        f"{search.name} {search.alias} {search.vector.as_string(None)} {search.n} {search.cone} {condition}"
    )


def written_blocks() -> dict[str, str]:
    lines = WRITTEN.read_text(encoding="utf-8").splitlines()
    blocks = ["\n".join(block) for is_text, block in groupby(lines, bool) if is_text]
    return {block.partition("\n")[0].removeprefix("ADQL "): block for block in blocks}


def test_what_was_looked_at_are_the_queries() -> None:
    assert list(written_blocks()) == QUERIES


@pytest.mark.parametrize("first", range(0, len(QUERIES), PART))
def test_every_query_is_written_as_it_was_when_it_was_looked_at(first: int) -> None:
    written = written_blocks()
    found = {query: "\n".join(lines_of(query)) for query in QUERIES[first : first + PART]}
    assert {query: text for query, text in found.items() if text != written[query]} == {}


if __name__ == "__main__":
    WRITTEN.write_text("\n\n".join("\n".join(lines_of(query)) for query in QUERIES) + "\n", encoding="utf-8")
