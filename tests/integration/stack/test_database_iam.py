"""IAM in place of the database's password: a token for each connection, over TLS alone, and nowhere to be read."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from facteur.errors import ConfigurationError, DatabaseUnavailableError
from facteur.postgres.address import RDS_CA_BUNDLE, database_parameters
from local.world.levers import World
from tests.raw_server import raw_servers
from tests.tls_postgres import certificate, refusing

SECRET: dict[str, Any] = {"host": "db.example", "port": 5433, "username": "facteur_worker", "iam": True}


def test_each_connection_has_a_token_of_its_own_signed_for_where_it_goes(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    passwords: list[str] = []
    pem = certificate(tmp_path)

    def hear(password: str) -> None:
        passwords.append(password)
        world.put_secret("database", secret | {"username": "facteur_second"})  # rotated while it is refused

    with raw_servers() as start:
        server = start(refusing(pem, hear))
        port = urlsplit(server.url).port
        secret = SECRET | {"host": "127.0.0.1", "port": port, "sslrootcert": str(pem)}
        world.put_secret("database", secret)
        world.new_container()
        with pytest.raises(DatabaseUnavailableError) as raised:
            world.relay()

    signed = [urlsplit(f"https://{password}") for password in passwords]
    users = [parse_qs(each.query)["DBUser"][0] for each in signed]
    assert {each.netloc for each in signed} == {f"127.0.0.1:{port}"}
    assert (users[0], set(users[1:])) == ("facteur_worker", {"facteur_second"})
    assert all(parse_qs(each.query)["Action"] == ["connect"] and "X-Amz-Signature" in each.query for each in signed)
    signatures = [parse_qs(each.query)["X-Amz-Signature"][0] for each in signed]
    assert not [s for s in signatures if s in caplog.text or s in str(raised.value) or s in repr(raised.value)]


def test_the_token_is_sent_to_nobody_who_cannot_prove_to_be_the_server(world: World, tmp_path: Path) -> None:
    passwords: list[str] = []

    with raw_servers() as start:
        server = start(refusing(certificate(tmp_path), passwords.append))
        world.put_secret("database", SECRET | {"host": "127.0.0.1", "port": urlsplit(server.url).port})
        world.new_container()
        with pytest.raises(DatabaseUnavailableError):
            world.relay()

    assert server.connections > 0
    assert passwords == []


@pytest.mark.parametrize("in_lambda", [True, False])
def test_iam_connects_with_the_authorities_of_rds_and_without_a_stored_password(in_lambda: bool) -> None:
    assert database_parameters(SECRET, "facteur/database", in_lambda) == {
        "host": "db.example", "port": 5433, "dbname": "postgres", "user": "facteur_worker",
        "sslmode": "verify-full", "sslrootcert": RDS_CA_BUNDLE,
    }  # fmt: skip
    assert Path(RDS_CA_BUNDLE).exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sslmode": "disable"}, r"sslmode \(IAM needs TLS\)"),
        ({"sslmode": "prefer"}, r"sslmode \(IAM needs TLS\)"),
        ({"password": "hunter2"}, r"password \(not with iam\)"),
        ({"iam": "yes"}, r"iam \(must be true\)"),
        ({"iam": False}, "password"),
    ],
)
def test_a_secret_that_says_two_things_is_reported(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"facteur/database: missing or malformed {said}$") as raised:
        database_parameters(SECRET | change, "facteur/database", in_lambda=True)

    assert "hunter2" not in str(raised.value)
