"""One request, one final answer, one deadline, whatever a platform or what stands before it puts onto the wire."""

from __future__ import annotations

import functools
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facteur.errors import NotDepositedError, OutcomeUnknownError, PlatformBusyError, Problem
from facteur.platforms.http import HttpClient
from facteur.platforms.iopole.ladder import LADDER
from facteur.platforms.multipart import BLOCK_BYTES
from tests.raw_server import RawServer, Serving, raw_servers
from tests.tls_postgres import certificate
from tests.wire import (
    SECONDS,
    Behaviour,
    body_of,
    clients,
    drip,
    dripping,
    framed,
    interim,
    over_tls,
    relaying,
    said,
    scripted,
)

FIRST, SECOND = said(b'{"id": "first"}'), said(b'{"id": "second"}')
LARGE = b"<" * 30_000_000  # more than all buffers on the way take
Opened = Callable[[str], HttpClient]


@pytest.fixture
def serving() -> Iterator[Serving]:
    with raw_servers() as start:
        yield start


@pytest.fixture
def opened() -> Iterator[Opened]:
    with clients() as client:
        yield client


@pytest.fixture
def pem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate that clients opened from now on trust."""
    path = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    return path


def ids(client: HttpClient, times: int = 2) -> list[str]:
    """What deposits are answered with, one after the other."""
    return [client.call("POST", "/v1/invoice", body=body_of(b"<a/>")).json()["id"] for _ in range(times)]


# --- one final answer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statuses", [[100], [102], [103], [103, 103], [100, 102, 103], [199], [103] * 20])
def test_interim_answers_are_read_past_and_the_connection_is_still_good(
    serving: Serving, opened: Opened, statuses: list[int]
) -> None:
    soon = b"".join(map(interim, statuses))
    server = serving(scripted(soon + FIRST, soon + SECOND))

    assert ids(opened(server.url)) == ["first", "second"]
    assert server.connections == 1


def test_a_final_answer_that_comes_long_after_the_interim_one_is_the_one(serving: Serving, opened: Opened) -> None:
    def behave(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            connection.sendall(interim(103))
            threading.Event().wait(0.2)
            connection.sendall(FIRST if len(server.received) == 1 else SECOND)

    assert ids(opened(serving(behave).url)) == ["first", "second"]


@pytest.mark.parametrize(
    "text",
    [interim(103) * 21 + FIRST, interim(101) + FIRST, framed(b"{}", "Content-Length: 2", status=103) + FIRST],
    ids=["too many", "switching protocols", "an interim answer with a body"],
)
def test_what_never_becomes_a_final_answer_is_a_doubt_and_the_connection_ends(
    serving: Serving, opened: Opened, text: bytes
) -> None:
    server = serving(scripted(text, SECOND))
    client = opened(server.url)

    with pytest.raises(OutcomeUnknownError):
        ids(client, 1)

    assert ids(client, 1) == ["second"]
    assert server.connections == 2


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("surplus", [SECOND, interim(103), b"\r\n", b"x", b"y" * 40_000])
def test_what_comes_behind_an_answer_is_nobodys(
    serving: Serving, opened: Opened, pem: Path, surplus: bytes, tls: bool
) -> None:
    behave = scripted(FIRST + surplus, said(b'{"id": "third"}'))
    server = serving(over_tls(pem, behave) if tls else behave)

    assert ids(opened(server.url.replace("http:", "https:") if tls else server.url)) == ["first", "third"]
    assert server.connections == 2


@pytest.mark.parametrize("surplus", [SECOND, interim(103), b""])
def test_what_comes_on_a_resting_connection_is_nobodys(serving: Serving, opened: Opened, surplus: bytes) -> None:
    spoke, rest = threading.Event(), threading.Event()

    def behave(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(FIRST if len(server.received) == 1 else said(b'{"id": "third"}'))
        rest.wait(5)
        if len(server.received) == 1:
            connection.sendall(surplus)
            connection.shutdown(socket.SHUT_WR) if not surplus else None
            spoke.set()
            connection.recv(1)

    server = serving(behave)
    client = opened(server.url)

    assert ids(client, 1) == ["first"]
    rest.set()
    assert spoke.wait(5)
    assert ids(client, 1) == ["third"]
    assert server.connections == 2


@pytest.mark.parametrize("soon", [b"", interim(103)])
def test_an_answer_that_comes_before_the_documents_end_says_that_nothing_was_deposited(
    serving: Serving, opened: Opened, soon: bytes
) -> None:
    def behave(server: RawServer, connection: socket.socket) -> None:
        server.read_head(connection)
        connection.sendall(soon + FIRST)
        while connection.recv(1 << 16):
            pass

    server = serving(behave)
    client = opened(server.url)
    body = body_of(LARGE)

    answer = client.call("POST", "/v1/invoice", body=body)

    assert (answer.json()["id"], answer.whole_body_sent, body.whole_sent) == ("first", False, False)
    assert server.ended.wait(5)  # and the connection with it


def test_another_answer_that_comes_before_the_documents_end_is_no_deposit(serving: Serving, opened: Opened) -> None:
    """A late 201 of another request: its id is that one's."""

    def behave(server: RawServer, connection: socket.socket) -> None:
        server.read_head(connection)
        connection.sendall(FIRST)
        connection.recv(1)

    answer = opened(serving(behave).url).call("POST", "/v1/invoice", body=body_of(LARGE))

    with pytest.raises(OutcomeUnknownError, match="does not say"):
        LADDER.meaning_of(answer)


