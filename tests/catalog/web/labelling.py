"""Somebody who labels over HTTP, and what is stored of it."""

import re
from collections.abc import Callable

import httpx
import psycopg

Enter = Callable[..., httpx.Client]


def token(client: httpx.Client) -> str:
    found = re.search(r'data-token="([^"]*)"', client.get("/label/ring").text)
    assert found is not None
    return found[1]


def say(client: httpx.Client, task: str, *words: tuple[int, object, float]) -> httpx.Response:
    body = [{"id": str(identity), "value": value, "at": at * 1000} for identity, value, at in words]
    return client.post(f"/label/{task}/say", json=body, headers={"X-Form-Token": token(client)})


def labels(database: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT task, object_id, answer, rating, labeller, origin FROM galcat.label ORDER BY label_id"
        ).fetchall()


def some_ids(database: str, n: int) -> list[int]:
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT object_id FROM galcat.galaxy ORDER BY 1 LIMIT %s", [n]).fetchall()
    return [row[0] for row in rows]
