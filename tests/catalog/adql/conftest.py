"""One catalogue for all tests that only ask."""

from collections.abc import Iterator

import pytest

from catalog.database.connection import connect
from tests.catalog.adql.adql_catalogue import AdqlCatalogue, make_catalogue
from tests.catalog.adql.small_published import AdqlTranslator
from tests.databases import fresh_database


@pytest.fixture(scope="session")
def catalogue(postgres_url: str, schema_template: str) -> Iterator[AdqlCatalogue]:
    """A catalogue of some thousand galaxies, asked by a stranger."""
    with (
        fresh_database(postgres_url, schema_template) as url,
        connect(url, autocommit=True) as connection,
    ):
        yield make_catalogue(connection)


@pytest.fixture(scope="session")
def translator() -> AdqlTranslator:
    """Translates queries that nobody runs."""
    return AdqlTranslator()
