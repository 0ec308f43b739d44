"""Everything foreign that Facteur parses, with samples of what it meant to read."""

from __future__ import annotations

import json
import socket
import zlib
from datetime import UTC, datetime
from http.client import HTTPException
from io import BytesIO
from typing import Any

from requests.structures import CaseInsensitiveDict

from facteur import settings
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
    UnreadableStatusError,
)
from facteur.platforms import answers, final_answer, foreign, foreign_xml, oauth
from facteur.platforms.afnor import cdar
from facteur.platforms.credentials import credentials_from
from facteur.platforms.http import LONGEST_WAIT_SECONDS, HttpAnswer
from facteur.platforms.iopole import directory, look_ups, reading, statuses
from facteur.platforms.iopole.capabilities import CUSTOMER
from facteur.platforms.multipart import BLOCK_BYTES
from facteur.postgres import address as database_address
from functions.submit_invoices.app import submission_id_in
from local.invoices import render, sample_invoice
from tests import lifecycle_messages
from tests.fuzz import afnor, ladders, quotes, superpdp
from tests.fuzz.target import Planted, Target, answered, sample

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
PAGE = {"data": [ENTRY], "meta": {"limit": 200, "offset": 0, "count": 1}}
XML = tuple(render(sample_invoice(1), syntax) for syntax in ("cii", "ubl"))
PLATFORM_SECRET = {
    "client_id": "a@b.example", "client_secret": "s", "customer_id": "c", "sandbox": True, "base_url": "https://a.example",
    "auth_url": "https://b.example",
}  # fmt: skip
DATABASE_SECRET = {"host": "h", "port": 5432, "dbname": "d", "username": "u", "password": "p", "sslmode": "require"}


SETTINGS = {
    "pdp_provider": "afnor", "iopole_base_url": "https://a.example", "max_in_flight": 8, "requests_per_minute": 150,
    "submit_from": "2026-09-01", "deposits_enabled": True, "status_source": "auto", "documents_bucket_owner": "123456789012",
}  # fmt: skip


HEADS = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
)
MOST_ON_A_WIRE = 100_000  # what the kernel keeps without a reader


def _statuses(data: bytes) -> object:
    return statuses.unseen_statuses(answered(data))


def _search_page(data: bytes) -> object:
    searched = statuses.Searched(lambda _params: answered(data), statuses.WITH_NUMBERS)
    now = datetime(2026, 10, 12, tzinfo=UTC)
    listed = searched.between(now, now, 0)
    return [listed and statuses.page_of(listed), statuses.page_of(searched.under(["F-2026-0042"], 0))]


def _candidates(data: bytes) -> object:
    entries = answers.listed(answers.expect(answered(data), (dict, list)))
    reading = look_ups.Reading(tuple(entries))
    return [
        reading.candidates(["F-2026-0042"]),
        reading.witnesses([Witness("01a2b3c4-0000-7000-8000-0000000000aa", "F-2026-0042")]),
    ]


def _reachable(data: bytes) -> object:
    return [directory.reachable(answered(data)), directory.active_webhooks(answered(data))]


def _token(data: bytes) -> object:
    statuses = (200, 200, 200, 302, 400, 401, 429, 500)
    try:
        token, seconds = oauth._granted(answered(data, statuses[len(data) % len(statuses)]), "facteur/x")
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


def _settings(data: bytes) -> object:
    """As text, whatever they are: an environment has nothing else."""
    said = _secret(data)
    settings.Settings.from_environ(
        {name.upper(): value if isinstance(value, str) else json.dumps(value) for name, value in said.items()}
    )
    return None


def _secret(data: bytes) -> dict[str, Any]:
    return object_in(data.decode("utf-8", "replace"), "facteur/x")


TARGETS = (
    *ladders.TARGETS, *superpdp.TARGETS, *afnor.TARGETS, *quotes.TARGETS,
    Target("tokens", _token, (sample({"access_token": "eyJ0", "expires_in": 1740}), sample({"error": "invalid_client"})),
           (), Planted(oauth.lifetime_seconds, "isinstance(said, bool) or not isinstance(said, int | float)", "isinstance(said, bool)")),
    Target("heads of answers", _head, HEADS, (HTTPException, OSError),
           Planted(final_answer._read_head, "if not found:", "if False:")),
    Target("dates of answers", _dates, (b"120", b"Mon, 12 Oct 2026 08:15:30 GMT"), (),
           Planted(answers.dated, "ValueError, TypeError,", "TypeError,")),
    Target("statuses", _statuses, (sample([STATUS]), sample({"data": [{"invoiceId": "i", "newstatus": [STATUS]}]})),
           (NotDepositedError,), Planted(reading._sender, "isinstance(role, dict)", "role")),
    Target("search pages", _search_page, (sample(PAGE),), (NotDepositedError,),
           Planted(foreign.fields, "isinstance(value, dict)", "value")),
    Target("candidates", _candidates, (sample(PAGE),), (NotDepositedError,),
           Planted(foreign.amount, "except InvalidOperation", "except ZeroDivisionError")),
    Target("directory and webhooks", _reachable, (sample(DIRECTORY),), (NotDepositedError,),
           Planted(directory._instant, "except ValueError", "except KeyError")),
    Target("messages", lambda data: submission_id_in(data.decode("utf-8", "replace")), (b'{"submission_id": 7}',),
           (InvalidMessageError,), Planted(submission_id_in, "KeyError, TypeError,", "KeyError,")),
    Target("documents", lambda data: document_number.number_in(BytesIO(data)), XML, (DocumentUnusableError,),
           Planted(document_number.number_in, "(ExpatError, ValueError, LookupError)", "(ValueError, LookupError)")),
    Target("PDFs", pdf.number_in_pdf, (*(b"%PDF\nstream\n" + each for each in XML), b"%PDF\nstream\r\n" + zlib.compress(XML[0])), (),
           Planted(pdf._number, "except DocumentUnusableError", "except KeyError")),
    Target("lifecycle messages", cdar.message_in, lifecycle_messages.SAMPLES, (UnreadableStatusError,),
           Planted(foreign_xml.tree_of, "except (ExpatError, LookupError)", "except LookupError")),
    Target("platform secrets", lambda data: credentials_from(_secret(data), "facteur/x", CUSTOMER), (sample(PLATFORM_SECRET),),
           (AccountRefusedError, SecretUnreadableError),
           Planted(credentials_from, 'isinstance(secret.get("sandbox"), bool | None)', 'len(secret.get("sandbox"))')),
    Target("database secrets", lambda data: database_address.database_parameters(_secret(data), "facteur/database", True),
           (sample(DATABASE_SECRET),), (ConfigurationError, SecretUnreadableError),
           Planted(database_address._malformed, 'str(secret.get("port") or 5432).isdigit()', "True")),
    Target("settings", _settings, (sample(SETTINGS),), (ConfigurationError, SecretUnreadableError),
           Planted(settings._boolean, "if value.strip().lower() not in known:", "if False:")),
)  # fmt: skip
