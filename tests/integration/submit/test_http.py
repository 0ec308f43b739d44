"""HTTP over real sockets: whether a whole body left, who gets the token, and that nothing of the drivers escapes."""

from __future__ import annotations

import functools
import gc
import hashlib
import http.client
import inspect
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import IO

import pytest
import requests.exceptions
import urllib3.exceptions

from facteur.aws.cloudformation import answer, as_custom_resource
from facteur.documents.store import FetchedDocument
from facteur.domain.submission import Accepted
from facteur.errors import (
    AccountRefusedError,
    ConfigurationError,
    OutcomeUnknownError,
    PlatformBusyError,
    Problem,
    ProblemError,
)
from facteur.platforms.credentials import Credentials, credentials_from
from facteur.platforms.http import HttpClient, classified
from facteur.platforms.iopole.client import TOKEN_PATH, Iopole
from facteur.platforms.multipart import BLOCK_BYTES, SingleFileBody
from facteur.platforms.oauth import BearerToken, lifetime_seconds
from local.invoices import render, sample_invoice
from local.simulator.core.control import Simulator
from tests.raw_server import RawServer, Serving, closed_port, http_answer, raw_servers, reset, saying

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
READ_SECONDS = 1.0


@pytest.fixture
def serving() -> Iterator[Serving]:
    with raw_servers() as start:
        yield start


@pytest.fixture
def opened() -> Iterator[Callable[[str], HttpClient]]:
    clients: list[HttpClient] = []

    def client(url: str) -> HttpClient:
        clients.append(HttpClient(url, connect_timeout_seconds=2.0, read_timeout_seconds=READ_SECONDS, connections=8))
        return clients[-1]

    yield client
    for each in clients:
        each.drop_idle_connections()


Opened = Callable[[str], HttpClient]


def body_of(
    content: bytes | IO[bytes], size: int | None = None, before: Callable[[], None] = lambda: None
) -> SingleFileBody:
    file = BytesIO(content) if isinstance(content, bytes) else content
    return SingleFileBody("file", "a.xml", "application/xml", file, size or len(file.read()), before)


# --- before the body's end ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "http://nowhere.invalid"])
def test_a_refused_connection_and_an_unknown_name_sent_nothing(opened: Opened, address: str) -> None:
    body = body_of(b"<a/>")

    with pytest.raises(PlatformBusyError, match="could not be reached"):
        opened(address.format(port=closed_port())).call("POST", "/v1/invoice", body=body)

    assert not body.whole_sent


def say_no_tls(server: RawServer, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def collects_sockets(test: Callable[..., None]) -> Callable[..., None]:
    """urllib3 leaves the socket of a failed handshake to the garbage collector; this is where it may say so."""

    @functools.wraps(test)
    def collected(**fixtures: object) -> None:
        test(**fixtures)
        gc.collect()

    marked: Callable[..., None] = pytest.mark.filterwarnings("ignore::ResourceWarning")(collected)
    return marked


@collects_sockets
def test_a_failed_tls_handshake_sent_nothing(serving: Serving, opened: Opened) -> None:
    server, body = serving(say_no_tls), body_of(b"<a/>")

    with pytest.raises(PlatformBusyError, match="SSLError"):
        opened(server.url.replace("http:", "https:")).call("POST", "/v1/invoice", body=body)

    assert not body.whole_sent


@collects_sockets
def test_a_connection_reset_during_the_handshake_sent_nothing(serving: Serving, opened: Opened) -> None:
    server, body = serving(lambda _, connection: reset(connection)), body_of(b"<a/>")

    with pytest.raises(PlatformBusyError):
        opened(server.url.replace("http:", "https:")).call("POST", "/v1/invoice", body=body)

    assert not body.whole_sent


def test_who_must_not_send_any_more_sends_no_byte_of_the_body(serving: Serving, opened: Opened) -> None:
    def refuse() -> None:
        raise PlatformBusyError(Problem("lease_too_short", "not sent"))

    server = serving(saying(OK))

    with pytest.raises(PlatformBusyError, match="not sent"):
        opened(server.url).call("POST", "/v1/invoice", body=body_of(b"<a/>", before=refuse))

    assert server.ended.wait(5)
    assert server.received[0].endswith(b"\r\n\r\n")


def test_a_document_that_cannot_be_read_is_not_sent(serving: Serving, opened: Opened, tmp_path: Path) -> None:
    server = serving(saying(OK))
    with (tmp_path / "a.xml").open("wb") as unreadable:
        body = SingleFileBody("file", "a.xml", "application/xml", unreadable, 4, lambda: None)

        with pytest.raises(PlatformBusyError):
            opened(server.url).call("POST", "/v1/invoice", body=body)

    assert not body.whole_sent


def raised_at(nth: int) -> tuple[Callable[[], None], list[int]]:
    """A check that refuses at its nth time, and the times that it was asked."""
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) == nth:
            raise PlatformBusyError(Problem("lease_too_short", "not sent"))

    return check, asked


