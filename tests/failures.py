"""Each failure that Facteur has to report: how it is made, what `status` says, which alarm rings, and after how long.

docs/outages.md shows this table; tests/integration/operate/test_failures.py makes each line by the real thing, on the shifted clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import boto3

from local.invoices import DIFFICULT_BUYERS, UNKNOWN_BUYER, render, sample_invoice
from local.sam import load_template
from local.simulator.core.control import running_simulator
from local.world.levers import World, platform_secret
from local.world.stack import database_secret
from tests.failing_store import FailingStore
from tests.operator import Operator
from tests.two_accounts import SECOND

HOUR, DAY = 3600, 86_400
STEP_SECONDS = 300
OF_SQS = "ApproximateNumberOfMessagesVisible"  # SQS's own metric
RAISING = """
create or replace view facteur.invoice_source as
select id as invoice_id, status = 'final' and technical_status = 'pending' as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, 1 / (total - 13) as total, currency, technical_status, 'default' as account, submission_id, false as finished
from invoicing.invoices
"""


@dataclass
class Ground:
    """What a failure is made with. `lasting`: what goes on behind it."""

    world: World
    store: FailingStore
    operator: Operator
    lasting: ExitStack
    dead_letters_url: str | None = None

    def measured_by_sqs(self) -> dict[str, list[float]]:
        """What SQS itself reports to CloudWatch of the dead-letter queue."""
        if self.dead_letters_url is None:
            return {}
        answer = boto3.client("sqs").get_queue_attributes(
            QueueUrl=self.dead_letters_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return {OF_SQS: [float(answer["Attributes"]["ApproximateNumberOfMessages"])]}

    def run(self, statement: str) -> None:
        self.world.database.rows(statement)

    def in_store(self, rank: int) -> None:
        """An invoice whose document lies in S3."""
        key, client = f"{rank}.xml", boto3.client("s3", endpoint_url=self.world.aws.endpoint_url)
        client.put_object(Bucket=self.store.bucket, Key=key, Body=render(sample_invoice(rank), "cii"))
        self.world.add(rank, issue_date=today(), uri=f"s3://{self.store.bucket}/{key}")


Make = Callable[[Ground], None]


@dataclass(frozen=True)
class Failure:
    """A line of the table.

    `shown` is a piece of what `facteur status` says; `reason` what facteur.waiting calls it, where rows wait for it. `minutes` is
    when the alarm rings at the latest, from `head_start` seconds after it was made. `off` are functions that no longer run.
    """

    what: str
    make: Make
    alarm: str
    minutes: int
    shown: str
    reason: str | None = None
    off: frozenset[str] = frozenset()
    head_start: float = 0
    settings: dict[str, str] = field(default_factory=dict)
    slow: bool = True
    meanwhile: Make | None = None  # what goes on beside it, each step

    @property
    def metric(self) -> str:
        properties = load_template()["Resources"][f"{self.alarm}Alarm"]["Properties"]
        reasons = [each["Value"] for each in properties.get("Dimensions", []) if each["Name"] == "reason"]
        name = properties.get("MetricName") or "Rejections"
        return f"{name} {reasons[0]}" if reasons else str(name)

    @property
    def section(self) -> str:
        properties = load_template()["Resources"][f"{self.alarm}Alarm"]["Properties"]
        return str(properties["AlarmDescription"]).rpartition("docs/")[2]

    @property
    def after(self) -> str:
        seconds = self.head_start + 60 * self.minutes
        return f"{seconds / 60:.0f} min" if seconds <= 2 * HOUR else f"{seconds / HOUR:.0f} h"


def today() -> Any:
    """In France, where a deadline is counted: an hour or two before midnight it is tomorrow there."""
    return datetime.now(ZoneInfo("Europe/Paris")).date()


def ready(ground: Ground) -> None:
    ground.world.add(1, issue_date=today())


def deposited(ground: Ground, rank: int = 1) -> None:
    ground.world.add(rank, issue_date=today())
    ground.world.deposit()


def refused_store(code: str, status: int) -> Make:
    def make(ground: Ground) -> None:
        ground.store.refuse(code, status)
        ground.in_store(1)

    return make


def one_bad_key(ground: Ground) -> None:
    ground.store.refuse("AccessDenied", 403, key="1.xml")
    ground.in_store(1)


def another_in_store(ground: Ground) -> None:
    ground.in_store(len(ground.world.ids) + 1)


def unread_queue(ground: Ground) -> None:
    ready(ground)
    ground.world.relay()


def queue_gone(ground: Ground) -> None:
    boto3.client("sqs").delete_queue(QueueUrl=ground.world.queue_url)
    ready(ground)


def crashing_worker(ground: Ground) -> None:
    ground.run("alter function facteur.read_batch rename to gone")
    ready(ground)


def paused(ground: Ground) -> None:
    ground.run(
        "insert into facteur.budgets (key, hold_until, hold_by, hold_why) values ('account:default', 'infinity', 'me', 'x')"
    )
    ready(ground)


def low_limit(ground: Ground) -> None:
    ground.run("insert into facteur.budgets (key, per_minute, tokens) values ('account:default', 1, 0)")
    for rank in range(60):
        ground.world.add(rank, issue_date=today())


def busy_platform(ground: Ground) -> None:
    ground.world.simulator.outage(1e9, "429", ["deposit"])
    ready(ground)


def refused_account(ground: Ground) -> None:
    other = "0198c0de-ffff-7000-8000-000000000000"
    ground.world.put_secret("default", platform_secret(ground.world.simulator) | {"customer_id": other})
    ready(ground)


def lost_secret(ground: Ground) -> None:
    ground.world.put_secret("default", "no json")
    ready(ground)


def silent_platform(ground: Ground) -> None:
    ground.world.simulator.outage(1e9, "503")
    for rank in range(6):
        ground.world.add(rank, issue_date=today())


def broken_view(ground: Ground) -> None:
    ground.run(RAISING)
    ground.world.add(1, total=13, issue_date=today())


def view_breaks_later(ground: Ground) -> None:
    """A function or table that the view uses is changed, and no row is written."""
    ground.world.add(1, total=13, issue_date=today())
    ground.world.relay()
    ground.run(RAISING)


def probe_that_fails(ground: Ground) -> None:
    """The account was refused once, and the read that would end its pause meets an error that is no refusal."""
    ground.world.simulator.script(sample_invoice(1).number, ["403"])
    ground.world.simulator.outage(1e9, "400", ["search"])
    ready(ground)


def raising_trigger(ground: Ground) -> None:
    ground.run("alter table invoicing.invoices add constraint stubborn check (technical_status <> 'validated')")
    ready(ground)


def swallowing_trigger(ground: Ground) -> None:
    ground.run("create function invoicing.keep() returns trigger language plpgsql as 'begin return old; end'")
    ground.run("create trigger keep before update on invoicing.invoices for each row execute function invoicing.keep()")
    ready(ground)


def doubt_that_stays(ground: Ground) -> None:
    ground.world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    deposited(ground)
    ground.world.simulator.outage(1e9, "400", ["search"])


def unusable_document(ground: Ground) -> None:
    ground.world.add(1, content=b"not an invoice", issue_date=today())


def mismatch(ground: Ground) -> None:
    deposited(ground)
    ground.world.update(1, invoice_number="F-other", technical_status="pending")


def old_invoice(ground: Ground) -> None:
    ground.world.simulator.outage(1e9, "429", ["deposit"])
    ground.world.add(1, issue_date=today() - timedelta(days=11))


def dropped_trigger(ground: Ground) -> None:
    ground.world.relay()
    ground.run("alter table invoicing.invoices disable trigger all")
    ready(ground)


def renamed_table(ground: Ground) -> None:
    ground.run("alter table invoicing.invoices rename to older")


def many_rejections(ground: Ground) -> None:
    for rank in range(20):
        ground.world.simulator.script(sample_invoice(rank).number, ["400"])
        ground.world.add(rank, issue_date=today())


def in_production(ground: Ground, **switches: Any) -> None:
    ground.world.put_secret("default", platform_secret(ground.world.simulator) | {"sandbox": False})
    ground.world.simulator.configure(**switches)


def never_heard_of(ground: Ground) -> None:
    in_production(ground, lifecycle_twists=["never"])
    deposited(ground)


def not_transmitted(ground: Ground) -> None:
    """No platform receives for the buyer: 200, 201, and then nothing."""
    in_production(ground)
    ground.world.add(1, content=render(sample_invoice(1, buyer=DIFFICULT_BUYERS["404"]), "cii"), issue_date=today())
    ground.world.deposit()
    for _ in range(3):
        ground.world.advance(60)
        ground.world.poll()


def former_client(ground: Ground) -> None:
    """A new client's secret under the old name, and `facteur repin`."""
    deposited(ground)
    ground.world.simulator.add_account(**SECOND)
    ground.world.put_secret("default", SECOND)
    ground.operator.run("repin", "default", "--yes", "--unverified", "--why", "a new client")
    ground.world.new_container()
    deposited(ground, 2)


