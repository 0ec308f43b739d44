"""A Postgres that speaks TLS, asks for a password in clear, and refuses it: what a client sends to RDS with IAM."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.raw_server import RawServer

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
CLEARTEXT = b"R" + struct.pack("!ii", 8, 3)
REFUSED = b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"


def certificate(folder: Path) -> Path:
    """A certificate of its own for 127.0.0.1, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(today - datetime.timedelta(1)).not_valid_after(today + datetime.timedelta(1))
        .add_extension(address, critical=False).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = folder / "server.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*kind))
    return path


def refusing(pem: Path, said: Callable[[str], None]) -> Callable[[RawServer, socket.socket], None]:
    """What such a server does to a connection; `said` hears the password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def behave(_server: RawServer, plain: socket.socket) -> None:
        if plain.recv(8) != SSL_REQUEST:
            return  # whoever does not ask for TLS hears nothing
        plain.sendall(b"S")
        with context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(struct.unpack("!i", connection.recv(4))[0] - 4)
            connection.sendall(CLEARTEXT)
            _kind, length = struct.unpack("!ci", connection.recv(5))
            said(connection.recv(length - 4).rstrip(b"\0").decode())
            connection.sendall(b"E" + struct.pack("!i", len(REFUSED) + 4) + REFUSED)

    return behave
