"""What tests of searches share: galaxies over the whole sky that are only read."""

from collections.abc import Iterator

import psycopg
import pytest

from catalog.database.connection import connect
from tests.catalog.galaxies import fill
from tests.databases import fresh_database

N = 400


@pytest.fixture(scope="module")
def filled_url(postgres_url: str, schema_template: str) -> Iterator[str]:
    """N galaxies for all tests that only read."""
    with fresh_database(postgres_url, schema_template) as url:
        with connect(url, autocommit=True) as connection:
            fill(connection, N)
        yield url


@pytest.fixture
def filled(filled_url: str) -> Iterator[psycopg.Connection]:
    with connect(filled_url, autocommit=True) as connection:
        yield connection
