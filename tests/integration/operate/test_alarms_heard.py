"""A trouble, from its cause to the alarm that it rings: real runs, the metrics they counted, and the template's alarms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from local.invoices import sample_invoice
from local.sam import load_template
from local.world.alarm_clock import Period, rings
from local.world.levers import World
from tests.measured import measured

ALARMS = {
    name.removesuffix("Alarm"): each["Properties"]
    for name, each in load_template()["Resources"].items()
    if each["Type"] == "AWS::CloudWatch::Alarm"
}
TODAY = datetime.now(UTC).date()
RAISING = """
create or replace view facteur.invoice_source as
select id as invoice_id, status = 'final' and technical_status = 'pending' as ready, document_uri, null::text as file_name,
       invoice_number, seller_siren, issue_date, 1 / (total - 13) as total, currency, technical_status, 'default' as account, submission_id,
       false as finished
from invoicing.invoices
"""
OF_A_KIND = """
drop view facteur.invoice_source;
create view facteur.invoice_source as
select id as invoice_id, false as ready, document_uri, null::text as file_name, invoice_number, seller_siren, issue_date, total, currency,
       technical_status, 'default' as account, submission_id, 'proforma' as other_kind
from invoicing.invoices;
grant select on facteur.invoice_source to public
"""
Trouble = Callable[[World], None]


def heard(period: Period) -> set[str]:
    """The alarms that ring while every period looks like this one."""
    return {name for name, alarm in ALARMS.items() if rings(alarm, *[period] * alarm["EvaluationPeriods"])}


def nothing(world: World) -> None:
    world.add(1, issue_date=TODAY)
    world.deposit()


def a_refused_secret(world: World) -> None:
    world.put_secret("default", {"client_id": "x"})
    world.add(1, issue_date=TODAY)
    world.deposit()


def an_unusable_document(world: World) -> None:
    world.add(1, content=b"not an invoice", issue_date=TODAY)
    world.deposit()


def an_old_invoice_that_waits(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["429"])
    world.add(1, issue_date=TODAY - timedelta(days=11))
    world.deposit()


def a_silent_platform(world: World) -> None:
    for rank in range(5):
        world.simulator.script(sample_invoice(rank).number, ["503"])
        world.add(rank, issue_date=TODAY)
    world.deposit()


def a_doubt_that_stays(world: World) -> None:
    world.simulator.script(sample_invoice(1).number, ["lost_answer"])
    world.add(1, issue_date=TODAY)
    world.deposit()
    world.simulator.outage(100_000, "400", ["search"])
    for _ in range(8):
        world.advance(600)
        world.deposit()


def a_stubborn_row(world: World) -> None:
    world.add(1, issue_date=TODAY)
    world.database.rows(
        "alter table invoicing.invoices add constraint stubborn check (technical_status <> 'validated')"
    )
    world.deposit()
    world.advance(1000)
    world.poll()


def a_trigger_that_was_disabled(world: World) -> None:
    world.database.rows("alter table invoicing.invoices disable trigger all")
    world.add(1, issue_date=TODAY)


def a_kind_that_came_later(world: World) -> None:
    world.database.rows(OF_A_KIND)
    world.add(1, issue_date=TODAY)


def an_unreadable_row(world: World) -> None:
    world.database.rows(RAISING)
    world.add(1, issue_date=TODAY, total=13)
    world.relay()


def many_rejections(world: World) -> None:
    for rank in range(20):
        world.simulator.script(sample_invoice(rank).number, ["400"])
        world.add(rank, issue_date=TODAY)
    world.deposit()
    world.submit()


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (nothing, set()), (a_refused_secret, {"AccountRefused"}), (an_unusable_document, {"FailedInvoices"}),
        (an_old_invoice_that_waits, {"LegalDeadline"}), (a_silent_platform, {"BreakerOpen"}), (a_doubt_that_stays, {"OldestDoubt"}),
        (a_stubborn_row, {"WriteBacks"}), (a_trigger_that_was_disabled, {"ForgottenInvoices", "InstallationFaults"}),
        (a_kind_that_came_later, {"UnnamedKinds"}), (an_unreadable_row, {"UnreadableRows"}), (many_rejections, {"RejectionRate"}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)  # fmt: skip
def test_a_trouble_rings_its_alarm_and_no_other(
    world: World, capsys: pytest.CaptureFixture[str], trouble: Trouble, expected: set[str]
) -> None:
    trouble(world)
    before = measured(capsys.readouterr().out)
    world.poll()
    world.relay()

    period = before | {
        name: before.get(name, []) + values for name, values in measured(capsys.readouterr().out).items()
    }

    assert heard(period) == expected
