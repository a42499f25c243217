from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx

from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import RUNAWAY, serving
from tests.waiting import wait_until


def test_one_address_that_asks_much_does_not_shut_out_another(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    few = replace(limits, queries_at_once=3, queries_at_once_an_address=2)
    with serving(galaxies, tmp_path, few) as served, ExitStack() as runaways:
        for _ in range(4):
            runaways.enter_context(served.asking(RUNAWAY))
        wait_until(lambda: served.running() == 2)
        with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as other:
            query = {"QUERY": "SELECT TOP 1 ra FROM galcat.galaxy"}
            assert other.get(f"{served.url}/tap/sync", params=query).status_code == 200
        assert served.running() == 2


def test_an_address_that_has_its_places_waits_not_for_ever(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    few = replace(limits, queries_at_once_an_address=1, queue_seconds=0.3)
    query = "SELECT TOP 1 ra FROM galcat.galaxy"
    with serving(galaxies, tmp_path, few) as served:
        with served.asking(RUNAWAY):
            wait_until(lambda: served.running() == 1)
            refused = served.ask(query)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
            assert "no query could be begun for 0.3 s" in refused.text
        wait_until(lambda: served.ask(query).status_code == 200)
