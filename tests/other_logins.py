"""Sessions of logins that are no superuser, made for a test and gone after it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import psycopg

from catalog.database.connection import connect


@contextmanager
def session_in_role(
    url: str, role: Literal["galcat_reader", "galcat_labeller", "galcat_writer", "galcat_owner"]
) -> Iterator[psycopg.Connection]:
    """A session in autocommit mode of a new login that is a member of one role of the catalogue."""
    with connect(url, autocommit=True) as owner:
        name = f"{role}_{owner.info.dbname}"  # roles belong to all databases of a server
        owner.execute(f"CREATE ROLE {name} LOGIN IN ROLE {role}".encode())
        try:
            with psycopg.connect(url, user=name, autocommit=True) as session:
                yield session
        finally:
            owner.execute(f"DROP ROLE {name}".encode())
