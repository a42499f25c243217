import psycopg
import pytest
from psycopg import errors

from catalog.tap.database.postgres_errors import translate_error

SAYS = "the query needs more memory than Postgres has for it: ask for shorter texts, or fewer of them"


def test_a_text_longer_than_postgres_can_make_is_the_querys_fault(connection: psycopg.Connection) -> None:
    with pytest.raises(errors.InternalError_, match="invalid memory alloc request size") as failed:
        connection.execute("SELECT 'x' ~ repeat('x', 270000000)")  # four bytes a character
    assert str(translate_error(failed.value, 1)) == SAYS


def test_memory_that_is_not_there_is_the_querys_fault() -> None:
    assert str(translate_error(errors.OutOfMemory("out of memory"), 1)) == SAYS


def test_other_failures_inside_postgres_are_ours() -> None:
    assert str(translate_error(errors.InternalError_("could not find pathkey item to sort"), 1)) != SAYS
