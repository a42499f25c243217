"""The configurations of nginx and Caddy in the docs, run before a service with the real programs."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from catalog.tap.limits import ServiceLimits
from tests.catalog.tap.tap_server import TapServer, serving
from tests.waiting import wait_until

NAME = "galaxies.example.org"
PUBLIC = f"https://{NAME}"
PROXIES = Path(__file__).resolve().parents[3] / "docs" / "proxies"
COUNT = "SELECT COUNT(*) AS n FROM galcat.galaxy"


@dataclass(frozen=True)
class Certificate:
    """A certificate for NAME, signed by itself, and its key."""

    file: Path
    key: Path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate for a proxy")
    folder = tmp_path_factory.mktemp("certificate")
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "2"]
    command += ["-out", str(made.file), "-keyout", str(made.key)]
    subprocess.run(command, check=True, capture_output=True)
    return made


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def write_nginx(folder: Path, port: int, service: str, certificate: Certificate) -> list[str]:
    """Write the docs' file into a configuration of its own; returns the command."""
    text = (PROXIES / "nginx.conf").read_text()
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("127.0.0.1:8000", service),
        (f"/etc/ssl/certs/{NAME}.pem", str(certificate.file)),
        (f"/etc/ssl/private/{NAME}.key", str(certificate.key)),
    ):
        assert old in text
        text = text.replace(old, new)
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{place}_temp_path {folder}/{place};" for place in places)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"daemon off; {user} pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{text}\n}}\n"
    )
    return ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]


def write_caddy(folder: Path, port: int, service: str, certificate: Certificate) -> list[str]:
    """The same for Caddy, without its wish for a certificate from elsewhere."""
    text = (PROXIES / "Caddyfile").read_text()
    for old, new in (
        ("{\n\tservers", "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers"),
        (f"{NAME} {{", f"{PUBLIC}:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate.file} {certificate.key}"),
        ("127.0.0.1:8000", service),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "Caddyfile").write_text(text)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def proxied(
    program: str, folder: Path, served: TapServer, certificate: Certificate
) -> Iterator[httpx.Client]:
    """A client of the proxy, which believes the certificate."""
    folder.mkdir()
    write: Callable[[Path, int, str, Certificate], list[str]]
    write = write_nginx if program == "nginx" else write_caddy
    port = free_port()
    command = write(folder, port, served.url.removeprefix("http://"), certificate)
    environment = os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
    try:
        wait_until(lambda: process.poll() is not None or is_open(port))
        assert process.poll() is None, (folder / "said").read_text()
        with httpx.Client(
            base_url=f"https://127.0.0.1:{port}",
            headers={"Host": NAME},
            verify=ssl.create_default_context(cafile=str(certificate.file)),
            transport=None,
        ) as client:
            yield client
    finally:
        process.terminate()
        process.wait()


def is_open(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("program", ["nginx", "caddy"])
def test_the_configuration_of_the_docs_serves_strangers_and_believes_none_of_their_headers(
    program: str, galaxies: str, tmp_path: Path, limits: ServiceLimits, certificate: Certificate
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: its configuration in the docs is not tried")
    sni = {"sni_hostname": NAME}
    with (
        serving(galaxies, tmp_path / "service", limits, public_url=PUBLIC) as served,
        proxied(program, tmp_path / program, served, certificate) as client,
    ):

        def get(path: str, **headers: str) -> httpx.Response:
            return client.get(path, headers=headers, extensions=sni)

        assert f"{PUBLIC}/tap" in get("/tap/capabilities").text
        forged = {"X-Forwarded-For": "1.2.3.4", "X-Request-ID": "chosen-by-me"}
        made = client.post("/tap/async", data={"QUERY": COUNT}, headers=forged, extensions=sni)
        assert (made.status_code, made.headers["location"].startswith(f"{PUBLIC}/tap/async/")) == (303, True)
        assert served.value("SELECT string_agg(DISTINCT host(address::inet), ',') FROM galcat_tap.job") == (
            "127.0.0.1"
        )
        assert made.headers["x-request-id"] != "chosen-by-me"
        listed = get("/tap/async", **forged)
        assert listed.text.count("<uws:jobref ") == 1
        long = f"SELECT COUNT(*) AS n FROM galcat.galaxy WHERE survey <> '{'x' * 50_000}'"
        asked = client.get("/tap/sync", params={"QUERY": long, "FORMAT": "csv"}, extensions=sni)
        assert asked.text.split() == ["n", "300"]
        form = {"QUERY": COUNT, "UPLOAD": "t,param:f"}
        files = {"f": ("f", b"x" * 25_500_000 + b"x" * 1_000_000)}
        refused = client.post("/tap/sync", data=form, files=files, extensions=sni)
        assert refused.status_code in {413, 400, 502}
        assert get("/metrics").status_code == 403
        assert get("/health/ready").text == "ready\n"
