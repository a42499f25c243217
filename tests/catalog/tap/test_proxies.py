"""The configurations of nginx and Caddy in the docs, run before a service with the real programs."""

from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.proxies import PUBLIC, Certificate, proxied, write_certificate
from tests.catalog.tap.tap_server import serving

COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.mark.parametrize("program", ["nginx", "caddy"])
def test_the_configuration_of_the_docs_serves_strangers_and_believes_none_of_their_headers(
    program: str, galaxies: str, tmp_path: Path, limits: ServiceLimits, certificate: Certificate
) -> None:
    with (
        serving(galaxies, tmp_path / "service", limits, public_url=PUBLIC) as served,
        proxied(program, tmp_path / program, [urlsplit(served.url).netloc], certificate) as client,
    ):

        def get(path: str, **headers: str) -> httpx.Response:
            return client.get(path, headers=headers)

        assert f"{PUBLIC}/tap" in get("/tap/capabilities").text
        forged = {"X-Forwarded-For": "1.2.3.4", "X-Request-ID": "chosen-by-me"}
        made = client.post("/tap/async", data={"QUERY": COUNT}, headers=forged)
        assert (made.status_code, made.headers["location"].startswith(f"{PUBLIC}/tap/async/")) == (303, True)
        assert served.value("SELECT string_agg(DISTINCT host(address::inet), ',') FROM galcat_tap.job") == (
            "127.0.0.1"
        )
        assert made.headers["x-request-id"] != "chosen-by-me"
        listed = get("/tap/async", **forged)
        assert listed.text.count("<uws:jobref ") == 1
        long = f"SELECT COUNT(*) AS n FROM galcat.galaxy WHERE survey <> '{'x' * 50_000}'"
        asked = client.get("/tap/sync", params={"QUERY": long, "FORMAT": "csv"})
        assert asked.text.split() == ["n", "300"]
        form = {"QUERY": COUNT, "UPLOAD": "t,param:f"}
        files = {"f": ("f", b"x" * 25_500_000 + b"x" * 1_000_000)}
        refused = client.post("/tap/sync", data=form, files=files)
        assert refused.status_code in {413, 400, 502}
        assert get("/metrics").status_code == 403
        assert get("/health/ready").text == "ready\n"
