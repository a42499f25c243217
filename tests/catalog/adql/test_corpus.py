"""Every query of the corpus: the valid ones run, the hostile ones never reach Postgres."""

from pathlib import Path

import psycopg
import pytest

from catalog.adql.errors import AdqlError
from tests.catalog.adql.adql_catalogue import AdqlCatalogue
from tests.catalog.adql.corpus import UNMAPPED, queries


def test_every_valid_query_with_a_meaning_here_runs(catalogue: AdqlCatalogue, shared_data: Path) -> None:
    galaxy = catalogue.rows("SELECT TOP 1 object_id FROM galcat.galaxy")[0][0]
    failed = {}
    valid = {
        name: query
        for name, (query, is_valid) in queries(shared_data).items()
        if is_valid and name not in UNMAPPED
    }
    assert len(valid) == 58
    for name, query in valid.items():
        try:
            catalogue.rows(query.replace("{galaxy}", str(galaxy)))
        except (AdqlError, psycopg.Error) as error:
            failed[name] = f"{query} -> {error}"
    assert failed == {}


def test_what_has_no_meaning_here_is_listed(catalogue: AdqlCatalogue, shared_data: Path) -> None:
    for name in UNMAPPED:
        assert queries(shared_data)[name][1], f"{name} is not valid anywhere"
        with pytest.raises(AdqlError):
            catalogue.translated(queries(shared_data)[name][0])


def test_every_query_to_be_refused_is_refused_before_postgres(
    catalogue: AdqlCatalogue, shared_data: Path
) -> None:
    hostile = {name: query for name, (query, is_valid) in queries(shared_data).items() if not is_valid}
    assert len(hostile) == 15
    for query in hostile.values():
        with pytest.raises(AdqlError):
            catalogue.translated(query)
