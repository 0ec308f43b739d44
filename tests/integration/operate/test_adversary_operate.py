"""What an adversary found about the acts of a person, about restores, and about documents that hide their number."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from facteur import container
from facteur.domain.decide_deposit import after_answer
from facteur.domain.decision import Outcome
from facteur.domain.submission import Accepted, Claim, Intent, State, Waiting
from local.invoices import render, sample_invoice
from local.world.levers import World
from tests.installations import install
from tests.model.bench import LIMITS
from tests.operator import Operator
from tests.rows import Rows
from tests.two_accounts import SECOND

LEASE = 160
LEASE_OVER = 61
SIGNED = ("--why", "restored", "--who", "jane@desk", "--yes")
FORGET = """
truncate facteur.attempts, facteur.status_events, facteur.submissions;
update invoicing.invoices set technical_status = 'pending', submission_id = null
"""


def stored(world: World) -> list[str]:
    return [deposit["account"] for deposit in world.simulator.ledger()]


def test_a_token_of_the_old_client_does_not_outlive_a_repin(two: World, operator: Operator) -> None:
    two.add(1)
    two.deposit()
    other = SECOND | {"client_id": "other@facteur.example", "customer_id": two.simulator.customer_id}
    two.simulator.add_account(**other)
    two.put_secret("default", other)
    container.secrets().read(f"{two.prefix}/default", fresh=True)  # its time was over
    assert operator.run("repin", "default", *SIGNED).code == 0
    two.simulator.script(sample_invoice(2).number, ["lost_answer"])
    two.add(2)
    for _ in range(14):
        two.deposit()
        two.advance(LEASE)

    assert len(two.deposits(2)) == 1
    assert two.attempts(2)[0].platform["client"] != two.attempts(1)[0].platform["client"]
    assert stored(two) == [two.simulator.client_id, other["client_id"]]


@pytest.mark.parametrize("encoding", ["Shift_JIS", "GB18030", "UTF-32"])
def test_an_encoding_that_cannot_be_read_here_hides_no_other_number(world: World, encoding: str) -> None:
    other = render(sample_invoice(1), "cii").decode().replace("UTF-8", encoding).encode(encoding, "xmlcharrefreplace")
    world.add(1, number="F-OTHER", content=other)
    world.deposit()

    assert world.simulator.calls("deposit") == []
    assert world.row(1).technical_status == "error"


def test_an_xml_that_mentions_pdf_is_no_pdf(world: World) -> None:
    xml = render(sample_invoice(1), "cii")
    world.add(1, number="F-OTHER", content=xml.replace(b"?>", b"?><!-- %PDF-1.7 -->", 1))
    world.deposit()

    assert world.simulator.calls("deposit") == []
    assert world.submission(1).last_error_code == "number_differs"


def test_a_number_that_differs_by_a_space_is_never_sent_twice(world: World) -> None:
    number = sample_invoice(1).number
    world.simulator.script(number, ["lost_answer"])
    world.add(1, number=number[:3] + " " + number[3:])
    for _ in range(14):
        world.deposit()
        world.advance(LEASE)

    assert len(world.simulator.calls("deposit")) <= 1


def test_what_was_deposited_before_a_route_is_adopted_after_a_restore(two: World, operator: Operator) -> None:
    two.add(1)
    two.deposit()
    (deposit,) = two.deposits(1)
    two.database.rows(FORGET)
    assert operator.run("pause", "default", *SIGNED).code == 0
    two.database.rows(
        "insert into facteur.routes (account, since, credentials) values ('default', facteur.now(), 'second')"
    )
    two.database.rows("insert into facteur.budgets (key) values ('account:second') on conflict do nothing")
    assert operator.run("pause", "second", *SIGNED).code == 0
    two.advance(700)
    two.deposit()

    day = two.database.row(
        "select ((facteur.now() - interval '700 s') at time zone 'Europe/Paris')::date::text as day"
    ).day
    (unknown,) = [d for d in operator.ask("reconcile", "--day", day)["differences"] if d["code"] == "UNKNOWN_TO_US"]
    said = operator.run(*shlex.split(unknown["help"])[1:-2], *SIGNED)

    assert said.code == 0, said.err
    assert two.submission(1).account == "default"
    assert (two.row(1).technical_status, two.row(1).submission_id) == ("validated", deposit["id"])


@pytest.mark.parametrize("state", ["rejected", "failed"])
def test_a_second_try_that_a_restore_forgot_is_adopted_by_the_reports_command(
    world: World, operator: Operator, state: str
) -> None:
    world.simulator.script(sample_invoice(1).number, ["400"])
    world.add(1)
    world.deposit()
    world.database.rows("create table public.kept as select * from facteur.submissions")
    world.update(1, technical_status="pending")
    world.deposit()
    assert operator.run("pause", "default", *SIGNED).code == 0
    world.database.rows("delete from facteur.submissions where id not in (select id from public.kept)")
    world.database.rows("delete from facteur.status_events; delete from facteur.attempts where outcome = 'accepted'")
    world.database.rows("update facteur.submissions set state = %(state)s", {"state": state})
    world.update(1, technical_status=facteur_word(state), submission_id=None)
    world.deposit()
    world.advance(700)

    day = world.database.row(
        "select ((facteur.now() - interval '700 s') at time zone 'Europe/Paris')::date::text as day"
    ).day
    (unknown,) = [d for d in operator.ask("reconcile", "--day", day)["differences"] if d["code"] == "UNKNOWN_TO_US"]
    said = operator.run(*shlex.split(unknown["help"])[1:-2], *SIGNED)

    assert said.code == 0, said.err
    assert world.row(1).technical_status == "validated"


def facteur_word(state: str) -> str:
    return {"failed": "error"}.get(state, state)


def test_an_answer_that_outlives_a_failover_is_never_taken_for_another_invoices(rows: Rows) -> None:
    first = rows.noted()
    under_way = rows.claim(first)
    waiting = rows.submission(first)
    rows.run(
        "truncate facteur.attempts, facteur.submissions, facteur.status_events restart identity"
    )  # the replica never had it
    second = rows.noted()
    claim = rows.claim(second)
    assert (claim.submission_id, claim.attempt_id) == (under_way.submission_id, under_way.attempt_id)

    late(rows, waiting, under_way, "P-FIRST")
    rows.record(second, claim, "submitted", "accepted", platform_id="P-SECOND")
    rows.update(first, total=121)
    rows.look()

    assert rows.submission(second).platform_id == "P-SECOND"
    assert rows.states(first) == ["in_doubt"]  # never a blind deposit: what was answered is adopted


def test_a_batch_that_was_read_before_a_failover_is_not_sent_for_another_invoice(rows: Rows) -> None:
    first = rows.noted()
    read = rows.queued(first)
    rows.run("truncate facteur.attempts, facteur.submissions, facteur.status_events restart identity")
    second = rows.noted()
    rows.run("select facteur.mark_queued(array[%(id)s]::bigint[])", id=rows.submission(second).id)
    assert rows.submission(second).id == read.submission_id

    assert rows.submissions.claim([Intent(read, "ab" * 32, {"client": "c"})]) == []
    assert rows.states(second) == ["pending"]


def test_a_backlog_leaves_alone_what_another_connector_deposited(rows: Rows, owner: Operator) -> None:
    rows.run("update facteur.installation set submit_from = '2026-09-01'")
    deposited, old = rows.finish(), rows.finish()
    rows.update(deposited, issue_date="2026-07-01", technical_status=None, submission_id="0199-other")
    rows.update(old, issue_date="2026-07-01", technical_status=None)

    said = owner.run("submit-backlog", "--since", "2026-07-01", "--apply", *SIGNED)
    rows.look()

    assert said.code == 0, said.err
    assert rows.noted_invoices() == [old]
    assert rows.invoice(deposited).submission_id == "0199-other"


def test_two_people_do_not_adopt_one_deposit_for_two_invoices_of_two_accounts(rows: Rows, operator: Operator) -> None:
    first, second = rows.noted(), rows.noted()
    rows.run("insert into facteur.budgets (key) values ('account:second')")
    person = rows.session()
    person.rows("begin")
    found, signed = '{"platform_id": "P-1"}', '{"operation": "adopt", "who": "x", "why": "y"}'
    given = {"id": rows.submission(first).id, "found": found, "act": signed}
    person.rows("select facteur.adopt(%(id)s, %(found)s, %(act)s)", given)

    adopting = ("adopt", f"id:{second}", "P-1", "--account", "second", "--unverified", *SIGNED)
    with rows.in_background(lambda: operator.run(*adopting)) as other:
        rows.wait_for_blocked()
        person.rows("commit")

    assert "is another invoice's" in other.result().err
    assert rows.states(second) == ["pending"]


def late(rows: Rows, submission: Any, claim: Any, platform_id: str) -> None:
    """The worker's own way to record."""
    decision = after_answer(Accepted(platform_id, 201, ""), LIMITS)
    row = Waiting(submission.id, State.PENDING, "default", submission.invoice_id, 0, 0.0, 0.0, (), None)
    rows.submissions.record(
        [Outcome(row, Claim(claim.submission_id, str(claim.lease_token), claim.attempt_id), decision)]
    )