@pytest.mark.parametrize("nth", [2, 3, 4])
def test_who_must_not_go_on_in_the_middle_sends_no_end_and_cuts_the_connection(
    serving: Serving, opened: Opened, nth: int
) -> None:
    check, asked = raised_at(nth)
    server = serving(saying(OK))
    client = opened(server.url)
    body = body_of(b"<" * (3 * BLOCK_BYTES + 1), before=check)

    with pytest.raises(PlatformBusyError, match="not sent"):
        client.call("POST", "/v1/invoice", body=body)

    assert (len(asked), body.whole_sent) == (nth, False)
    assert server.ended.wait(5)
    assert not server.received[0].rstrip().endswith(b"--")
    assert client.call("GET", "/").status == 200  # on a connection of its own
    assert server.connections == 2


def test_a_document_that_has_become_shorter_is_not_sent(serving: Serving, opened: Opened) -> None:
    server = serving(saying(OK))

    with pytest.raises(PlatformBusyError):
        opened(server.url).call("POST", "/v1/invoice", body=body_of(b"<" * BLOCK_BYTES, size=3 * BLOCK_BYTES))

    assert server.ended.wait(5)
    assert not server.received[0].rstrip().endswith(b"--")


# --- after it ---------------------------------------------------------------------------------------------------------


def reset_in_the_middle(server: RawServer, connection: socket.socket) -> None:
    server.read_head(connection)
    connection.recv(100_000)
    reset(connection)


def reset_before_the_body(server: RawServer, connection: socket.socket) -> None:
    server.read_head(connection)
    reset(connection)