@pytest.mark.parametrize(
    "text", [said(b"{}"), said(b'{"id": null}'), said(b"", 202), said(b'{"code": "X"}', 400), said(b"{}", 409)]
)
def test_a_deposit_that_was_not_accepted_ends_its_connection(serving: Serving, opened: Opened, text: bytes) -> None:
    server = serving(scripted(text, FIRST))
    client = opened(server.url)

    for _ in range(2):
        client.call("POST", "/v1/invoice", body=body_of(b"<a/>"), understood=LADDER.is_accepted)

    assert server.connections == 2


def test_an_interim_answer_before_the_documents_end_does_not_stop_it(serving: Serving, opened: Opened) -> None:
    def behave(server: RawServer, connection: socket.socket) -> None:
        head = server.read_head(connection)
        left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        connection.sendall(interim(103))
        while left:
            left -= len(connection.recv(min(left, 1 << 16)))
        connection.sendall(interim(102) + FIRST)

    answer = opened(serving(behave).url).call("POST", "/v1/invoice", body=body_of(LARGE))

    assert (answer.json()["id"], answer.whole_body_sent) == ("first", True)


# --- framing ----------------------------------------------------------------------------------------------------------

ID = b'{"id": "first"}'
LENGTH = f"Content-Length: {len(ID)}"
CHUNKED = b"f\r\n" + ID + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("text", "connections"),
    [
        (framed(ID, LENGTH), 1),
        (framed(CHUNKED, "Transfer-Encoding: chunked"), 1),
        (framed(gzip.compress(ID, mtime=0), f"Content-Length: {len(gzip.compress(ID))}", "Content-Encoding: gzip"), 1),
        (framed(ID, LENGTH, "Connection: close"), 2),
        (framed(ID, LENGTH, LENGTH), 2),
        (framed(CHUNKED, f"Content-Length: {len(CHUNKED)}", "Transfer-Encoding: chunked"), 2),
        (framed(ID, LENGTH).replace(b"1.1", b"1.0"), 2),
        (framed(ID, LENGTH, "Connection: keep-alive").replace(b"1.1", b"1.0"), 2),
    ],
)
def test_only_a_plainly_framed_answer_leaves_its_connection_to_the_next(
    serving: Serving, opened: Opened, text: bytes, connections: int
) -> None:
    server = serving(scripted(text, SECOND))

    assert ids(opened(server.url)) == ["first", "second"]
    assert server.connections == connections


