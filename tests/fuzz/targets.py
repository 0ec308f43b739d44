"""Everything foreign that Facteur parses: a parser, samples of what it meant to read, and what it may raise.

What comes out must be fit to be stored: no character that Postgres refuses, no instant that it does not have.
"""

from __future__ import annotations

import dataclasses
import json
import socket
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPException
from io import BytesIO
from types import FunctionType
from typing import Any

from requests.structures import CaseInsensitiveDict

from facteur.aws.secrets_manager import SecretUnreadableError, object_in
from facteur.documents import number as document_number
from facteur.documents import pdf
from facteur.domain.doubt import Witness
from facteur.errors import (
    AccountRefusedError,
    ConfigurationError,
    DocumentUnusableError,
    InvalidMessageError,
    NotDepositedError,
    OutcomeUnknownError,
    UnreadableStatusError,
)
from facteur.platforms import answers, final_answer, foreign, foreign_xml, oauth
from facteur.platforms.afnor import cdar
from facteur.platforms.credentials import credentials_from
from facteur.platforms.http import LONGEST_WAIT_SECONDS, HttpAnswer
from facteur.platforms.iopole import directory, look_ups, reading, statuses
from facteur.platforms.iopole.capabilities import CUSTOMER
from facteur.platforms.iopole.ladder import LADDER
from facteur.platforms.multipart import BLOCK_BYTES
from facteur.postgres import address as database_address
from functions.submit_invoices.app import submission_id_in
from local.invoices import render, sample_invoice
from tests import lifecycle_messages

LONGEST_SECONDS = 1.0  # of CPU time for one input of some kilobytes


@dataclasses.dataclass(frozen=True, slots=True)
class Planted:
    """A fault to plant in a parser: a piece of a function's source and what it becomes."""

    function: Callable[..., Any]
    old: str
    new: str


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """A parser of foreign input."""

    name: str
    parse: Callable[[bytes], object]
    samples: tuple[bytes, ...]
    allowed: tuple[type[Exception], ...]
    planted: Planted

    def check(self, data: bytes) -> None:
        """Parse; raises whatever the parser may not raise, AssertionError for what cannot be stored or took too long."""
        began = time.thread_time()
        try:
            parsed = self.parse(data)
        except self.allowed:
            parsed = None
        assert time.thread_time() - began < LONGEST_SECONDS, f"{len(data)} bytes took too long"
        for value in _leaves(parsed):
            assert _storable(value), f"Postgres cannot store {value!r:.200}"