def reset_after(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    reset(connection)


def silent(server: RawServer, connection: socket.socket) -> None:
    server.read_request(connection)
    connection.recv(1)  # until the client gives up


HALVES = {
    "nothing": b"",
    "half a status": b"HTTP/1.1 2",
    "no status": b"hello\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00",
    "half a head": b"HTTP/1.1 201 Created\r\nContent-",
    "a head without its end": b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n",
    "half a body": b'HTTP/1.1 201 Created\r\nContent-Length: 90\r\n\r\n{"id":',
    "half a chunk": b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n{",
    "no chunk": b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{",
    "no gzip": b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\n\r\n{}",
    "endless head": b"HTTP/1.1 201 Created\r\n" + b"X: y\r\n" * 300 + b"\r\n",
    "a long line": b"HTTP/1.1 201 Created\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
}


def half(text: bytes) -> Callable[[RawServer, socket.socket], None]:
    def behave(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(text)

    return behave


LOST = {
    "reset after the body": reset_after,
    "silence": silent, **{name: half(text) for name, text in HALVES.items()},
}  # fmt: skip


@pytest.mark.parametrize("how", LOST)
def test_an_answer_lost_after_the_whole_body_is_a_doubt(serving: Serving, opened: Opened, how: str) -> None:
    server, body = serving(LOST[how]), body_of(b"<a/>" + b" " * 3_000_000)

    with pytest.raises(OutcomeUnknownError, match="the platform's answer was lost"):
        opened(server.url).call("POST", "/v1/invoice", body=body)

    assert body.whole_sent


@pytest.mark.parametrize("behave", [reset_before_the_body, reset_in_the_middle])
def test_a_connection_that_is_reset_before_the_bodys_end_deposited_nothing(
    serving: Serving, opened: Opened, behave: Callable[[RawServer, socket.socket], None]
) -> None:
    body = body_of(b"<a/>" + b" " * 30_000_000)  # more than all buffers on the way take

    with pytest.raises(PlatformBusyError, match="could not be reached"):
        opened(serving(behave).url).call("POST", "/v1/invoice", body=body)

    assert not body.whole_sent


@pytest.mark.parametrize("how", LOST)
def test_the_same_without_a_document_is_only_a_busy_platform(serving: Serving, opened: Opened, how: str) -> None:
    with pytest.raises(PlatformBusyError):
        opened(serving(LOST[how]).url).call("POST", "/token", form={"a": "b" * 200_000})


def test_an_answer_longer_than_any_answer_should_be_is_a_doubt(serving: Serving, opened: Opened) -> None:
    text = b"HTTP/1.1 201 Created\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000

    with pytest.raises(OutcomeUnknownError):
        opened(serving(saying(text)).url).call("POST", "/", body=body_of(b"<a/>"), longest_bytes=4999)


def test_an_answer_of_the_longest_length_allowed_is_read(serving: Serving, opened: Opened) -> None:
    text = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000

    assert len(opened(serving(saying(text)).url).call("GET", "/", longest_bytes=5000).body) == 5000


def test_an_answer_given_before_the_whole_body_was_read_counts(serving: Serving, opened: Opened) -> None:
    def too_large(server: RawServer, connection: socket.socket) -> None:
        server.read_head(connection)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass

    answered = opened(serving(too_large).url).call("POST", "/v1/invoice", body=body_of(b"<" * 30_000_000))

    assert answered.status == 413


# --- connections ------------------------------------------------------------------------------------------------------


def once_each(server: RawServer, connection: socket.socket) -> None:
    """Promises to keep the connection alive, and drops it."""
    server.read_request(connection)
    connection.sendall(OK)


def test_a_kept_alive_connection_that_the_server_dropped_is_noticed_before_a_body_leaves(
    serving: Serving, opened: Opened
) -> None:
    server = serving(once_each)
    client = opened(server.url)
    client.call("GET", "/")
    assert server.ended.wait(5)

    answered = client.call("POST", "/v1/invoice", body=body_of(b"<a/>"))

    assert answered.status == 200
    assert [request[:4] for request in server.received] == [b"GET ", b"POST"]


def test_connections_are_kept_alive_until_they_are_dropped_on_purpose(serving: Serving, opened: Opened) -> None:
    server = serving(saying(OK))
    client = opened(server.url)

    client.call("GET", "/")
    client.call("GET", "/")
    assert server.connections == 1

    client.drop_idle_connections()
    client.call("GET", "/")
    assert server.connections == 2


def test_a_redirect_is_an_answer_and_nobody_else_gets_the_token(serving: Serving, opened: Opened) -> None:
    elsewhere = serving(saying(OK))
    moved = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.url}/v1/invoice\r\nContent-Length: 0\r\n\r\n".encode()
    server = serving(saying(moved))
    token = token_from(serving, opened, {"access_token": "bearer-1", "expires_in": 1740})

    with pytest.raises(OutcomeUnknownError) as raised:
        Iopole(opened(server.url), token, sandbox=True).deposit(document(b"<a/>"), None, lambda: None)

    assert raised.value.problem.http_status == 307
    assert b"Bearer bearer-1" in server.received[0]
    assert (len(server.received), elsewhere.connections) == (1, 0)


# --- every exception of the drivers -------------------------------------------------------------------------------------

MODULES = (requests.exceptions, urllib3.exceptions, http.client, ssl)
DRIVER_ERRORS = sorted(
    {
        each
        for module in MODULES
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Exception) and not issubclass(each, Warning)
    }
    | {socket.gaierror, socket.herror, TimeoutError, BrokenPipeError, ConnectionResetError, UnicodeError},
    key=lambda each: f"{each.__module__}.{each.__name__}",
)


@pytest.mark.parametrize("error", DRIVER_ERRORS)
def test_every_exception_of_the_drivers_is_kept_apart(error: type[Exception]) -> None:
    body = body_of(b"<a/>")

    for whole, expected in ((False, PlatformBusyError), (True, OutcomeUnknownError)):
        body.whole_sent = whole
        with pytest.raises(expected, match=error.__name__), classified(body):
            raise error.__new__(error)
    with pytest.raises(PlatformBusyError), classified(None):
        raise error.__new__(error)


def test_our_own_errors_pass_as_they_are() -> None:
    with pytest.raises(AccountRefusedError), classified(None):
        raise AccountRefusedError(Problem("token_refused", "no"))


# --- the token --------------------------------------------------------------------------------------------------------


def document(content: bytes, name: str = "a.xml") -> FetchedDocument:
    return FetchedDocument(name, "application/xml", len(content), hashlib.sha256(content).hexdigest(), content)


def token_from(serving: Serving, opened: Opened, body: object, status: int = 200, headers: str = "") -> BearerToken:
    server = serving(saying(http_answer(status, body, headers)))
    return BearerToken(
        opened(server.url), TOKEN_PATH, lambda fresh: Credentials("me@example.org", "old+secret&"), "secret test"
    )


@dataclass
class Account:
    """A platform over the simulator, with a secret that can change, and a count of how often it was read anew."""

    platform: Iopole
    credentials: Credentials
    read_anew: int = 0


@pytest.fixture
def account(simulator: Simulator, opened: Opened) -> Account:
    def credentials(fresh: bool) -> Credentials:
        found.read_anew += fresh
        return found.credentials if fresh else replace(found.credentials, client_secret=known)

    known = simulator.client_secret
    token = BearerToken(opened(simulator.auth_url), TOKEN_PATH, credentials, "secret test")
    platform = Iopole(opened(simulator.base_url), token, sandbox=True)
    found = Account(platform, Credentials(simulator.client_id, known, headers={"customer-id": simulator.customer_id}))
    return found


def at_once(work: Callable[[], object], threads: int = 8) -> list[object]:
    """The results, or the exceptions, of the same work in many threads."""
    gate = threading.Barrier(threads)

    def one(_: int) -> object:
        gate.wait()
        try:
            return work()
        except Exception as error:  # noqa: BLE001
            return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def test_many_threads_fetch_one_token(account: Account, simulator: Simulator) -> None:
    simulator.script_endpoint("token", ["slow:0.1"])

    assert at_once(lambda: account.platform.find("F-1")) == [[]] * 8
    assert len(simulator.calls("token")) == 1


def test_many_threads_share_a_token_that_could_not_be_fetched(account: Account, simulator: Simulator) -> None:
    simulator.script_endpoint("token", ["timeout"])

    began = time.monotonic()
    found = at_once(lambda: account.platform.find("F-1"))

    assert {type(each) for each in found} == {PlatformBusyError}
    assert time.monotonic() - began < 2 * READ_SECONDS + 1
    assert account.platform.find("F-1") == []


def test_a_refused_token_is_renewed_once(account: Account, simulator: Simulator) -> None:
    account.platform.find("F-1")
    simulator.revoke_tokens()

    assert at_once(lambda: account.platform.find("F-1")) == [[]] * 8
    assert len(simulator.calls("token")) == 2


@pytest.mark.parametrize(("refusals", "deposited"), [(1, 1), (2, 0)])
def test_a_deposit_is_repeated_after_one_401_and_not_after_two(
    account: Account, simulator: Simulator, refusals: int, deposited: int
) -> None:
    content = render(sample_invoice(1), "cii")
    simulator.script(sample_invoice(1).number, ["401"] * refusals)

    found = at_once(lambda: account.platform.deposit(document(content), None, lambda: None), threads=1)

    assert isinstance(found[0], Accepted if deposited else AccountRefusedError)
    assert [each["sha256"] for each in simulator.ledger()] == [hashlib.sha256(content).hexdigest()] * deposited
    assert len(simulator.calls("deposit")) == 2


def test_a_rotated_secret_is_read_again_once(account: Account, simulator: Simulator) -> None:
    simulator.rotate_secret("new-secret")
    account.credentials = replace(account.credentials, client_secret="new-secret")

    assert account.platform.find("F-1") == []
    assert account.read_anew == 1


def test_a_secret_that_stays_wrong_is_asked_twice_and_refuses_the_account(
    account: Account, simulator: Simulator
) -> None:
    simulator.rotate_secret("new-secret")

    with pytest.raises(AccountRefusedError) as raised:
        account.platform.find("F-1")

    assert (raised.value.problem.code, raised.value.problem.platform_code) == ("token_refused", "invalid_client")
    assert len(simulator.calls("token")) == 2


@pytest.mark.parametrize(
    ("lifetime", "fetches"),
    [
        ({"expires_in": 1740}, 1), ({"expires_in": "1740"}, 1), ({"expires_in": " 1740.0 "}, 1), ({"expires_in": 1e300}, 1),
        ({"expires_in": 10**400}, 1), ({"expires_in": float("inf")}, 1), ({"expires_in": 45}, 2), ({}, 2),
        ({"expires_in": "?"}, 2), ({"expires_in": "-1740"}, 2), ({"expires_in": -1740}, 2), ({"expires_in": True}, 2),
        ({"expires_in": float("nan")}, 2), ({"expires_in": "nan"}, 2), ({"expires_in": None}, 2), ({"expires_in": [1740]}, 2),
    ],
)  # fmt: skip
def test_a_token_is_kept_for_its_life_less_a_margin_and_not_at_all_if_nobody_says_how_long(
    serving: Serving, opened: Opened, lifetime: dict[str, object], fetches: int
) -> None:
    server = serving(saying(http_answer(200, {"access_token": "bearer-1", **lifetime})))
    token = BearerToken(
        opened(server.url), TOKEN_PATH, lambda fresh: Credentials("me@example.org", "s&+ é"), "secret test"
    )

    assert [token.authorisation().token for _ in range(2)] == ["bearer-1"] * 2
    assert len(server.received) == fetches
    assert server.received[0].endswith(
        b"grant_type=client_credentials&client_id=me%40example.org&client_secret=s%26%2B+%C3%A9"
    )


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (1740, 1740),
        ("1740", 1740),
        ("1740.5", 1740.5),
        (86401, 86400),
        ("9" * 15, 86400),
        ("9" * 16, 0),
        (-1, 0),
        ("1_7", 0),
    ],
)
def test_a_life_is_a_day_at_most(said: object, seconds: float) -> None:
    assert lifetime_seconds(said) == seconds


