import threading
from dataclasses import replace
from pathlib import Path

import httpx

from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import RUNAWAY, serving, wait_until


def test_one_address_that_asks_much_does_not_shut_out_another(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    few = replace(limits, queries_at_once=3, queries_at_once_an_address=2, sync_seconds=4)
    with serving(galaxies, tmp_path, few) as served:
        runaways = [threading.Thread(target=served.ask, args=(RUNAWAY,)) for _ in range(4)]
        for runaway in runaways:
            runaway.start()
        wait_until(lambda: served.running() == 2)
        with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2"), timeout=2) as other:
            query = {"QUERY": "SELECT TOP 1 ra FROM galcat.galaxy"}
            assert other.get(f"{served.url}/tap/sync", params=query).status_code == 200
        assert served.running() == 2
        for runaway in runaways:
            runaway.join()


def test_an_address_that_has_its_places_waits_not_for_ever(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    few = replace(limits, queries_at_once_an_address=1, queue_seconds=0.3, sync_seconds=2)
    with serving(galaxies, tmp_path, few) as served:
        runaway = threading.Thread(target=served.ask, args=(RUNAWAY,))
        runaway.start()
        wait_until(lambda: served.running() == 1)
        refused = served.ask("SELECT TOP 1 ra FROM galcat.galaxy")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
        assert "no query could be begun for 0.3 s" in refused.text
        runaway.join()
        assert served.ask("SELECT TOP 1 ra FROM galcat.galaxy").status_code == 200