def _leaves(value: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = [getattr(value, each.name) for each in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        yield from value.keys()
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _storable(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and value.encode("utf-8", "replace").decode() == value
    if isinstance(value, datetime):
        return foreign.FIRST_YEAR <= value.year <= foreign.LAST_YEAR
    return True


def _answer(data: bytes, status: int = 200, content_type: str = "application/json") -> HttpAnswer:
    return HttpAnswer(status, CaseInsensitiveDict({"Content-Type": content_type}), data)


def _sample(value: Any) -> bytes:
    return json.dumps(value).encode()


STATUS = {
    "statusId": "01a2b3c4-5d6e-7f80-9a1b-2c3d4e5f6071", "invoiceId": "01a2b3c4-0000-7000-8000-0000000000aa",
    "date": "2026-10-12T08:15:30.412Z", "destType": "OPERATOR", "status": {"code": "REFUSED", "networkCode": "210"},
    "json": {
        "identification": {"id": "x", "date": "2026-10-12T08:15:30.412Z"}, "notes": [{"content": "free text"}],
        "sender": {"name": "ACHETEUR SA", "roleCode": {"code": "BUYER", "value": "BY"}},
        "responses": [{
            "documentStatus": {"code": "REFUSED", "networkCode": "210"},
            "rejectionDetail": {"reason": "CALCULATION_ERROR", "message": "free", "errors": [{"rule": "BR-05", "message": "m"}]},
        }],
    },
}  # fmt: skip
ENTRY = {
    "metadata": {
        "invoiceId": "01a2b3c4-0000-7000-8000-0000000000aa", "createDate": "2026-10-12T08:15:30.412Z", "direction": "OUTBOUND",
        "state": "DELIVERED",
    },
    "businessData": {
        "invoiceId": "F-2026-0042", "seller": {"siren": "111111111", "electronicAddress": "0225:111111111"},
        "monetary": {"invoiceCurrency": "EUR", "invoiceAmount": {"amount": 120.5}},
    },
    "lastStatusData": {"code": "MADE_AVAILABLE", "date": "2026-10-12T08:15:31.000Z"},
}  # fmt: skip
DIRECTORY = {"data": [{"identifiers": [{"networkRegistered": [
    {"networkIdentifier": "DOMESTIC_FR", "validFrom": "2026-01-01T00:00:00Z", "validTo": None}]}]}]}  # fmt: skip
REFUSAL = {
    "statusMessage": "Request validation issues", "code": "custom",
    "details": [{"code": "custom", "message": "m", "path": ["a"], "schematronValidationErrors": [{"id": "BR-1", "text": "t"}]}],
}  # fmt: skip
PAGE = {"data": [ENTRY], "meta": {"limit": 200, "offset": 0, "count": 1}}
XML = tuple(render(sample_invoice(1), syntax) for syntax in ("cii", "ubl"))
PLATFORM_SECRET = {
    "client_id": "a@b.example", "client_secret": "s", "customer_id": "c", "sandbox": True, "base_url": "https://a.example",
    "auth_url": "https://b.example",
}  # fmt: skip
DATABASE_SECRET = {"host": "h", "port": 5432, "dbname": "d", "username": "u", "password": "p", "sslmode": "require"}


HEADS = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
)
MOST_ON_A_WIRE = 100_000  # what the kernel keeps without a reader


def _statuses(data: bytes) -> object:
    return statuses.unseen_statuses(_answer(data))


def _search_page(data: bytes) -> object:
    searched = statuses.Searched(lambda _params: _answer(data), statuses.WITH_NUMBERS)
    now = datetime(2026, 10, 12, tzinfo=UTC)
    listed = searched.between(now, now, 0)
    return [listed and statuses.page_of(listed), statuses.page_of(searched.under(["F-2026-0042"], 0))]


def _candidates(data: bytes) -> object:
    entries = answers.listed(answers.expect(_answer(data), (dict, list)))
    reading = look_ups.Reading(tuple(entries))
    return [
        reading.candidates(["F-2026-0042"]),
        reading.witnesses([Witness("01a2b3c4-0000-7000-8000-0000000000aa", "F-2026-0042")]),
    ]


def _deposit_answers(data: bytes) -> object:
    statuses = (200, 201, 202, 204, 302, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 503)
    types = (
        "application/json",
        "text/html; charset=nonsense",
        "application/json; charset=utf-16",
        "",
        "text/plain; charset=latin-1",
    )
    answer = _answer(data, statuses[len(data) % len(statuses)], types[len(data) // 7 % len(types)])
    try:
        return LADDER.meaning_of(answer)
    except (NotDepositedError, OutcomeUnknownError) as error:
        return error.problem


def _reachable(data: bytes) -> object:
    return [directory.reachable(_answer(data)), directory.active_webhooks(_answer(data))]


def _token(data: bytes) -> object:
    statuses = (200, 200, 200, 302, 400, 401, 429, 500)
    try:
        token, seconds = oauth._granted(_answer(data, statuses[len(data) % len(statuses)]), "facteur/x")
    except NotDepositedError as error:
        return error.problem
    assert 0 <= seconds <= oauth.LONGEST_LIFE_SECONDS
    return token


def _head(data: bytes) -> object:
    """What comes on a connection, up to the answer's end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data[:MOST_ON_A_WIRE])
        theirs.shutdown(socket.SHUT_WR)
        answer = final_answer.FinalAnswer(final_answer.Incoming(ours), "POST")
        with answer:
            answer.begin()
            size = sum(map(len, iter(lambda: answer.read(BLOCK_BYTES), b"")))  # in blocks, as the client reads
            return [answer.status, size, answer.reusable]


def _dates(data: bytes) -> object:
    said = HttpAnswer(
        503, CaseInsensitiveDict({"Retry-After": data.decode("latin-1"), "Date": data.decode("latin-1")}), b""
    )
    seconds = said.retry_after_seconds()
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT_SECONDS
    return answers.dated(said)


def _secret(data: bytes) -> dict[str, Any]:
    return object_in(data.decode("utf-8", "replace"), "facteur/x")


TARGETS = (
    Target("deposit answers", _deposit_answers, (_sample({"type": "INVOICE", "id": "01a2"}), _sample(REFUSAL), b"<html>"),
           (), Planted(answers.error_words, "if not isinstance(body, dict):", "if body is None:")),
    Target("tokens", _token, (_sample({"access_token": "eyJ0", "expires_in": 1740}), _sample({"error": "invalid_client"})),
           (), Planted(oauth.lifetime_seconds, "isinstance(said, bool) or not isinstance(said, int | float)", "isinstance(said, bool)")),
    Target("heads of answers", _head, HEADS, (HTTPException, OSError),
           Planted(final_answer._read_head, "if not found:", "if False:")),
    Target("dates of answers", _dates, (b"120", b"Mon, 12 Oct 2026 08:15:30 GMT"), (),
           Planted(answers.dated, "ValueError, TypeError,", "TypeError,")),
    Target("statuses", _statuses, (_sample([STATUS]), _sample({"data": [{"invoiceId": "i", "newstatus": [STATUS]}]})),
           (NotDepositedError,), Planted(reading._sender, "isinstance(role, dict)", "role")),
    Target("search pages", _search_page, (_sample(PAGE),), (NotDepositedError,),
           Planted(foreign.fields, "isinstance(value, dict)", "value")),
    Target("candidates", _candidates, (_sample(PAGE),), (NotDepositedError,),
           Planted(foreign.amount, "except InvalidOperation", "except ZeroDivisionError")),
    Target("deposits to reconcile", _search_page, (_sample(PAGE),), (NotDepositedError,),
           Planted(foreign.moment, "(ValueError, OverflowError)", "OverflowError")),
    Target("directory and webhooks", _reachable, (_sample(DIRECTORY),), (NotDepositedError,),
           Planted(directory._instant, "except ValueError", "except KeyError")),
    Target("messages", lambda data: submission_id_in(data.decode("utf-8", "replace")), (b'{"submission_id": 7}',),
           (InvalidMessageError,), Planted(submission_id_in, "KeyError, TypeError,", "KeyError,")),
    Target("documents", lambda data: document_number.number_in(BytesIO(data)), XML, (DocumentUnusableError,),
           Planted(document_number.number_in, "(ExpatError, ValueError, LookupError)", "(ValueError, LookupError)")),
    Target("PDFs", pdf.number_in_pdf, (*(b"%PDF\nstream\n" + each for each in XML), b"%PDF\nstream\r\n" + zlib.compress(XML[0])), (),
           Planted(pdf._number, "except DocumentUnusableError", "except KeyError")),
    Target("lifecycle messages", cdar.message_in, lifecycle_messages.SAMPLES, (UnreadableStatusError,),
           Planted(foreign_xml.tree_of, "except (ExpatError, LookupError)", "except LookupError")),
    Target("platform secrets", lambda data: credentials_from(_secret(data), "facteur/x", CUSTOMER), (_sample(PLATFORM_SECRET),),
           (AccountRefusedError, SecretUnreadableError),
           Planted(credentials_from, 'isinstance(secret.get("sandbox"), bool | None)', 'len(secret.get("sandbox"))')),
    Target("database secrets", lambda data: database_address.database_parameters(_secret(data), "facteur/database", True),
           (_sample(DATABASE_SECRET),), (ConfigurationError, SecretUnreadableError),
           Planted(database_address._malformed, 'str(secret.get("port") or 5432).isdigit()', "True")),
)  # fmt: skip


@contextmanager
def faulty(fault: Planted) -> Iterator[None]:
    """The parser with its fault, for as long as this lasts.

    Raises:
        LookupError: the parser reads otherwise now: whoever changed it must plant another fault.
    """
    import inspect
    import textwrap

    function = fault.function
    assert isinstance(function, FunctionType)
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(fault.old) != 1:
        raise LookupError(f"{function.__qualname__} does not hold {fault.old!r} once")
    made: dict[str, Any] = {}
    exec(compile(source.replace(fault.old, fault.new), "planted", "exec"), function.__globals__ | {}, made)  # noqa: S102
    whole, function.__code__ = function.__code__, made[function.__name__].__code__
    try:
        yield
    finally:
        function.__code__ = whole
