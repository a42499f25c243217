"""The databases that tests get: clones of their own, made ahead, which go when the test is over."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.databases import fresh_database
from tests.waiting import wait_until


def name_of(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {str(name) for (name,) in rows}


def make_table(url: str, name: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(f"CREATE TABLE public.{name} ()".encode())


def test_each_clone_is_as_its_template_was_and_goes_with_those_that_were_made_of_it_ahead(
    postgres_url: str,
) -> None:
    with fresh_database(postgres_url, "template1") as template:
        make_table(template, "first")
        with fresh_database(postgres_url, name_of(template)) as one:
            assert tables(one) == {"first"}
            make_table(one, "second")
            with fresh_database(postgres_url, name_of(template)) as other:
                assert tables(other) == {"first"}
    gone = {name_of(url) for url in (template, one, other)}

    def are_gone() -> bool:
        with psycopg.connect(postgres_url) as connection:
            there = connection.execute("SELECT datname FROM pg_database WHERE datname = ANY (%s)", [[*gone]])
            return not there.fetchall()

    assert len(gone) == 3
    wait_until(are_gone, "the end of all three")