@pytest.mark.parametrize(
    "text",
    [
        framed(ID, LENGTH, "Content-Length: 3"),
        framed(ID),  # and the connection stays open
        framed(ID, "Content-Length: 99"),
        framed(ID, "Content-Length: -1"),
        framed(b"f\r\n" + ID + b"\r\n", "Transfer-Encoding: chunked"),
        framed(ID, "Transfer-Encoding: gzip, chunked"),
        framed(ID, LENGTH, "no header"),
        framed(ID, LENGTH, "X: a\rContent-Length: 0"),
        framed(ID, LENGTH, "X: \0"),
        framed(ID, LENGTH, "Bad Name: 1"),
        framed(ID, LENGTH, *[f"X-{n}: {'y' * 900}" for n in range(90)]),
        framed(ID, LENGTH).replace(b" 201 ", b" 2O1 "),
        framed(ID, LENGTH).replace(b"HTTP/1.1", b"HTTP/2"),
        b"\r\n" + framed(ID, LENGTH),
    ],
)
def test_an_answer_whose_framing_cannot_be_understood_is_a_doubt_and_ends_its_connection(
    serving: Serving, opened: Opened, text: bytes
) -> None:
    server = serving(scripted(text, SECOND))
    client = opened(server.url)

    with pytest.raises(OutcomeUnknownError):
        ids(client, 1)

    assert ids(client, 1) == ["second"]
    assert server.connections == 2


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("late", [False, True])
def test_a_body_where_there_must_be_none_does_not_become_an_answer(
    serving: Serving, opened: Opened, status: int, late: bool
) -> None:
    def behave(server: RawServer, connection: socket.socket) -> None:
        while server.read_request(connection):
            if len(server.received) > 1:
                connection.sendall(SECOND)
                continue
            connection.sendall(framed(b"", f"Content-Length: {len(FIRST)}", status=status))
            threading.Event().wait(0.1 if late else 0)
            connection.sendall(FIRST)

    client = opened(serving(behave).url)

    assert client.call("PUT", "/markAsSeen").body == b""
    assert ids(client, 1) == ["second"]


@pytest.mark.parametrize(
    "text",
    [
        said(b"<html>", 200), said(b'"text"', 200), said(b"{}", 400), said(b"{}", 404), said(b"{}", 409), said(b"{}", 429),
        said(b"{}", 503), said(b"", 307, "Location: /"),
    ],
)  # fmt: skip
def test_an_answer_that_was_not_hoped_for_ends_its_connection(serving: Serving, opened: Opened, text: bytes) -> None:
    server = serving(scripted(text, SECOND))
    client = opened(server.url)

    assert client.call("GET", "/v1.1/invoice/search").status == int(text[9:12])
    assert ids(client, 1) == ["second"]
    assert server.connections == 2


# --- one deadline -----------------------------------------------------------------------------------------------------

SLACK_SECONDS = 1.0  # on a machine that does other things
DRIPS = {
    "the status line": b"HTTP/1.1 201 Created and created and created and created and created and",
    "a head": b"HTTP/1.1 201 C\r\nX: y",
    "empty header lines": b"HTTP/1.1 201 C\r\nX-1: y\r\nX-2: y\r\nX-3: y\r\nX-4: y\r\n",
    "an interim answer": b"HTTP/1.1 103 C\r\nX: y",
    "a body": b"",
    "a body without a length": b"",
    "a chunk": b"",
    "a chunk's size": b"",
    "trailers": b"",
    "a compressed body": b"",
}
HEADS = {
    "a body": framed(b"", "Content-Length: 1000"),
    "a body without a length": framed(b""),
    "a chunk": framed(b"3e8\r\n", "Transfer-Encoding: chunked"),
    "a chunk's size": framed(b"", "Transfer-Encoding: chunked"),
    "trailers": framed(CHUNKED[:-2], "Transfer-Encoding: chunked"),
    "a compressed body": framed(
        gzip.compress(b"x" * 10_000, mtime=0)[:20], "Content-Length: 1000", "Content-Encoding: gzip"
    ),
}


