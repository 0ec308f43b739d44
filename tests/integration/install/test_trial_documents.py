"""The documents of a trial: each row by itself, wherever its address leads, and whatever it is like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.trial.documents import Documents
from local.trial.guide import steps_to_connect
from local.trial.install import made_from_rows, options_of
from local.trial.store import Store
from local.world.aws import Aws
from tests.installations import install
from tests.rows import Rows

ROLE = "facteur-trial-reader"
BUCKETS = {"company-documents", "other-bucket"}
TABLE = """
create schema shop;
create table shop.invoice (
    id bigint primary key, number text, day date not null default '2026-10-20', siren text default '732829320', total numeric default 120,
    state text default 'done', technical_status text, {column} text
);
create function shop.sound(id bigint) returns boolean language sql stable as 'select true';
insert into shop.invoice (id, number, {column}) select n, 'N-' || n, {address} from generate_series(1, 8) n;
"""
OPTIONS = ("--table", "shop.invoice", "--column", "date=day", "--column", "status=state", "--final", "done")


@dataclass
class OnTrial:
    """A company whose rows name documents."""

    rows: Rows
    store: Store
    said: list[str] = field(default_factory=list)

    def begin(self, address: str = "'s3://company-documents/' || n || '.xml'", *more: str) -> None:
        self.rows.run(TABLE.replace("{column}", "document_url").replace("{address}", address))
        install(self.rows, *OPTIONS, "--where", "shop.sound(i.id)", *more)

    def documents(self, folder: Path | None = None, *, make: bool = True) -> Documents:
        return Documents(self.rows.url, folder, make, None, self.said.append)

    def there(self, bucket: str) -> dict[str, bytes]:
        s3 = self.store.aws.session.client("s3", endpoint_url=self.store.aws.endpoint_url)
        listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed}


@pytest.fixture
def trial(bare: Rows, aws: Aws) -> Iterator[OnTrial]:
    roles = aws.session.client("iam", endpoint_url=aws.endpoint_url)
    roles.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    yield OnTrial(bare, Store(aws, ROLE))
    s3 = aws.session.client("s3", endpoint_url=aws.endpoint_url)
    for bucket in {each["Name"] for each in s3.list_buckets()["Buckets"]} & BUCKETS:
        for each in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=each["Key"])
        s3.delete_bucket(Bucket=bucket)
    roles.delete_role_policy(RoleName=ROLE, PolicyName="TrialDocuments")
    roles.delete_role(RoleName=ROLE)


def test_one_row_that_cannot_have_a_document_keeps_no_other_from_having_its_own(trial: OnTrial) -> None:
    """It is said once. Every bucket that a row names is there, and may be read."""
    trial.begin()
    trial.rows.run("update shop.invoice set document_url = 's3://other-bucket/2/F#12?v=1.xml' where id = 1")
    trial.rows.run(
        "update shop.invoice set total = 'NaN' where id = 2; update shop.invoice set total = 1e30 where id = 3"
    )
    trial.rows.run("update shop.invoice set document_url = 's3://company-documents/' where id = 4")
    trial.rows.run("update shop.invoice set document_url = 's3://No_Bucket!/5.xml' where id = 5")
    trial.rows.run("update shop.invoice set document_url = '/srv/6.pdf', number = null where id = 6")
    trial.rows.run(
        """
        create or replace function shop.sound(id bigint) returns boolean language plpgsql stable as $$
        begin if id = 7 then raise 'no good row'; end if; return true; end $$
        """
    )

    documents = trial.documents()
    documents.bring(trial.store)
    documents.bring(trial.store)

    assert list(trial.there("other-bucket")) == ["2/F#12?v=1.xml"]
    assert list(trial.there("company-documents")) == ["8.xml"]
    said = "\n".join(sorted(trial.said))
    assert len(trial.said) == 6, said
    for words in (
        "N-2 gets no document: its total is NaN", "N-3 gets no document: its total has too many digits",
        "N-4 gets no document: s3://company-documents/ is no address in S3", "N-5 S3 takes nothing at s3://No_Bucket!/5.xml",
        "row 6 gets no document: /srv/6.pdf is no address in S3", "row 7 gets no document: the view raises on it: no good row",
    ):  # fmt: skip
        assert words in said
    roles = trial.store.aws.session.client("iam", endpoint_url=trial.store.aws.endpoint_url)
    policy = json.dumps(roles.get_role_policy(RoleName=ROLE, PolicyName="TrialDocuments")["PolicyDocument"])
    assert "arn:aws:s3:::other-bucket/*" in policy
    assert "arn:aws:s3:::company-documents/*" in policy


@pytest.mark.slow
def test_a_file_that_cannot_be_read_keeps_no_other_from_going(trial: OnTrial, tmp_path: Path) -> None:
    trial.begin()
    (tmp_path / "1.xml").write_bytes(b"<one/>")
    (tmp_path / "2.xml").symlink_to("/proc/self/mem")

    trial.documents(tmp_path, make=False).bring(trial.store)

    assert trial.there("company-documents") == {"1.xml": b"<one/>"}
    assert any("N-2 OSError: " in each for each in trial.said), trial.said
    assert any("N-3 waits for its document: there is no file 3.xml" in each for each in trial.said)


@pytest.mark.slow
def test_where_the_table_names_no_documents_a_folder_goes_first_and_the_rest_is_made(
    trial: OnTrial, tmp_path: Path
) -> None:
    trial.begin("null", "--documents", "s3://company-documents/{id}.xml")
    (tmp_path / "1.xml").write_bytes(b"<one/>")

    documents = trial.documents(tmp_path)
    documents.bring(trial.store)

    there = trial.there("company-documents")
    assert there["1.xml"] == b"<one/>"
    assert len(there) == 8
    assert documents.made == 7


@pytest.mark.parametrize(
    ("column", "address", "folder", "place", "why"),
    [
        ("fichier", "'/srv/factures/F' || n || '.pdf'", False, "s3://facteur-demo-documents/{id}.xml", "/srv/factures/F"),
        ("pdf", "'https://x.example/F' || n || '.pdf'", True, "s3://facteur-demo-documents/{pdf}", "https://x.example/F"),
        ("document_url", "case when n > 4 then 's3://b/' || n else '/srv/' || n end", False, None, ""),
        ("document_url", "null", True, None, ""),
        ("remark", "'/srv/' || n", False, "s3://facteur-demo-documents/{id}.xml", "names no documents"),
    ],
)  # fmt: skip
def test_addresses_that_no_function_can_read_are_replaced_by_the_trials_own(
    bare: Rows, column: str, address: str, folder: bool, place: str | None, why: str
) -> None:
    bare.run(TABLE.replace("{column}", column).replace("{address}", address))

    made = made_from_rows(bare.url, options_of(OPTIONS), folder)

    assert (made.address if made else None) == place
    assert why in (made.why if made else "")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://owner@127.0.0.1:5432/company", "export FACTEUR_DATABASE_URL=postgresql://owner@127.0.0.1:5432/company"),
        ("host=127.0.0.1 dbname=company", "export FACTEUR_DATABASE_URL='host=127.0.0.1 dbname=company'"),
        ("postgresql://owner:s3cret@127.0.0.1/company", None),
        ("postgresql://127.0.0.1/company?user=owner&password=s3cret", None),
        ("host=127.0.0.1 password=s3cret", None),
    ],
)  # fmt: skip
def test_a_printed_line_can_be_pasted_and_shows_no_password(url: str, shown: str | None) -> None:
    steps = steps_to_connect(url)

    assert steps["first"] == (shown or "read -rs FACTEUR_DATABASE_URL; export FACTEUR_DATABASE_URL")
    assert "s3cret" not in str(steps)