def unread_history(ground: Ground) -> None:
    verdict_without_history(ground, "500")


def verdict_without_history(ground: Ground, how: str) -> None:
    in_production(ground)
    deposited(ground)
    ground.world.advance(10)
    ground.world.poll()
    ground.world.simulator.configure(history_refused=how)
    deposit = str(ground.world.row(1).submission_id)
    ground.world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    for _ in range(3):
        ground.world.advance(600)
        ground.world.poll()


def blind_search(ground: Ground) -> None:
    in_production(ground, search_hides=["all"])
    for rank in (1, 2, 3):
        deposited(ground, rank)


def failing_feed(ground: Ground) -> None:
    """Deposits go on, on a platform whose list of events alone answers 500."""
    pdp = ground.lasting.enter_context(running_simulator(platform="superpdp"))
    secret = {"provider": "superpdp", "client_id": pdp.client_id, "client_secret": pdp.client_secret}
    ground.world.put_secret("default", {**secret, "base_url": pdp.base_url})
    pdp.script_endpoint("events", ["500"] * 1000)
    deposited(ground)


def full_page(ground: Ground) -> None:
    """Statuses that nobody can acknowledge stand before ours: another software's, for ever."""
    in_production(ground, not_seen_noise=100)
    deposited(ground)


def webhook(ground: Ground) -> None:
    """Somebody adds one once deposits have a status, and verdicts go there."""
    in_production(ground)
    for rank in (1, 2, 3, 4):
        deposited(ground, rank)
    ground.world.advance(10)
    ground.world.poll()
    ground.world.simulator.configure(mode="PUSH")
    for rank in (1, 2, 3):
        ground.world.simulator.add_status(str(ground.world.row(rank).submission_id), "IN_HAND", at_offset=60)


