"""What AWS does not answer ends all the same, over a real socket: no read of a secret or of a document outlives the run that began it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from facteur.aws.s3 import Objects
from facteur.aws.secrets_manager import Secrets, SecretUnreadableError
from facteur.documents.store import DocumentStore
from facteur.domain.submission import Invoice
from facteur.errors import ConfigurationError, StoreRefusedError
from facteur.postgres.database import Database
from functions.relay_submissions import app as relay
from functions.submit_invoices import app as submit
from local.world.levers import World
from tests.dripping import client_of, dripping
from tests.raw_server import RawServer, raw_servers

FAR = float("inf")


class Vault:
    """Secrets Manager, which gives these secrets; where it `drips`, as a word of their names, its answers never end."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given, self.drips, self.dripping = given, "", threading.Event()

    def answer(self, _: str, asked: bytes) -> bytes | None:
        name = json.loads(asked)["SecretId"]
        if self.drips and self.drips in name:
            self.dripping.set()
            return None
        return json.dumps({"Name": name, "SecretString": json.dumps(self.given[name])}).encode()


@pytest.fixture
def vault() -> Vault:
    return Vault({"a": {"of": "a"}, "b": {"of": "b"}})


@pytest.fixture
def url(vault: Vault) -> Iterator[str]:
    with dripping(vault.answer) as url:
        yield url


@pytest.fixture
def secrets(url: str) -> Secrets:
    client = client_of("secretsmanager", url)
    return Secrets(lambda: client, read_seconds=2.0)


def test_a_secret_that_drips_is_waited_for_no_longer_than_a_read_may_take(vault: Vault, secrets: Secrets) -> None:
    vault.drips, began = "a", time.monotonic()

    with pytest.raises(SecretUnreadableError, match=r"secret a could not be read \(no_answer_in_time\)"):
        secrets.read("a")

    assert time.monotonic() - began < 10


def test_a_kept_secret_outlives_answers_that_drip(vault: Vault, secrets: Secrets) -> None:
    secrets.read("a")
    vault.drips, began = "a", time.monotonic()

    assert secrets.read("a", fresh=True) == {"of": "a"}

    assert time.monotonic() - began < 10


def test_a_slow_read_holds_up_no_other_secret(url: str, vault: Vault) -> None:
    client = client_of("secretsmanager", url)
    secrets, vault.drips = Secrets(lambda: client, read_seconds=5.0), "a"

    def read_slowly() -> None:
        with pytest.raises(SecretUnreadableError):
            secrets.read("a")

    slow = threading.Thread(target=read_slowly)
    slow.start()
    vault.dripping.wait()
    began = time.monotonic()

    assert secrets.read("b") == {"of": "b"}

    assert time.monotonic() - began < 2
    slow.join()


def test_an_older_answer_that_comes_later_replaces_no_newer_one(url: str, vault: Vault) -> None:
    """The first read fails after the second has brought what the secret was changed to."""
    client = client_of("secretsmanager", url)
    secrets = Secrets(lambda: client, read_seconds=3.0)
    secrets.read("a")
    vault.drips, found = "a", list[Any]()
    slow = threading.Thread(target=lambda: found.append(secrets.read("a", fresh=True)))
    slow.start()
    vault.dripping.wait()
    vault.drips, vault.given["a"] = "", {"of": "somebody else"}

    assert secrets.read("a", fresh=True) == {"of": "somebody else"}
    slow.join()

    assert found == [{"of": "somebody else"}]
    assert secrets.read("a") == {"of": "somebody else"}


class Context:
    """A function that is stopped in a few seconds, of which three are to record in."""

    def __init__(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds + 3

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self.ends_at - time.monotonic()))