LOGIN_PAGE = b"<html><title>Log in</title></html>"


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected", "retry_after"),
    [
        (200, LOGIN_PAGE, "", AccountRefusedError, None),
        (200, {"token": "elsewhere"}, "", AccountRefusedError, None),
        (200, {"access_token": ""}, "", AccountRefusedError, None),
        (200, {"access_token": 17}, "", AccountRefusedError, None),
        (200, {"access_token": "a b"}, "", AccountRefusedError, None),
        (200, {"access_token": "a\r\nX: y"}, "", AccountRefusedError, None),
        (200, {"access_token": "é"}, "", AccountRefusedError, None),
        (200, {"access_token": "\ud800"}, "", AccountRefusedError, None),
        (200, {"access_token": "x" * 20_000}, "", AccountRefusedError, None),
        (200, b"[" * 100_000, "", AccountRefusedError, None),
        (302, b"", "Location: https://login.example.org/\r\n", AccountRefusedError, None),
        (400, {"error": "invalid_client"}, "", AccountRefusedError, None),
        (403, LOGIN_PAGE, "", AccountRefusedError, None),
        (404, LOGIN_PAGE, "", AccountRefusedError, None),
        (408, b"", "", PlatformBusyError, None),
        (429, b"", "Retry-After: 17\r\n", PlatformBusyError, 17),
        (429, b"", "", PlatformBusyError, None),
        (500, LOGIN_PAGE, "", PlatformBusyError, None),
        (503, LOGIN_PAGE, "Retry-After: 3\r\n", PlatformBusyError, 3),
    ],
)  # fmt: skip
def test_without_a_token_nothing_is_sent(
    serving: Serving, opened: Opened, status: int, body: object, headers: str, expected: type, retry_after: float | None
) -> None:
    api = serving(saying(OK))
    platform = Iopole(opened(api.url), token_from(serving, opened, body, status, headers), sandbox=True)

    with pytest.raises(expected) as raised:
        platform.deposit(document(b"<a/>"), None, lambda: None)

    assert getattr(raised.value, "retry_after_seconds", None) == retry_after
    assert isinstance(raised.value, ProblemError)
    assert raised.value.problem.http_status == status
    assert api.connections == 0


