"""What an adversary found about a deploy that changes nothing, while invoices wait."""

from __future__ import annotations

import pytest

from facteur.install.migrate import migrate
from tests.operator import Operator
from tests.rows import Rows

FIRST_DAY = "2026-09-01"
SIGNED = ("--why", "July was never sent", "--who", "jane@desk", "--yes")


@pytest.fixture
def deployed(rows: Rows) -> Rows:
    """An installation whose first day a deploy named."""
    migrate(rows.database, submit_from=FIRST_DAY)
    return rows


def test_a_deploy_that_names_the_same_first_day_takes_no_backlog_back(deployed: Rows, owner: Operator) -> None:
    old = deployed.finish()
    deployed.update(old, issue_date="2026-07-01", technical_status=None)
    assert owner.run("submit-backlog", "--since", "2026-07-01", "--apply", *SIGNED).code == 0
    deployed.look()
    assert deployed.states(old) == ["pending"]

    migrate(deployed.database, submit_from=FIRST_DAY)

    waiting = deployed.queued(old)
    assert waiting.invoice is not None
    assert waiting.invoice.ready


def test_a_deploy_that_names_another_first_day_sets_it(deployed: Rows) -> None:
    migrate(deployed.database, submit_from="2026-10-01")

    assert str(deployed.value("select submit_from from facteur.installation")) == "2026-10-01"