@pytest.fixture
def dripping_vault(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    """The world's own secrets, given by a server that drips once it is asked to."""
    client = world.aws.session.client("secretsmanager", endpoint_url=world.aws.endpoint_url)
    names = [f"{world.prefix}/{each}" for each in ("database", "default")]
    vault = Vault({name: json.loads(client.get_secret_value(SecretId=name)["SecretString"]) for name in names})
    with dripping(vault.answer) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", url)
        world.new_container()
        yield vault


def test_a_database_whose_secret_drips_keeps_no_function_past_its_end(world: World, dripping_vault: Vault) -> None:
    dripping_vault.drips, began = "database", time.monotonic()

    with pytest.raises(ConfigurationError, match="no_answer_in_time"):
        relay.handler({}, Context(2))

    assert time.monotonic() - began < 10


def test_an_account_is_not_blamed_for_a_secret_that_there_was_no_time_to_read(
    world: World, dripping_vault: Vault
) -> None:
    world.add(1)
    world.relay()
    dripping_vault.drips, began = "default", time.monotonic()

    submit.handler({"Records": world.taken()}, Context(3))

    assert time.monotonic() - began < 10
    row = world.submission(1)
    assert (row.state, row.last_error_code) == ("pending", "no_time_left")
    dripping_vault.drips = ""
    world.advance(3600)
    world.deposit()
    assert len(world.deposits(1)) == 1


# --- documents -----------------------------------------------------------------------------------------------------------------

NOWHERE = Database(lambda: {"dsn": "postgresql://127.0.0.1:9/none"})  # no document is read from a row here
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n"
DRIPPED = {"in its head": HEAD + b"X-Long: ", "in its body": HEAD + b"\r\n<Invoice>"}


def drips_after(begun: bytes) -> Callable[[RawServer, socket.socket], None]:
    def behave(server: RawServer, connection: socket.socket) -> None:
        server.read_head(connection)
        connection.sendall(begun)
        for _ in range(300):
            connection.sendall(b"x")
            time.sleep(0.1)

    return behave


@pytest.mark.parametrize("where", DRIPPED)
def test_a_document_that_drips_is_waited_for_no_longer_than_a_read_may_take(where: str) -> None:
    with raw_servers() as serve:
        client = client_of("s3", serve(drips_after(DRIPPED[where])).url)
        documents = DocumentStore(NOWHERE, Objects(lambda: client, object_seconds=1.0), allow_files=False)
        invoice = Invoice("1", True, "default", "s3://documents/1.xml", None, None, None, "F-1", None, None, None, None)
        began = time.monotonic()

        with pytest.raises(StoreRefusedError, match="no_answer_in_time"):
            documents.fetch(invoice, 1000, 1000)

        assert time.monotonic() - began < 10


def test_the_head_and_the_body_of_a_document_share_their_time() -> None:
    """Each comes in time, and both together do not."""
    first, rest = b"<Invo", b"ice/>"

    def slow(server: RawServer, connection: socket.socket) -> None:
        server.read_head(connection)
        time.sleep(1.2)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + first)
        time.sleep(1.2)
        connection.sendall(rest)

    with raw_servers() as serve:
        client = client_of("s3", serve(slow).url)
        patient, hasty = (Objects(lambda: client, object_seconds=seconds) for seconds in (20.0, 2.0))

        size, blocks = patient.open("documents", "1.xml", len(first)) or (0, lambda: iter([b""]))
        assert (size, list(blocks())) == (10, [first, rest])
        _, blocks = hasty.open("documents", "1.xml", len(first)) or (0, lambda: iter([b""]))
        with pytest.raises(StoreRefusedError, match="no_answer_in_time"):
            list(blocks())


def test_a_store_is_not_blamed_for_a_document_that_there_was_no_time_to_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add(1, uri="s3://documents/1.xml")
    given: list[bytes] = []
    with dripping(lambda _path, _body: given[0] if given else None) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        world.new_container()
        world.relay()
        began = time.monotonic()

        submit.handler({"Records": world.taken()}, Context(3))

        assert time.monotonic() - began < 10
        row = world.submission(1)
        assert (row.state, row.last_error_code) == ("pending", "no_time_left")
        assert world.database.rows("select from facteur.stores") == []
        given.append(next(world.folder.glob("*.xml")).read_bytes())
        world.advance(3600)
        world.deposit()
        assert len(world.deposits(1)) == 1
