"""The proxies of the docs, run with the real programs."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.waiting import wait_until

NAME = "galaxies.example.org"
PUBLIC = f"https://{NAME}"
PROXIES = Path(__file__).resolve().parents[3] / "docs" / "proxies"


@dataclass(frozen=True)
class Certificate:
    """A certificate for NAME, signed by itself, and its key."""

    file: Path
    key: Path


def write_certificate(folder: Path) -> Certificate:
    """Make a certificate; the test is skipped where openssl is missing."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate for a proxy")
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "2"]
    command += ["-out", str(made.file), "-keyout", str(made.key)]
    subprocess.run(command, check=True, capture_output=True)
    return made


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def write_nginx(folder: Path, port: int, services: Sequence[str], certificate: Certificate) -> list[str]:
    """Write the docs' file into a configuration of its own; returns the command."""
    text = (PROXIES / "nginx.conf").read_text()
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("server 127.0.0.1:8000;", " ".join(f"server {service};" for service in services)),
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


def write_caddy(folder: Path, port: int, services: Sequence[str], certificate: Certificate) -> list[str]:
    """The same for Caddy, without its wish for a certificate from elsewhere."""
    text = (PROXIES / "Caddyfile").read_text()
    for old, new in (
        ("{\n\tservers", "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers"),
        (f"{NAME} {{", f"{PUBLIC}:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate.file} {certificate.key}"),
        ("127.0.0.1:8000", " ".join(services)),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "Caddyfile").write_text(text)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def proxied(
    program: str, folder: Path, services: Sequence[str], certificate: Certificate
) -> Iterator[httpx.Client]:
    """A client of a proxy before some services, host and port of each, which believes the certificate.

    The test is skipped where the program is missing.
    """
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: its configuration in the docs is not tried")
    folder.mkdir()
    write, port = (write_nginx if program == "nginx" else write_caddy), free_port()
    command = write(folder, port, services, certificate)
    environment = os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
    try:
        wait_until(lambda: process.poll() is not None or _is_open(port))
        assert process.poll() is None, (folder / "said").read_text()
        with httpx.Client(
            base_url=f"https://127.0.0.1:{port}",
            headers={"Host": NAME},
            verify=ssl.create_default_context(cafile=str(certificate.file)),
            event_hooks={"request": [_name_server]},
        ) as client:
            yield client
    finally:
        process.terminate()
        process.wait()


def _name_server(request: httpx.Request) -> None:
    request.extensions["sni_hostname"] = NAME


def _is_open(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
