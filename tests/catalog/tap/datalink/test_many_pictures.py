"""Small pictures for many behind one address: each is answered, and nobody is kept from theirs."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg

from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import TapServer, serving
from tests.waiting import LAST_LIMIT_S, wait_until

CLASSROOM = 20 * 6
"""Connections of twenty browsers."""


Ask = Callable[[int], list[Future[httpx.Response]]]


@contextmanager
def visitors(served: TapServer, address: str, n: int) -> Iterator[Ask]:
    """Up to n people behind one address, each of whom asks for a picture at once."""
    url = f"{served.url}/datalink/thumbnail/{served.value('SELECT min(object_id) FROM galcat.galaxy')}.jpg"
    everyone = httpx.HTTPTransport(local_address=address, limits=httpx.Limits(max_connections=None))
    with httpx.Client(transport=everyone, timeout=LAST_LIMIT_S) as client, ThreadPoolExecutor(n) as pool:
        yield lambda m: [pool.submit(client.get, url) for _ in range(m)]


@contextmanager
def nothing_read(served: TapServer) -> Iterator[None]:
    """Hold every picture back until the end."""
    with psycopg.connect(served.database) as connection:
        connection.execute("LOCK galcat.thumbnail IN ACCESS EXCLUSIVE MODE")
        yield


def being_read(served: TapServer) -> int:
    return int(
        served.value(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'galcat.thumbnail'::regclass"
        )
    )


def test_a_classroom_behind_one_address_sees_every_picture_and_so_does_its_neighbour(
    galaxies: str, tmp_path: Path
) -> None:
    with (
        serving(galaxies, tmp_path, ServiceLimits()) as served,
        visitors(served, "127.0.0.1", CLASSROOM) as classroom,
        visitors(served, "127.0.0.2", 1) as neighbour,
    ):
        with nothing_read(served):
            many = classroom(CLASSROOM)
            wait_until(lambda: being_read(served) == ServiceLimits().pictures_at_once_an_address)
            (one,) = neighbour(1)
            wait_until(lambda: being_read(served) == ServiceLimits().pictures_at_once_an_address + 1)
        assert [answer.result().status_code for answer in [*many, one]] == [200] * (CLASSROOM + 1)


def test_who_asks_for_more_than_may_wait_is_told_when_to_ask_again(galaxies: str, tmp_path: Path) -> None:
    few = replace(ServiceLimits(), pictures_at_once_an_address=1, pictures_waiting_an_address=3)
    with serving(galaxies, tmp_path, few) as served, visitors(served, "127.0.0.1", 6) as ask:
        with nothing_read(served):
            asked = ask(6)
            wait_until(lambda: sum(answer.done() for answer in asked) == 2)
            refused = [answer.result() for answer in asked if answer.done()]
        answers = [answer.result() for answer in asked]
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [503] * 2
    assert {answer.headers["retry-after"] for answer in refused} == {"2"}
    assert {answer.text for answer in refused} == {
        "3 pictures for your address are waiting already: try again later\n"
    }
