"""Whatever is asked: an error of ours, or SQL that names nothing unknown and that Postgres can read.

The types that the translation foretells are those that Postgres finds.
"""

import random

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from catalog.adql.errors import AdqlError
from catalog.adql.translation import Translation
from tests.catalog.adql.adql_catalogue import AdqlCatalogue
from tests.catalog.adql.changes import WORDS, change_query
from tests.catalog.adql.emitted import strangers
from tests.catalog.adql.grammar import Maker
from tests.catalog.adql.seeds import SEEDS
from tests.sizes import fuzzing

OUR_FAULT = (
    *("42601", "42501", "42P01", "42703", "42883", "42P02"),  # syntax, rights, unknown names
    *("42702", "42725", "42804", "42846", "42P10", "42P18"),  # what is ambiguous, or of the wrong type
    *("0A", "XX"),  # not supported, internal
)
TYPES = {
    "boolean": {16},
    "short": {21},
    "int": {23},
    "long": {20},
    "float": {700, 1021},
    "double": {701, 1022},
    "char": {25, 1042, 1043, 1114},
    "unicodeChar": {25, 1042, 1043},
}
"""Postgres' types, and those of their arrays, by VOTable's."""
usual = fuzzing(400)


@pytest.mark.fuzz
@usual
@given(words=st.lists(st.sampled_from(WORDS), max_size=40), glue=st.sampled_from([" ", "", "\n"]))
def test_any_words(catalogue: AdqlCatalogue, words: list[str], glue: str) -> None:
    check(catalogue, "SELECT " + glue.join(words))


@pytest.mark.fuzz
@usual
@given(text=st.text(max_size=200))
def test_any_text(catalogue: AdqlCatalogue, text: str) -> None:
    check(catalogue, text)
    check(catalogue, f"SELECT ra FROM galcat.galaxy WHERE survey = {text}")


@pytest.mark.fuzz
@usual
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 6))
def test_changed_queries(catalogue: AdqlCatalogue, seed: int, changes: int) -> None:
    check(catalogue, change_query(random.Random(seed), changes))


@pytest.mark.fuzz
@usual
@given(seed=st.integers(0, 2**32))
def test_queries_by_the_grammar(catalogue: AdqlCatalogue, seed: int) -> None:
    check(catalogue, Maker(random.Random(seed)).query())


@pytest.mark.parametrize("query", SEEDS)
def test_unchanged_queries(catalogue: AdqlCatalogue, query: str) -> None:
    assert check(catalogue, query) is not None
    catalogue.rows(query)


def check(catalogue: AdqlCatalogue, query: str) -> Translation | None:
    try:
        translation = catalogue.translated(query, 100)
    except AdqlError:
        return None
    assert strangers(translation, catalogue.published) == []
    assert translation.columns
    parameters = translation.parameters | {search.name: [1] for search in translation.searches}
    complaint, types = "", []
    empty = sql.SQL("SELECT * FROM ({}) AS empty LIMIT 0").format(translation.query)
    try:
        types = [
            column.type_code for column in catalogue.connection.execute(empty, parameters).description or ()
        ]
    except psycopg.Error as error:
        complaint = f"{error.sqlstate or 'XX'} {error}"
    assert not complaint.startswith(OUR_FAULT), f"{complaint}: {query}"
    for found, column in zip(types, translation.columns, strict=not complaint):
        assert found in TYPES[column.datatype], f"{column}: {query}"
    return translation


@pytest.mark.parametrize(
    "text",
    [
        "SELECT pg_catalog.pg_sleep(1)",
        "SELECT pg_sleep(1)",
        "SELECT galcat.build_galaxy_view()",
        'SELECT 1 FROM "galcat"."source"',
        'SELECT "t1"."jpeg" FROM "galcat"."galaxy" AS "t1"',
        'SELECT "galaxy"."ra" FROM "galcat"."galaxy"',
        "SELECT 'text'",
        "SELECT 1; SELECT 1",
        "SELECT 1 -- comment\n#",
        "SELECT 1 OPERATOR(pg_catalog.+) 1",
        "SELECT current_user",
    ],
)
def test_the_check_itself_finds_strangers(catalogue: AdqlCatalogue, text: str) -> None:
    assert strangers(Translation(sql.Composed([sql.SQL(text)]), {}, ()), catalogue.published)
