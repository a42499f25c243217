"""People who may log in to the page: each is let in once by a link, and is known by name from then on."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

import psycopg

from catalog.errors import CatalogError
from catalog.tasks.agreement import GOLD

Role = Literal["reader", "labeller"]
LINK_DAYS = 7
_NAME = re.compile(r"[^\W_][\w.-]{0,39}")


class PersonError(CatalogError):
    """There is no such person, there is one already, or the name will not do."""


@dataclass(frozen=True)
class Person:
    """Somebody who may log in.

    Attributes:
        name: The name that stands beside labels.
        role: `reader` may look, `labeller` may label too.
        sessions: How many browsers are logged in.
        link_until: Until when a link that was not used yet lets in; None where there is none.
    """

    name: str
    role: Role
    sessions: int
    link_until: datetime | None


def add_person(connection: psycopg.Connection, name: str, role: Role) -> str:
    """Add somebody, and give the secret of the link that lets them in once.

    Args:
        connection: Open connection of the writer.
        name: The name that will stand beside the labels.
        role: Whether the person may label, or only look.

    Raises:
        PersonError: The name will not do, or somebody has it.
    """
    if not _NAME.fullmatch(name):
        raise PersonError(
            f"{name!r} is no name: letters, digits, '.', '_' and '-', at most 40, the first a letter or digit"
        )
    if name == GOLD:
        raise PersonError(f"{GOLD} is who says the gold-standard answers: choose another name")
    added = connection.execute(
        "INSERT INTO galcat_tap.person (name, role) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING name",
        [name, role],
    ).fetchone()
    if added is None:
        raise PersonError(f"{name} is there already: galcat people link {name} makes a new link")
    return make_link(connection, name)


def make_link(connection: psycopg.Connection, name: str) -> str:
    """Make a new link for somebody, and give its secret; an older one that was not used lets in no more.

    Raises:
        PersonError: There is nobody of that name.
    """
    link = secrets.token_urlsafe(24)
    made = connection.execute(
        "UPDATE galcat_tap.person SET link_digest = %s, "
        "link_until = pg_catalog.clock_timestamp() + make_interval(days => %s) WHERE name = %s "
        "RETURNING name",
        [sha256(link.encode()).digest(), LINK_DAYS, name],
    ).fetchone()
    if made is None:
        raise PersonError(f"nobody is called {name!r}: see galcat people")
    return link


def remove_person(connection: psycopg.Connection, name: str) -> None:
    """Let somebody in no more, and end their sessions; what they said stays.

    Raises:
        PersonError: There is nobody of that name.
    """
    gone = connection.execute(
        "DELETE FROM galcat_tap.person WHERE name = %s RETURNING name", [name]
    ).fetchone()
    if gone is None:
        raise PersonError(f"nobody is called {name!r}: see galcat people")


def list_people(connection: psycopg.Connection) -> list[Person]:
    """Everybody who may log in, by name."""
    rows = connection.execute(
        "SELECT p.name, p.role, (SELECT count(*) FROM galcat_tap.session AS s "
        "WHERE s.person = p.name AND s.ends_at > pg_catalog.clock_timestamp()), p.link_until "
        "FROM galcat_tap.person AS p ORDER BY p.name"
    ).fetchall()
    return [Person(*row) for row in rows]