def contradiction(ground: Ground) -> None:
    in_production(ground)
    deposited(ground)
    ground.world.advance(10)
    ground.world.poll()
    deposit = str(ground.world.row(1).submission_id)
    ground.world.simulator.add_status(deposit, "REJECTED", reason="VALIDATION_FAILURE", author="PLATFORM")
    ground.world.simulator.add_status(deposit, "APPROVED", at_offset=60)


def late_sequence(ground: Ground) -> None:
    """As after a failover to a logical copy: what the sequence gives is taken."""
    for rank in range(20):
        ground.world.add(rank, issue_date=today())
    ground.world.deposit()
    ground.run("alter sequence facteur.submissions_id_seq restart")
    ground.world.add(20, issue_date=today())


def no_database(ground: Ground) -> None:
    ready(ground)
    ground.world.relay()
    ground.world.poll()
    ground.world.put_secret("database", "no json")
    ground.world.new_container()


def pinned_elsewhere(ground: Ground) -> None:
    ready(ground)
    pin = '{"provider": "iopole", "base_url": "https://elsewhere", "client": "x"}'
    ground.run(
        f"insert into facteur.accounts (name, pin) values ('default', '{pin}') "
        "on conflict (name) do update set pin = excluded.pin"
    )


def both_ran(ground: Ground) -> None:
    ground.world.relay()
    ground.world.poll()
    ready(ground)


def without_document(ground: Ground) -> None:
    ground.world.add(1, issue_date=today() - timedelta(days=3), uri=None)


def corrected_without_document(ground: Ground) -> None:
    """The daily count comes just before the correction, and finds it the next day."""
    ground.world.simulator.script(sample_invoice(1).number, ["400"])
    ready(ground)
    ground.world.deposit()
    ground.world.update(1, technical_status="pending", document_uri=None)
    ground.world.relay()
    ground.world.advance(DAY + 60)
    ground.world.relay()


def without_date(ground: Ground) -> None:
    ground.world.add(1, issue_date=None)
    ground.world.relay()


def unread_history_403(ground: Ground) -> None:
    """Of more than one: a single deposit's would be its own."""
    in_production(ground)
    for rank in (1, 2, 3):
        deposited(ground, rank)
    ground.world.simulator.outage(1e9, "403", ["history"])


def empty_history(ground: Ground) -> None:
    verdict_without_history(ground, "empty")