def dripping_after(head: bytes, text: bytes) -> Behaviour:
    def behave(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(head)
        drip(connection, text)

    return behave


def refused_in_time(work: Callable[[], object], error: type[Exception], seconds: float = SECONDS) -> None:
    began = time.monotonic()

    with pytest.raises(error):
        work()

    assert time.monotonic() - began < seconds + SLACK_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("what", DRIPS)
def test_an_answer_that_drips_ends_by_the_deadline(serving: Serving, opened: Opened, what: str) -> None:
    text = b"X-1: y\r\n" * 90 if what == "trailers" else DRIPS[what] or b"0"
    server = serving(dripping_after(HEADS.get(what, b""), text))

    refused_in_time(lambda: ids(opened(server.url), 1), OutcomeUnknownError)
    refused_in_time(lambda: opened(server.url).call("POST", "/token", form={"a": "b"}), PlatformBusyError)


@pytest.mark.parametrize("what", ["interim answers", "100 Continue"])
def test_interim_answers_without_end_end_by_the_deadline(serving: Serving, opened: Opened, what: str) -> None:
    def behave(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        while not threading.Event().wait(0.06):
            connection.sendall(interim(103 if what == "interim answers" else 100))

    refused_in_time(lambda: ids(opened(serving(behave).url), 1), OutcomeUnknownError)


def test_a_handshake_that_drips_ends_by_the_deadline(serving: Serving, opened: Opened) -> None:
    def behave(_server: RawServer, connection: socket.socket) -> None:
        connection.recv(1 << 16)
        drip(connection, b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")

    body = body_of(b"<a/>")
    url = serving(behave).url.replace("http:", "https:")

    refused_in_time(lambda: opened(url).call("POST", "/v1/invoice", body=body), PlatformBusyError)
    assert not body.whole_sent


def test_an_answer_that_drips_behind_tls_ends_by_the_deadline(serving: Serving, opened: Opened, pem: Path) -> None:
    url = serving(over_tls(pem, dripping(DRIPS["a head"]))).url.replace("http:", "https:")

    refused_in_time(lambda: ids(opened(url), 1), OutcomeUnknownError)


def test_addresses_that_do_not_answer_share_the_time(
    serving: Serving, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """192.0.2.0/24 is nowhere; the resolver is the system's, not ours."""
    server = serving(scripted(FIRST))
    resolve = socket.getaddrinfo
    dead = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", 80)) for n in (1, 2, 3)]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, *more: [*dead, *resolve("127.0.0.1", port, *more)] if host == "many" else dead
    )  # fmt: skip

    assert ids(opened(server.url.replace("127.0.0.1", "many")), 1) == ["first"]
    refused_in_time(lambda: ids(opened("http://none"), 1), PlatformBusyError)


def test_a_call_ends_before_its_function_does(serving: Serving, opened: Opened) -> None:
    client = opened(serving(dripping(DRIPS["a head"])).url)
    client.begin_invocation(time.monotonic() + 0.2)

    refused_in_time(lambda: client.call("GET", "/"), PlatformBusyError, seconds=0.2)
    with pytest.raises(PlatformBusyError, match="no time left"):
        client.call("GET", "/")


# --- a document -------------------------------------------------------------------------------------------------------


def reading_slowly(server: RawServer, connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server.read_head(connection)
    while not threading.Event().wait(0.02) and connection.recv(4096):
        pass


def lease_of(seconds: float) -> tuple[Callable[[], None], list[float]]:
    """A check as the lease's, and when it was asked."""
    asked: list[float] = []
    ends_at = time.monotonic() + seconds

    def check() -> None:
        asked.append(time.monotonic())
        if asked[-1] + SECONDS > ends_at:
            raise PlatformBusyError(Problem("lease_too_short", "not sent"))

    return check, asked


def test_an_upload_to_a_slow_reader_ends_with_its_lease_and_deposits_nothing(serving: Serving, opened: Opened) -> None:
    server, (check, asked) = serving(reading_slowly), lease_of(SECONDS + 1)
    body = body_of(LARGE, before=check)

    refused_in_time(
        lambda: opened(server.url).call("POST", "/v1/invoice", body=body), NotDepositedError, seconds=SECONDS + 1
    )

    assert not body.whole_sent
    assert len(asked) > 1
    assert server.ended.wait(5)


def test_a_document_may_take_longer_than_a_call_as_long_as_its_blocks_go_on(serving: Serving, opened: Opened) -> None:
    def behave(server: RawServer, connection: socket.socket) -> None:
        head = server.read_head(connection).lower()
        left = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while left:
            if left % 7 == 0:
                threading.Event().wait(0.03)
            left -= len(connection.recv(min(left, 1 << 15)))
        connection.sendall(FIRST)

    began = time.monotonic()
    paces = []
    body = body_of(LARGE[: 40 * BLOCK_BYTES], before=lambda: paces.append(threading.Event().wait(0.03)))

    assert opened(serving(behave).url).call("POST", "/v1/invoice", body=body).whole_body_sent
    assert time.monotonic() - began > SECONDS
    assert len(paces) == 40


# --- TLS and proxies --------------------------------------------------------------------------------------------------


def test_a_deposit_goes_through_a_proxy_and_connections_are_kept(
    serving: Serving, opened: Opened, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serving(over_tls(pem, scripted(interim(103) + FIRST, SECOND)))
    proxy = serving(relaying(server.listener.getsockname()[1]))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)

    assert ids(opened(server.url.replace("http:", "https:"))) == ["first", "second"]
    assert (proxy.connections, server.connections) == (1, 1)
    assert proxy.received[0].startswith(b"CONNECT 127.0.0.1:")


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 200 and so on and on and on", b"HTTP/1.1 200 OK\r\nX: y"])
def test_a_proxy_that_drips_ends_by_the_deadline(
    serving: Serving, opened: Opened, monkeypatch: pytest.MonkeyPatch, greeting: bytes
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", serving(dripping(greeting)).url)
    body = body_of(b"<a/>")

    refused_in_time(
        lambda: opened("https://platform.invalid").call("POST", "/v1/invoice", body=body), PlatformBusyError
    )
    assert not body.whole_sent


def test_a_proxy_reached_over_tls_works_and_is_under_the_deadline(
    serving: Serving, opened: Opened, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = serving(over_tls(pem, scripted(FIRST)))
    slow = serving(over_tls(pem, dripping(DRIPS["a head"])))

    for server, proxied in ((good, True), (slow, False)):
        proxy = serving(over_tls(pem, relaying(server.listener.getsockname()[1])))
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http:", "https:"))
        client = opened(server.url.replace("http:", "https:"))
        if proxied:
            assert ids(client, 1) == ["first"]
        else:
            refused_in_time(functools.partial(ids, client, 1), OutcomeUnknownError)


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning"
)  # urllib3 leaves the socket of a failed handshake to the collector
def test_a_certificate_that_nobody_signed_or_of_another_host_is_refused(
    serving: Serving, opened: Opened, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serving(over_tls(pem, scripted(FIRST)))
    elsewhere = server.url.replace("http://127.0.0.1", "https://localhost")

    with pytest.raises(PlatformBusyError, match="SSLError"):
        ids(opened(elsewhere), 1)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(PlatformBusyError, match="SSLError"):
        ids(opened(server.url.replace("http:", "https:")), 1)
