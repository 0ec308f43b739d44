"""A bucket of the right name that another account has made is not read: S3 gets the account whose it must be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest

from facteur.aws.s3 import Objects
from facteur.documents.store import DocumentStore
from facteur.domain.submission import Invoice
from facteur.errors import StoreRefusedError
from facteur.postgres.database import Database

OURS, THEIRS = "111111111111", "222222222222"
REFUSED = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
NOWHERE = Database(lambda: {"dsn": "postgresql://127.0.0.1:9/none"})  # no document is read from a row here


class Bucket(BaseHTTPRequestHandler):
    """S3 with one bucket of THEIRS: as AWS it compares the account that a request expects."""

    def do_GET(self) -> None:
        expected = self.headers.get("x-amz-expected-bucket-owner")
        status, body = (200, b"<Invoice/>") if expected in {None, THEIRS} else (403, REFUSED)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _fetched(address: str, owner: str | None) -> bytes:
    client = boto3.client(
        "s3", endpoint_url=address, region_name="eu-west-3", aws_access_key_id="x", aws_secret_access_key="x"
    )
    documents = DocumentStore(NOWHERE, Objects(lambda: client, owner), allow_files=False)
    invoice = Invoice("1", True, "default", "s3://documents/1.xml", None, None, None, "F-1", None, None, None, None)
    document = documents.fetch(invoice, 1000, 1000)
    assert document is not None
    return document.open().read()


def test_anothers_bucket_is_not_read(address: str) -> None:
    with pytest.raises(StoreRefusedError, match="AccessDenied"):
        _fetched(address, OURS)


@pytest.mark.parametrize("owner", [THEIRS, None])
def test_the_account_that_is_named_is_read_and_without_a_name_any(address: str, owner: str | None) -> None:
    assert _fetched(address, owner) == b"<Invoice/>"