def refused_state(ground: Ground) -> None:
    """The search shows a state that refuses, and no status ever says why."""
    in_production(ground, lifecycle_twists=["state_only"])
    ground.world.add(1, content=render(sample_invoice(1, buyer=UNKNOWN_BUYER), "cii"), issue_date=today())
    ground.world.deposit()


def raising_history(ground: Ground) -> None:
    """The company's own history takes no entry."""
    ground.run(
        "create or replace function facteur.write_status(invoice_id text, code text, label text, comment text, occurred_at timestamptz) "
        "returns void language plpgsql as 'begin raise exception ''full''; end'"
    )
    ready(ground)


def dropped_view(ground: Ground) -> None:
    ground.run("drop view facteur.invoice_source")


def triggers_of_origin(ground: Ground) -> None:
    """As a restore with --disable-triggers leaves them."""
    ground.run("alter table invoicing.invoices disable trigger all; alter table invoicing.invoices enable trigger all")


def swapped_columns(ground: Ground) -> None:
    """As a change of the key's type does without a lock for long."""
    ground.run("alter table invoicing.invoices add column id_new bigint")
    ground.run(
        "begin; alter table invoicing.invoices rename column id to id_old; alter table invoicing.invoices rename column id_new to id; commit"
    )


def no_tls(ground: Ground) -> None:
    """Who the server is cannot be checked: an authority that is not known, or none."""
    both_ran(ground)
    ground.world.put_secret("database", database_secret(ground.operator.url) | {"sslmode": "verify-full"})
    ground.world.new_container()


def raising_poll(ground: Ground) -> None:
    ground.run("alter function facteur.claim_sweep rename to gone")
    deposited(ground)


def paused_beside_deposits(ground: Ground) -> None:
    """A person's pause, and nothing waits but what is followed."""
    deposited(ground)
    ground.run(
        "update facteur.budgets set hold_until = 'infinity', hold_by = 'me', hold_why = 'x' where key = 'account:default'"
    )


def statuses_that_cannot_be_stored(ground: Ground) -> None:
    deposited(ground)
    ground.run("alter table facteur.status_events add constraint broken check (submission_id <> 1) not valid")
    ground.run("alter table facteur.submissions add constraint odd check (id <> 1 or swept_code is null) not valid")


def kind_that_came_up(ground: Ground) -> None:
    shown = shown_by_view(ground)
    ground.run(
        f"create or replace view facteur.invoice_source as select s.*, 'proforma'::text as other_kind from ({shown}) s"
    )
    ready(ground)


def rows_left_out(ground: Ground) -> None:
    """The view shows no more what somebody goes on writing."""
    ground.run(
        f"create or replace view facteur.invoice_source as select * from ({shown_by_view(ground)}) s where total <> 13"
    )
    for rank in range(25):
        ground.world.add(rank, total=13)


def shown_by_view(ground: Ground) -> str:
    return (
        str(ground.world.database.row("select pg_get_viewdef('facteur.invoice_source'::regclass) as text").text)
        .rstrip()
        .rstrip(";")
    )


