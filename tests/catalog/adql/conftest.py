"""One catalogue for all tests that only ask."""

from collections.abc import Iterator

import pytest

from catalog.database.connection import connect
from tests.catalog.adql.asking import Asked, make_catalogue
from tests.conftest import fresh_database


@pytest.fixture(scope="session")
def asked(postgres_url: str, schema_template: str) -> Iterator[Asked]:
    """A catalogue of some thousand galaxies, asked by a stranger."""
    with (
        fresh_database(postgres_url, schema_template) as url,
        connect(url, autocommit=True) as connection,
    ):
        yield make_catalogue(connection)