def test_what_says_who_we_are_is_sent_beside_the_token(serving: Serving, opened: Opened) -> None:
    server = serving(saying(http_answer(200, {"access_token": "bearer-1", "expires_in": 1740})))
    known = Credentials("me", "s", headers={"customer-id": "0198c0de"})
    token = BearerToken(opened(server.url), TOKEN_PATH, lambda _: known, "secret test")

    with pytest.raises(PlatformBusyError):  # a token is no list of deposits
        Iopole(opened(server.url), token, sandbox=True).find("F-1")

    asked = [request for request in server.received if b"/search" in request]
    assert asked
    assert all(b"customer-id: 0198c0de\r\n" in request for request in asked)


@pytest.mark.parametrize("value", ["with\nnewline", "é", 7, ["a"]])
def test_what_no_header_can_carry_is_refused_with_its_name(value: object) -> None:
    secret = {"client_id": "me", "client_secret": "s", "customer_id": value}

    with pytest.raises(AccountRefusedError, match="secret facteur/x: missing or wrong customer_id"):
        credentials_from(secret, "facteur/x", {"customer_id": "customer-id"})


def test_blanks_around_what_a_header_carries_are_not_sent() -> None:
    secret = {"client_id": "me", "client_secret": "s", "customer_id": " 0198c0de\n"}

    assert credentials_from(secret, "facteur/x", {"customer_id": "customer-id"}).headers == {"customer-id": "0198c0de"}