def dead_letter(ground: Ground) -> None:
    """The worker crashes on a message as often as the queue allows."""
    sqs = boto3.client("sqs")
    ground.dead_letters_url = sqs.create_queue(QueueName=f"{ground.world.prefix}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=ground.dead_letters_url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "5"})
    sqs.set_queue_attributes(QueueUrl=ground.world.queue_url, Attributes={"RedrivePolicy": policy})
    crashing_worker(ground)


RELAY, SUBMIT, POLL = frozenset({"relay"}), frozenset({"submit"}), frozenset({"poll"})
FAILURES: tuple[Failure, ...] = (
    Failure("S3 refuses (AccessDenied)", refused_store("AccessDenied", 403), "StoreRefused", 25, "1 waits for documents: AccessDenied", "store_refused", slow=False),
    Failure("the key of the documents is disabled (KMS)", refused_store("KMS.DisabledException", 400), "StoreRefused", 25, "1 waits for documents: KMS", "store_refused"),
    Failure("the role's credentials ran out (ExpiredToken)", refused_store("ExpiredToken", 400), "StoreRefused", 25, "1 waits for documents: ExpiredToken", "store_refused"),
    Failure("documents were archived (InvalidObjectState)", refused_store("InvalidObjectState", 403), "StoreRefused", 25, "1 waits for documents: InvalidObjectState", "store_refused"),
    Failure("S3 asks to slow down", refused_store("SlowDown", 503), "StoreRefused", 25, "1 waits for documents: SlowDown", "store_refused"),
    Failure("the bucket does not exist", refused_store("NoSuchBucket", 404), "StoreRefused", 25, "1 waits for documents: NoSuchBucket", "store_refused"),
    Failure("one document is not there (NoSuchKey)", refused_store("NoSuchKey", 404), "FailedInvoices", 25, "1 invoice failed", None),
    Failure("deposits are off and were forgotten", ready, "DepositsOff", 70, "1 waits for deposits to be enabled", "deposits_off", settings={"DEPOSITS_ENABLED": "false"}),
    Failure("an account was paused by a person and forgotten", paused, "AccountPaused", 70, "paused by me", "account_paused"),
    Failure("an account's own limit is too low", low_limit, "AccountLimit", 25, "wait for the account's limit of 1 a minute", "account_limit"),
    Failure("the platform answers 429 to everything", busy_platform, "RequestLimit", 25, "waits for the limit of", "request_limit"),
    Failure("a customer_id is wrong (403)", refused_account, "AccountRefused", 10, "account_refused", "account_refused", slow=False),
    Failure("an account's secret is malformed", lost_secret, "AccountRefused", 10, "secret_", "account_refused"),
    Failure("the platform answers 503 to everything", silent_platform, "BreakerOpen", 20, "does not answer", "platform_down"),
    Failure("the queue's mapping is disabled, submit throttled to 0", unread_queue, "Queued", 25, "1 waits on the queue", "queued", SUBMIT, slow=False),
    Failure("submit crashes on every message", crashing_worker, "Queued", 25, "submit_invoices raised ConfigurationError", "queued"),
    Failure("the queue is gone, SendMessage is denied", queue_gone, "Relay", 20, "1 waits for the relay", "relay"),
    Failure("the relay's schedule is off, or the relay is throttled", both_ran, "RelaySilent", 10, "relay_submissions has not run", "relay", RELAY, slow=False),
    Failure("the poll's schedule is off", both_ran, "PollerSilent", 10, "poll_statuses has not run", None, POLL),
    Failure("the database's secret is denied or malformed", no_database, "RelaySilent", 10, "relay_submissions has not run", None),
    Failure("the database is a copy: every relay run raises", pinned_elsewhere, "RelaySilent", 10, "relay_submissions raised EnvironmentMismatchError", None, slow=False),
    Failure("a row cannot be read: the view raises", broken_view, "UnreadableRows", 20, "that the mapping could not read", "unreadable"),
    Failure("a row cannot be read any more once its invoice was opened", view_breaks_later, "UnreadableRows", 20, "that facteur.invoice_source cannot show", "unreadable"),
    Failure("a refused account's probe meets another error", probe_that_fails, "AccountRefused", 10, "which is refused", "account_refused"),
    Failure("a row cannot be written: a constraint or trigger raises", raising_trigger, "WriteBacks", 30, "could not be written back", "not_written_back"),
    Failure("a trigger of the company's swallows the write-back", swallowing_trigger, "WriteBacks", 30, "could not be written back", "not_written_back"),
    Failure("one document is refused, others of its store are read", one_bad_key, "PutOff", 75, "is tried again", "put_off", meanwhile=another_in_store),
    Failure("a document can never be sent", unusable_document, "FailedInvoices", 10, "1 invoice failed", None),
    Failure("a deposited row asks for another invoice", mismatch, "FailedInvoices", 5, "shows an error though something was deposited", None),
    Failure("look-ups of a doubt fail", doubt_that_stays, "OldestDoubt", 75, "in doubt for", "in_doubt"),
    Failure("an invoice was issued ten days ago and waits", old_invoice, "LegalDeadline", 5, "issued 11 days ago is not deposited", "request_limit"),
    Failure("finished invoices get no document", without_document, "NotReady", 20, "1 finished invoice lacks something", "not_ready", slow=False),
    Failure("a rejected invoice was corrected and gets no document", corrected_without_document, "NotReady", 24 * 60 + 20, "1 finished invoice lacks something", "not_ready", head_start=2 * DAY),
    Failure("a finished invoice has no day of issue", without_date, "NotReady", 20, "1 finished invoice lacks something", "not_ready", head_start=2 * DAY),
    Failure("a trigger of ours was disabled or dropped", dropped_trigger, "InstallationFaults", 10, "trigger", None),
    Failure("the invoice table was renamed", renamed_table, "InstallationFaults", 10, "invoicing.invoices", None),
    Failure("rows were written past the triggers", dropped_trigger, "ForgottenInvoices", 10, "written past the triggers", None, head_start=DAY),
    Failure("a fifth of an hour's invoices is rejected", many_rejections, "RejectionRate", 10, "of the last hour's invoices were rejected", None),
    Failure("a deposit is never heard of", never_heard_of, "OldestSilent", 15, "shown no status for", "silent", head_start=DAY),
    Failure("a deposit is stuck at 201: no platform receives for its buyer", not_transmitted, "NotTransmitted", 15, "shows nothing but 200 for three days", "not_transmitted", head_start=3 * DAY),
    Failure("an account was repinned to another client, and the former one's deposits are open", former_client, "NotFollowed", 90, "1 deposit of a former client is not followed", "not_followed"),
    Failure("a verdict is in the search and its history answers 500", unread_history, "OldestUnread", 20, "cannot be read for", "unread", head_start=5.5 * HOUR),
    Failure("the search shows none of our deposits", blind_search, "DepositsNotShown", 60, "shows none of its deposits", None, head_start=2 * HOUR),
    Failure("a pull's page is full of what nobody can acknowledge", full_page, "DepositsNotShown", 60, "hides unseen statuses", None, settings={"STATUS_SOURCE": "pull"}),
    Failure("a webhook takes the statuses of a pull", webhook, "DepositsNotShown", 240, "hides unseen statuses", None, head_start=DAY, settings={"STATUS_SOURCE": "pull"}),
    Failure("a feed of events is not answered", failing_feed, "DepositsNotShown", 90, "the feed has failed for an hour", None),
    Failure("the platform refused a deposit and reports of it what only a buyer says", contradiction, "FailedInvoices", 10, "shows an error though something was deposited", None),
    Failure("a sequence is behind its table, after a failover to a copy", late_sequence, "InstallationFaults", 10, "sequence", None),
    Failure("histories are answered 403", unread_history_403, "AccountRefused", 20, "paused until", None, settings={"STATUS_SOURCE": "history"}),
    Failure("a verdict is in the search and its history stays empty", empty_history, "OldestUnread", 20, "cannot be read for", "unread", head_start=5.5 * HOUR),
    Failure("the search shows a state that refuses, and no status", refused_state, "FailedInvoices", 90, "shows an error though something was deposited", None),
    Failure("write_status raises: the company's own history takes no entry", raising_history, "WriteBacks", 35, "could not be written back", "not_written_back"),
    Failure("the view was dropped", dropped_view, "InstallationFaults", 10, "facteur.invoice_source", None),
    Failure("triggers were switched off and on again (ORIGIN)", triggers_of_origin, "InstallationFaults", 10, "writers that switch triggers off", None),
    Failure("the key's column was swapped for another", swapped_columns, "InstallationFaults", 10, "id", None),
    Failure("the server's certificate cannot be checked", no_tls, "RelaySilent", 10, "relay_submissions has not run", None),
    Failure("every poll run raises", raising_poll, "PollerSilent", 10, "poll_statuses raised ConfigurationError", None),
    Failure("an account is paused, and nothing waits but deposits that are followed", paused_beside_deposits, "OldestOverdue", 40, "overdue for", None),
    Failure("the statuses of a deposit cannot be stored", statuses_that_cannot_be_stored, "StatusesPutOff", 180, "could not be read or stored", None),
    Failure("a kind of document came up that nobody has named", kind_that_came_up, "UnnamedKinds", 10, "kind of finished documents", None, head_start=DAY),
    Failure("the view leaves out rows that are written", rows_left_out, "KeysNotShown", 10, "that facteur.invoice_source does not show", None),
    Failure("a message crashes the worker each time", dead_letter, "DeadLetters", 50, "dead letter", None),
)  # fmt: skip


def as_markdown() -> str:
    """The table of docs/outages.md."""
    lines = ["| Failure | `facteur.waiting` | Metric | Alarm, runbook | After |", "|---|---|---|---|---|"]
    for each in FAILURES:
        reason = f"`{each.reason}`" if each.reason else "–"
        lines.append(f"| {each.what} | {reason} | `{each.metric}` | [{each.alarm}]({each.section}) | {each.after} |")
    return "\n".join(lines)