def test_an_adopted_deposit_does_not_validate_a_row_whose_number_was_changed_since(
    rows: Rows, operator: Operator
) -> None:
    invoice = rows.noted()
    rows.reach(invoice, "failed")
    rows.update(invoice, invoice_number="F-OTHER")
    rows.look()

    assert operator.run("adopt", f"id:{invoice}", "P-1", "--unverified", *SIGNED).code == 0
    rows.look()
    rows.write_back()

    assert rows.invoice(invoice).technical_status == "error"


def test_a_late_201_of_a_failure_does_not_validate_a_row_whose_number_was_changed_since(rows: Rows) -> None:
    invoice = rows.noted()
    claim = rows.claim(invoice)
    rows.advance(LEASE_OVER)
    rows.relay.end_expired_leases()
    rows.record(invoice, rows.claim(invoice), "failed", error_code="conflict", error_message="differs")
    rows.update(invoice, invoice_number="F-OTHER")
    rows.look()

    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-1")
    rows.look()
    rows.write_back()

    assert rows.invoice(invoice).technical_status == "error"


def test_an_account_that_only_rows_know_may_be_paused_before_its_first_invoice(two: World, operator: Operator) -> None:
    two.database.rows("alter table invoicing.invoices add column if not exists account text")
    two.add(1)
    two.database.rows("update invoicing.invoices set account = 'second'")

    said = operator.run("pause", "second", *SIGNED)
    two.deposit()

    assert said.code == 0, said.err
    assert two.simulator.calls("deposit") == []


