"""Everything that bad input can do: a clear error, a stored outcome, and once its cause is removed exactly one deposit."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from facteur.errors import ConfigurationError, DatabaseUnavailableError, EnvironmentMismatchError, InvalidMessageError
from facteur.postgres.database import Database
from functions.submit_invoices.app import handler, submission_id_in
from local.invoices import render, sample_invoice
from local.measure.starts import ACCOUNT_PAUSE_SECONDS
from local.world.levers import World, platform_secret
from local.world.postgres import as_worker
from local.world.stack import create_bucket, database_secret
from tests.raw_server import closed_port

EVENTS = Path(__file__).resolve().parents[3] / "events"
GOOD = render(sample_invoice(1), "cii")
CORRECTED = {"technical_status": "pending"}


def good_uri(world: World) -> str:
    path = world.folder / "good.xml"
    path.write_bytes(GOOD)
    return path.as_uri()


def assert_deposited_once(world: World, rank: int = 1) -> None:
    (deposit,) = world.deposits(rank)
    row = world.row(rank)
    assert (row.technical_status, row.submission_id) == ("validated", deposit["id"])
    assert world.submission(rank).state == "submitted"


def assert_shown(world: World, status: str, state: str, code: str, *words: str) -> None:
    """The outcome is stored with words for whoever looks, and nothing was deposited."""
    submission = world.submission(1)
    assert (world.row(1).technical_status, submission.state, submission.last_error_code) == (status, state, code)
    assert all(word in submission.last_error_message for word in words), submission.last_error_message
    assert world.simulator.ledger() == []


# --- messages ---------------------------------------------------------------------------------------------------------

UNREADABLE = [
    "", "submission 1, please", "null", "[]", "17", '"1"', "{}", '{"invoice_id": "1"}', '{"submission_id": "1"}', '{"submission_id": null}',
    '{"submission_id": 1.0}', '{"submission_id": true}', '{"submission_id": 0}', '{"submission_id": -1}', f'{{"submission_id": {1 << 63}}}',
    '{"submission_id": [1]}', '{"submission_id": 1', "\ufeff{}",
]  # fmt: skip


@pytest.mark.parametrize("body", UNREADABLE)
def test_a_message_that_names_no_submission_says_what_it_must_be(body: str) -> None:
    with pytest.raises(InvalidMessageError, match="a message must be"):
        submission_id_in(body)


def test_unreadable_messages_go_to_the_dead_letters_and_their_neighbour_is_deposited(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.add(1)
    world.relay()
    bad = [
        {"messageId": str(n), "receiptHandle": "r", "body": body} for n, body in enumerate([*UNREADABLE, "[" * 20_000])
    ]
    names = [message["messageId"] for message in bad]

    answer = handler({"Records": [*bad, *world.messages()]}, None)

    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == names
    assert [r.message_id for r in caplog.records if r.getMessage() == "message.unreadable"] == names  # type: ignore[attr-defined]
    assert_deposited_once(world)


FOREIGN: list[Any] = [
    {}, {"operation": "status"}, {"Records": "x"}, [], None, {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "a.xml"}}}]},
    {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}"}}]}, {"source": "aws.events", "detail": {}},
]  # fmt: skip


@pytest.mark.parametrize("event", FOREIGN, ids=str)
def test_an_event_that_no_queue_sends_is_one_sentence(world: World, event: Any) -> None:
    with pytest.raises(InvalidMessageError, match="called by its queue and takes its events only"):
        handler(event, None)


def test_a_server_without_a_free_connection_says_so_and_names_the_secret(world: World, database_url: str) -> None:
    world.add(1)
    world.relay()
    world.new_container()
    owner, name = Database(lambda: {"dsn": database_url}), urlsplit(database_url).path[1:]
    owner.rows(f'alter database "{name}" connection limit 0')
    with pytest.raises(DatabaseUnavailableError, match=r"takes no more connections.*53300.*secret .*/database"):
        world.submit()
    owner.rows(f'alter database "{name}" connection limit -1')
    owner.close()
    world.submit()

    assert_deposited_once(world)


def test_a_secret_that_an_editor_has_marked_is_read(world: World, database_url: str) -> None:
    world.add(1)
    world.put_secret("database", "\ufeff" + json.dumps(database_secret(as_worker(database_url))))
    world.new_container()
    world.deposit()

    assert_deposited_once(world)


def test_the_sample_events_of_bad_messages_fail_one_by_one(world: World) -> None:
    cases = {"not_json": 1, "without_id": 1, "one_of_three_unreadable": 1, "unknown_submission": 0, "several": 0}
    events = {case: json.loads((EVENTS / f"submit_invoices.{case}.json").read_text()) for case in cases}

    assert {case: len(handler(event, None)["batchItemFailures"]) for case, event in events.items()} == cases
    assert world.simulator.ledger() == []


# --- documents --------------------------------------------------------------------------------------------------------

DOCUMENTS: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "document_empty", "the document is empty"),
    "too large": (b"<" + b" " * 50_000_000, "document_too_large", "50,000,001 bytes; the platform takes 50 MB"),
    "text": (b"Dear customer", "document_neither_pdf_nor_xml", "neither PDF nor XML"),
    "a web page": (b"\n<!DOCTYPE HTML><html>log in</html>", "document_neither_pdf_nor_xml", "neither PDF nor XML"),
    "a bare web page": (b"<HTML lang='fr'>log in</HTML>", "document_neither_pdf_nor_xml", "neither PDF nor XML"),
    "a portal's page": (
        b'<?xml version="1.0"?>\n<!DOCTYPE html><html>log in</html>',
        "document_neither_pdf_nor_xml",
        "neither PDF nor XML",
    ),
    "large and neither": (b"\x00" * 5_000_001, "document_neither_pdf_nor_xml", "neither PDF nor XML"),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_an_unusable_document_goes_to_a_person_and_is_deposited_once_it_is_corrected(world: World, kind: str) -> None:
    content, code, words = DOCUMENTS[kind]
    world.add(1, content=content)

    world.deposit()
    assert_shown(
        world, "error", "failed", code, words, "Correct the document, then set technical_status back to 'pending'"
    )

    world.update(1, document_uri=good_uri(world), **CORRECTED)
    world.deposit()
    assert_deposited_once(world)


NOWHERE = [
    "https://example.org/a.xml", "s3://[bucket/key", "s3://bucket", "s3:///key", "s3://no bucket/key", "file:///a%00b", "file://host/a.xml",
    "invoice.xml", "s3://bucket//", "://", "s3://\ufdfa/key",
]  # fmt: skip


def test_addresses_that_lead_nowhere_go_to_a_person_and_hold_nobody_back(world: World) -> None:
    ranks = range(2, len(NOWHERE) + 2)
    for rank, uri in zip(ranks, NOWHERE, strict=True):
        world.add(rank, uri=uri)
    world.add(1)

    world.deposit()

    assert_deposited_once(world)
    for submission in map(world.submission, ranks):
        assert (submission.state, submission.last_error_code) == ("failed", "document_uri_unusable")
        assert "document_uri must be s3://bucket/key" in submission.last_error_message
        assert "Correct document_uri, then set technical_status back to 'pending'" in submission.last_error_message


def test_a_corrected_address_is_deposited(world: World) -> None:
    world.add(1, uri="invoice.xml")
    world.deposit()

    world.update(1, document_uri=good_uri(world), **CORRECTED)
    world.deposit()

    assert_deposited_once(world)


def test_a_document_that_comes_a_little_after_its_row_is_waited_for(world: World) -> None:
    path = world.folder / "late.xml"
    world.add(1, uri=path.as_uri())

    world.deposit()
    assert_shown(
        world, "pending", "pending", "document_missing", "nothing lies at document_uri yet", "tried again by itself"
    )

    path.write_bytes(GOOD)
    world.advance(60)
    world.deposit()
    assert_deposited_once(world)


def test_a_document_that_never_comes_goes_to_a_person(world: World) -> None:
    world.add(1, uri=(world.folder / "never.xml").as_uri())

    world.deposit()
    world.advance(901)
    world.deposit()
    assert_shown(world, "error", "failed", "document_missing", "Correct the document")

    world.update(1, document_uri=good_uri(world), **CORRECTED)
    world.deposit()
    assert_deposited_once(world)


@pytest.mark.parametrize(
    ("bucket", "key", "code", "words"),
    [
        ("documents", "absent.xml", "document_missing", "nothing lies at document_uri yet"),
        ("no-such-bucket", "a.xml", "document_unavailable", "NoSuchBucket"),
    ],
)
def test_a_document_that_is_not_in_s3_yet_is_waited_for(
    world: World, bucket: str, key: str, code: str, words: str
) -> None:
    bucket, existing = f"{world.prefix}-{bucket}", create_bucket(world.aws, f"{world.prefix}-documents")
    world.add(1, uri=f"s3://{bucket}/{key}")

    world.deposit()
    assert_shown(world, "pending", "pending", code, words)

    boto3.client("s3").put_object(Bucket=existing, Key="a b/é#1?.xml", Body=GOOD)
    world.update(1, document_uri=f"s3://{existing}/a b/é#1?.xml")
    world.advance(60)
    world.deposit()
    assert_deposited_once(world)


def test_a_folder_is_no_document_and_is_tried_until_a_person_looks(world: World) -> None:
    world.add(1, uri=world.folder.as_uri())

    world.deposit()

    assert_shown(world, "pending", "pending", "document_unavailable", "does not give it (IsADirectoryError)")


FILE_NAMES = {  # in the address -> at the platform
    "facture": "facture.xml", "facture.docx": "facture.docx.xml", "facture.PDF": "facture.xml", ".xml": "invoice.xml", "x.": "x.xml",
    "é à.XML": "e_a.xml", 'a"; b=c\r\n.xml': "a_b_c.xml", "...": "invoice.xml", "y" * 200: "y" * 100 + ".xml",
}  # fmt: skip


def test_a_file_name_without_a_usable_ending_becomes_one_that_the_platform_takes(world: World) -> None:
    for rank, name in enumerate(FILE_NAMES):
        path = world.folder / name
        path.write_bytes(render(sample_invoice(rank), "cii"))
        world.add(rank, uri=path.as_uri())

    world.deposit()

    assert [world.deposits(rank)[0]["filename"] for rank in range(len(FILE_NAMES))] == list(FILE_NAMES.values())


# --- the row ----------------------------------------------------------------------------------------------------------


UNIDENTIFIABLE: list[tuple[dict[str, Any], str]] = [
    ({"number": None}, "invoice_number"), ({"number": "  "}, "invoice_number"), ({"siren": None}, "seller_siren (nine digits)"),
    ({"siren": "12345"}, "seller_siren (nine digits)"), ({"siren": "FR1234567"}, "seller_siren (nine digits)"),
]  # fmt: skip


def test_what_could_never_be_looked_up_is_not_sent(world: World) -> None:
    for rank, (columns, _) in enumerate(UNIDENTIFIABLE):
        world.add(rank, **columns)

    world.deposit()
    assert world.simulator.ledger() == []

    for rank, (_, lacking) in enumerate(UNIDENTIFIABLE):
        submission, invoice = world.submission(rank), sample_invoice(rank)
        assert (submission.state, submission.last_error_code) == ("failed", "not_identifiable")
        assert f"the invoice has no {lacking}: it could not be looked up" in submission.last_error_message
        assert "Complete the invoice, then set technical_status back to 'pending'" in submission.last_error_message
        world.update(rank, invoice_number=invoice.number, seller_siren=invoice.seller.siren, **CORRECTED)
    world.deposit()
    for rank in range(len(UNIDENTIFIABLE)):
        assert_deposited_once(world, rank)


# --- the platform's secret ----------------------------------------------------------------------------------------------


def delete_secret(world: World, name: str) -> None:
    client = world.aws.session.client("secretsmanager", endpoint_url=world.aws.endpoint_url)
    client.delete_secret(SecretId=f"{world.prefix}/{name}", ForceDeleteWithoutRecovery=True)


Secret = Mapping[str, object] | str | None
SECRETS: dict[str, tuple[Secret, str, str]] = {
    "missing": (None, "secret_unreadable", "could not be read (ResourceNotFoundException)"),
    "not JSON": ("hunter2", "secret_unreadable", "is not a JSON object"),
    "a list": ("[]", "secret_unreadable", "is not a JSON object"),
    "without client_secret": ({"client_id": "me@example.org"}, "secret_malformed", "missing or wrong client_secret"),
    "empty": ({}, "secret_malformed", "missing or wrong client_id, client_secret"),
    "of wrong types": (
        {"client_id": 1, "client_secret": "hunter2", "customer_id": 2, "sandbox": "yes"},
        "secret_malformed", "missing or wrong client_id, customer_id, sandbox",
    ),
    "without client_id": ({"client_secret": "hunter2"}, "secret_malformed", "missing or wrong client_id"),
}  # fmt: skip


@pytest.mark.slow
def test_a_bad_platform_secret_pauses_the_account_until_it_is_corrected(world: World) -> None:
    world.add(1)

    for secret, code, words in SECRETS.values():
        delete_secret(world, "default") if secret is None else world.put_secret("default", secret)
        world.new_container()
        world.deposit()
        assert_shown(world, "pending", "pending", code, f"secret {world.prefix}/default", words, "The account pauses")
        assert "hunter2" not in world.submission(1).last_error_message
        world.advance(301)

    world.put_secret("default", platform_secret(world.simulator))
    world.new_container()
    world.deposit()
    assert_deposited_once(world)


@pytest.mark.parametrize(("wrong", "code"), [("client_secret", "token_refused"), ("customer_id", "account_refused")])
def test_credentials_that_the_platform_refuses_pause_the_account_until_they_are_corrected(
    world: World, wrong: str, code: str
) -> None:
    world.put_secret("default", platform_secret(world.simulator) | {wrong: "0198c0de-ffff-7000-8000-000000000000"})
    world.add(1)

    world.deposit()
    assert_shown(world, "pending", "pending", code, "check its secret and the platform's address")
    assert world.submission(1).waited.total_seconds() == 0

    world.put_secret("default", platform_secret(world.simulator))
    if wrong == "customer_id":  # a 403 is no reason to read the secret again before its minutes are over
        world.new_container()
    world.advance(301)
    world.deposit()
    assert_deposited_once(world)


# --- the database -------------------------------------------------------------------------------------------------------

Change = Callable[[dict[str, Any]], object]
DATABASES: dict[str, tuple[Change, type[Exception], str]] = {
    "down": (
        lambda s: s.update(port=closed_port()),
        DatabaseUnavailableError,
        "no connection: nobody listens at this address and port: .* .secret .*/database",
    ),
    "unknown": (
        lambda s: s.update(dbname="elsewhere"),
        DatabaseUnavailableError,
        "no connection: the server has no database of this name",
    ),
    "of another role": (
        lambda s: s.update(username="nobody"),
        DatabaseUnavailableError,
        "no connection: the server has no role of this name",
    ),
    "misspelt sslmode": (
        lambda s: s.update(sslmode="verify_full"),
        ConfigurationError,
        "database.*sslmode .must be one of disable",
    ),
    "copied with a blank": (
        lambda s: s.update(host=s["host"] + " "),
        ConfigurationError,
        "secret .*/database: host begins or",
    ),
    "copied with a line": (
        lambda s: s.update(password="x\n"),
        ConfigurationError,
        "secret .*/database: password begins or",
    ),
    "without host": (lambda s: s.pop("host"), ConfigurationError, "missing or malformed host"),
    "empty": (lambda s: s.clear(), ConfigurationError, "missing or malformed host, username, password"),
}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u@127.0.0.1:1/x?sslmode=verfy-full", "sslmode is none of disable, allow, prefer"),
        ("postgresql://u@127.0.0.1:55x/x", "its port is no number"),
        ("postgresql://u:p@ss@127.0.0.1/x", "no host of this name is known; in a URL, a password's @ is written %40"),
        ("\ufeffpostgresql://u@127.0.0.1/x", "begins or ends with a blank or another invisible sign"),
        ("postgresql://u@127.0.0.1/x?ssl_mode=require", "has a parameter after its . that Postgres does not know"),
        ("oracle://u@127.0.0.1/x", "is not a postgresql:// URL"),
    ],
)
def test_an_address_that_leads_nowhere_says_what_is_wrong_with_it(url: str, said: str) -> None:
    with pytest.raises((ConfigurationError, DatabaseUnavailableError), match=said) as raised:
        Database(lambda: {"dsn": url}).rows("select 1")
    assert "127.0.0.1" not in str(raised.value)


def test_a_wrong_database_secret_leaves_the_message_for_later(world: World, database_url: str) -> None:
    good = database_secret(database_url)
    world.add(1)
    world.relay()

    for change, error, words in DATABASES.values():
        wrong = dict(good)
        change(wrong)
        world.put_secret("database", wrong)
        world.new_container()
        with pytest.raises(error, match=words):
            world.submit()

    world.put_secret("database", good)
    world.submit()  # in the container that has read the wrong one
    assert_deposited_once(world)


def test_an_unreadable_database_secret_is_named_and_not_quoted(world: World, database_url: str) -> None:
    world.add(1)
    world.relay()

    for secret in ("postgres://user:hunter2@host/db", "[]", None):
        delete_secret(world, "database") if secret is None else world.put_secret("database", secret)
        world.new_container()
        with pytest.raises(ConfigurationError, match=f"database: secret {world.prefix}/database") as raised:
            world.submit()
        assert "hunter2" not in str(raised.value)

    world.put_secret("database", database_secret(database_url))
    world.new_container()
    world.submit()
    assert_deposited_once(world)


def test_a_database_without_migrations_says_what_to_invoke(world: World, database_url: str, empty_url: str) -> None:
    world.add(1)
    world.relay()
    world.put_secret("database", database_secret(empty_url))
    world.new_container()

    for function in (world.relay, world.poll, world.submit):
        with pytest.raises(ConfigurationError, match="there is no schema facteur here"):
            function()

    world.put_secret("database", database_secret(database_url))
    world.new_container()
    world.submit()
    assert_deposited_once(world)


def test_what_escapes_is_logged_by_name_and_in_our_words(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.put_secret("database", {})
    world.new_container()

    with pytest.raises(ConfigurationError):
        world.relay()

    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.getMessage() == "relay_submissions.failed"
    assert record.error == "ConfigurationError"  # type: ignore[attr-defined]
    assert "missing or malformed host, username, password" in record.error_message  # type: ignore[attr-defined]


# --- the platform -------------------------------------------------------------------------------------------------------


def test_an_unreachable_platform_loses_nothing(world: World) -> None:
    world.add(1)
    world.simulator.refuse_connections()
    try:
        world.deposit()
    finally:
        world.simulator.accept_connections()
    assert_shown(
        world, "pending", "pending", "platform_unreachable", "could not be reached", "It is tried again by itself"
    )

    world.advance(120)
    world.deposit()
    assert_deposited_once(world)


@pytest.mark.parametrize(("fault", "status"), [("403", 403), ("404", 404)])
def test_an_account_that_the_platform_refuses_in_its_own_words_pauses(world: World, fault: str, status: int) -> None:
    world.simulator.script(sample_invoice(1).number, [fault])
    world.add(1)

    world.deposit()

    assert_shown(world, "pending", "pending", "account_refused", f"HTTP {status}", "The account pauses", "address")
    world.advance(400)
    world.deposit()
    assert_deposited_once(world)
    assert [attempt.outcome for attempt in world.attempts(1)] == ["not_deposited", "accepted"]


@pytest.mark.parametrize(("fault", "status"), [("302", 302), ("400_html", 400), ("403_html", 403)])
def test_a_login_page_or_a_redirect_is_no_word_of_the_platforms(world: World, fault: str, status: int) -> None:
    world.simulator.script(sample_invoice(1).number, [fault])
    world.add(1)

    world.deposit()

    assert_shown(world, "pending", "in_doubt", "unknown_outcome", f"HTTP {status}", "looked up before anything is sent")
    world.add(900)  # the look-ups' witness, as soon as the account does not pause
    for _ in range(12):
        world.advance(160)
        world.deposit()
    assert_deposited_once(world)
    assert [attempt.outcome for attempt in world.attempts(1)] == ["not_found", "accepted"]


def test_a_success_without_an_id_is_looked_up_and_adopted(world: World) -> None:
    faults = ["no_id", "html", "empty", "unreadable", "truncated", "502_stored"]
    for rank, fault in enumerate(faults):
        world.simulator.script(sample_invoice(rank).number, [fault])
        world.add(rank)

    world.deposit()
    for rank in range(len(faults)):
        assert (world.row(rank).technical_status, world.submission(rank).state) == ("pending", "in_doubt")
        assert "looked up before anything is sent again" in world.submission(rank).last_error_message

    world.advance(60)
    world.deposit()
    for rank in range(len(faults)):
        assert_deposited_once(world, rank)
    assert len(world.simulator.calls("deposit")) == len(faults)


def test_a_look_up_that_fails_is_no_empty_one(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1)
    world.deposit()

    for fault in ("302", "403_html", "html", "unreadable", "500", "429", "reset", "400"):
        world.simulator.clear_faults()
        world.advance(4000)
        world.simulator.outage(60, fault, ["search"])
        world.deposit()
        assert (world.submission(1).state, world.submission(1).empty_lookups) == ("in_doubt", 0)
    world.simulator.clear_faults()
    world.advance(4000)
    world.deposit()

    assert_deposited_once(world)
    assert len(world.simulator.calls("deposit")) == 1


def test_a_token_endpoint_that_gives_no_token_loses_nothing(world: World) -> None:
    world.add(1)

    for fault in ("404", "302", "500", "403_html", "429"):
        world.simulator.outage(60, fault, ["token"])
        world.deposit()
        assert world.submission(1).state == "pending"
        assert world.submission(1).last_error_code in {"token_refused", "token_unavailable"}
        world.advance(4000)
    assert world.simulator.calls("deposit") == []
    assert world.database.rows("select from facteur.attempts") == []  # nothing is claimed before a token is there

    world.deposit()
    assert_deposited_once(world)


# --- environments -------------------------------------------------------------------------------------------------------


def test_a_secret_of_another_client_stops_everything_until_it_is_corrected(world: World) -> None:
    world.add(1)
    world.deposit()
    world.simulator.add_account("other@example.org", "s", "0198c0de-0000-7000-8000-000000000002")
    other = {
        "client_id": "other@example.org",
        "client_secret": "s",
        "customer_id": "0198c0de-0000-7000-8000-000000000002",
    }
    world.put_secret("default", other)
    world.new_container()
    world.add(2)
    world.relay()

    with pytest.raises(
        EnvironmentMismatchError, match="account default of this database is pinned to another platform or client"
    ):
        world.submit()
    assert world.deposits(2) == []

    world.put_secret("default", platform_secret(world.simulator))
    world.new_container()
    world.submit()
    assert_deposited_once(world, 2)


def test_another_platform_stops_everything_until_it_is_corrected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add(1)
    world.deposit()
    world.add(2)
    world.relay()
    world.advance(60)
    monkeypatch.setenv("IOPOLE_BASE_URL", f"http://127.0.0.1:{closed_port()}")
    world.new_container()

    for function in (world.relay, world.submit):
        with pytest.raises(EnvironmentMismatchError, match=r"Is it a copy\? Check, then: facteur repin default"):
            function()
    with pytest.raises(EnvironmentMismatchError):
        world.poll()

    monkeypatch.setenv("IOPOLE_BASE_URL", world.simulator.base_url)
    world.new_container()
    world.submit()
    assert_deposited_once(world, 2)


@pytest.mark.slow
def test_a_sandbox_flag_that_contradicts_the_url_sends_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add(1)

    for url, sandbox in (
        ("https://api.iopole.com", True),
        ("https://API.IOPOLE.COM", True),
        ("https://api.ppd.iopole.fr", False),
    ):
        world.put_secret("default", platform_secret(world.simulator) | {"sandbox": sandbox})
        monkeypatch.setenv("IOPOLE_BASE_URL", url)
        world.new_container()
        world.deposit()
        said = world.submission(1)
        assert (said.state, said.last_error_code) == ("pending", "environment_mismatch")
        assert f"says sandbox {str(sandbox).lower()}, and the platform is {url}" in said.last_error_message
        world.advance(ACCOUNT_PAUSE_SECONDS)

    world.put_secret("default", platform_secret(world.simulator))
    monkeypatch.setenv("IOPOLE_BASE_URL", world.simulator.base_url)
    world.new_container()
    world.deposit()
    assert_deposited_once(world)


def test_a_missing_setting_is_named_and_loses_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add(1)
    world.relay()

    for name in ("IOPOLE_BASE_URL", "IOPOLE_AUTH_URL", "DATABASE_SECRET_ID"):
        with monkeypatch.context() as without:
            without.delenv(name)
            world.new_container()
            with pytest.raises(ConfigurationError, match=f"missing settings: {name}"):
                world.submit()

    world.new_container()
    world.submit()
    assert_deposited_once(world)
