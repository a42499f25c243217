"""Every answer has an identifier, and what is logged of its request has the same."""

import re
from pathlib import Path

import httpx
import pytest

from catalog.tap.database import published_cache
from catalog.tap.limits import ServiceLimits
from catalog.tap.middleware.request_log import request_id
from tests.catalog.tap.tap_server import TapServer, serving

GIVEN = {"X-Request-ID": "from-the-proxy.1"}


def test_answers_and_refusals_have_identifiers_of_their_own(served: TapServer) -> None:
    answers = [
        served.ask("SELECT TOP 1 ra FROM galcat.galaxy"),
        served.ask("SELECT nothing"),
        httpx.get(f"{served.url}/health/live"),
        httpx.get(f"{served.url}/health/live", headers={"Host": "evil.example"}),
        httpx.get(f"{served.url}/nothing"),
        httpx.get(f"{served.url}/health/live", headers=GIVEN),
    ]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in ids)
    assert len(set(ids)) == len(ids)


def test_behind_a_proxy_its_identifier_is_taken_over_where_it_is_harmless(
    galaxies: str, tmp_path: Path, limits: ServiceLimits
) -> None:
    with serving(galaxies, tmp_path, limits, public_url="http://galaxies.example.org") as served:
        live = f"{served.url}/health/live"
        assert httpx.get(live, headers=GIVEN).headers["x-request-id"] == "from-the-proxy.1"
        for bad in ("a b", "x" * 65, 'a"b', ""):
            assert httpx.get(live, headers={"X-Request-ID": bad}).headers["x-request-id"] != bad


def test_an_error_of_ours_is_logged_with_the_identifier_that_the_client_was_told(
    served: TapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids: list[str] = []

    def fail(*_: object) -> None:
        ids.append(request_id())
        raise RuntimeError("a fault")

    monkeypatch.setattr(published_cache.PublishedCache, "current", fail)
    answer = served.ask("SELECT TOP 1 ra FROM galcat.galaxy")
    assert answer.status_code == 500
    assert ids == [answer.headers["x-request-id"]]