# --- what arrives -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 5_000_000, 50_000_000])
def test_every_byte_of_a_document_arrives(account: Account, simulator: Simulator, size: int, tmp_path: Path) -> None:
    content = (b"<" + os.urandom(1 << 16) * (size // (1 << 16) + 1))[:size]
    (tmp_path / "kept").write_bytes(content)
    with (tmp_path / "kept").open("rb") as file:
        fetched = replace(document(content, "Facture_1-2.xml"), content=file if size > 1 << 16 else content)

        deposited = account.platform.deposit(fetched, None, lambda: None)

    (stored,) = simulator.ledger()
    assert isinstance(deposited, Accepted)
    assert (stored["id"], stored["sha256"]) == (deposited.platform_id, hashlib.sha256(content).hexdigest())
    assert stored["filename"] == "Facture_1-2.xml"


def test_a_copy_as_large_as_any_deposit_can_be_compared(serving: Serving, opened: Opened) -> None:
    content = b"<a/>" + b" " * 49_999_996

    def behave(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            found = b"/download " in server.received[-1]
            connection.sendall(http_answer(200, content) if found else http_answer(404, b""))

    token = token_from(serving, opened, {"access_token": "bearer-1", "expires_in": 1740})
    platform = Iopole(opened(serving(behave).url), token, sandbox=True)

    assert platform.sha256_of("i-1") == hashlib.sha256(content).hexdigest()


def test_an_id_of_the_platform_stays_one_part_of_a_path(serving: Serving, opened: Opened) -> None:
    server = serving(saying(http_answer(200, [])))
    token = token_from(serving, opened, {"access_token": "bearer-1", "expires_in": 1740})

    assert Iopole(opened(server.url), token, sandbox=True).history("../x?y#z") == []
    assert server.received[0].startswith(b"GET /v1/invoice/..%2Fx%3Fy%23z/status-history HTTP")


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"message": "later"}, "text", 17, LOGIN_PAGE])
def test_what_is_no_list_is_no_empty_one(serving: Serving, opened: Opened, body: object) -> None:
    token = token_from(serving, opened, {"access_token": "bearer-1", "expires_in": 1740})
    platform = Iopole(opened(serving(saying(http_answer(200, body))).url), token, sandbox=True)

    with pytest.raises(PlatformBusyError):
        platform.history("i-1")
    with pytest.raises(PlatformBusyError):
        platform.find("F-1")


def test_a_gateways_404_is_no_empty_history(serving: Serving, opened: Opened) -> None:
    token = token_from(serving, opened, {"access_token": "bearer-1", "expires_in": 1740})
    found = {b"/page/": LOGIN_PAGE, b"/none/": b"", b"/json/": b'{"statusMessage":"Not found"}'}

    def behave(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            connection.sendall(http_answer(404, next(b for name, b in found.items() if name in server.received[-1])))

    platform = Iopole(opened(serving(behave).url), token, sandbox=True)

    assert platform.history("none") == platform.history("json") == []
    with pytest.raises(PlatformBusyError, match="HTTP 404"):
        platform.history("page")


# --- CloudFormation -----------------------------------------------------------------------------------------------------


def test_cloudformation_is_answered_once_with_the_reason(serving: Serving) -> None:
    server = serving(saying(http_answer(200, b"")))
    event = {
        "ResponseURL": f"{server.url}/answer?Signature=secret",
        "StackId": "s",
        "RequestId": "r",
        "LogicalResourceId": "l",
    }

    with pytest.raises(ConfigurationError), as_custom_resource(event, None, 60):
        raise ConfigurationError("SUBMIT_FROM must be given")

    (request,) = server.received
    result = json.loads(request.partition(b"\r\n\r\n")[2])
    assert (result["Status"], result["Reason"]) == ("FAILED", "SUBMIT_FROM must be given")


@pytest.mark.parametrize("reachable", [True, False])
def test_a_cloudformation_that_cannot_be_answered_is_reported_without_its_signed_address(
    serving: Serving, reachable: bool
) -> None:
    url = serving(saying(http_answer(403, b""))).url if reachable else f"http://127.0.0.1:{closed_port()}"

    with pytest.raises(ConfigurationError, match="a private network needs a route") as raised:
        answer({"ResponseURL": f"{url}/answer?Signature=secret"}, None, "SUCCESS", "")

    assert "Signature" not in str(raised.value)
    assert raised.value.__context__ is None