def test_another_id_that_the_platform_answers_with_late_is_known_all_the_same(rows: Rows, operator: Operator) -> None:
    invoice = rows.noted()
    claim = rows.claim(invoice)
    rows.advance(LEASE_OVER)
    rows.relay.end_expired_leases()
    assert operator.run("adopt", f"id:{invoice}", "P-1", "--unverified", *SIGNED).code == 0

    rows.record(invoice, claim, "submitted", "accepted", platform_id="P-2")

    assert [row.platform_id for row in rows.run("select platform_id from facteur.attempts order by id")] == [
        "P-1",
        "P-2",
    ]
    assert rows.submission(invoice).platform_id == "P-1"


TABLE = """
create table public.factures (id bigint generated always as identity primary key, reference integer unique, numero text, siren text,
                              date_facture date, total_ttc numeric, document_url text, statut text);
insert into public.factures (reference, numero, siren, date_facture, total_ttc, document_url, statut)
values (7, 'F-1', '732829320', '2026-09-02', 120, 's3://b/1.xml', 'final')
"""
OPTIONS = (
    "--table", "public.factures", "--final", "final", "--column", "number=numero", "--column", "seller=siren",
    "--column", "date=date_facture", "--column", "document=document_url", "--column", "status=statut",
)  # fmt: skip


@pytest.fixture
def installed(bare: Rows) -> Rows:
    """A table without technical_status, whose only invoice is deposited."""
    bare.run(TABLE)
    install(bare, *OPTIONS)
    bare.run("select facteur.note_forgotten(true)")
    bare.look()
    bare.reach("1", "submitted")
    return bare


def test_another_key_of_the_same_table_does_not_make_every_deposit_new(installed: Rows) -> None:
    assert Operator(installed.url).run("uninstall", "--yes").code == 0

    said = Operator(installed.url).run("init", *OPTIONS, "--column", "key=reference")

    assert said.code == 2
    assert "known here by public.factures.id" in said.err
    install(installed, *OPTIONS)
    installed.run("select facteur.note_forgotten(true)")
    assert installed.look().opened == 0


def test_uninstalling_with_the_data_says_that_deposits_are_forgotten(installed: Rows) -> None:
    said = Operator(installed.url).run("uninstall", "--drop-data", "--dry-run")

    assert "1 submissions are forgotten" in said.out
    assert "also for a second time" in said.out
