"""Certificates for servers on this machine, by an authority that nobody knows."""

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.galcat.real_servers import give


def write_certificates(folder: Path, name: str = "test authority") -> Path:
    """A certificate authority, a key and a certificate for localhost; returns the authority's certificate."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certify(name, authority_key, name, authority_key, is_authority=True)
    server = _certify("localhost", key, name, authority_key, is_authority=False)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = serialization.Encoding.PEM
    for file, content in (
        ("ca.crt", authority.public_bytes(pem)),
        ("server.crt", server.public_bytes(pem)),
        ("server.key", secret),
    ):
        (folder / file).write_bytes(content)
        give(folder / file)
        (folder / file).chmod(0o600 if file == "server.key" else 0o644)
    return folder / "ca.crt"


def _certify(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name.replace(" ", "-"))]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
