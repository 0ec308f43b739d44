"""When each alarm rings and when it does not."""

from __future__ import annotations

import pytest

from local.sam import load_template
from local.world.alarm_clock import Period, rings

RESOURCES = load_template()["Resources"]
NOTHING: Period = {}


def said(metric: str, *values: float) -> Period:
    return {metric: values}


OVERDUE, DOUBT, RUNS, REFUSED = "OldestOverdueSeconds", "OldestDoubtSeconds", "PollRuns", "AccountRefused"
LETTERS = "ApproximateNumberOfMessagesVisible"
WAITING = [  # alarm, reason, the seconds that are not yet too many
    ("StoreRefused", "store_refused", 900),
    ("DepositsOff", "deposits_off", 3600),
    ("AccountPaused", "account_paused", 3600),
    ("AccountLimit", "account_limit", 900),
    ("RequestLimit", "request_limit", 900),
    ("Queued", "queued", 900),
    ("Relay", "relay", 600),
    ("PutOff", "put_off", 3600),
    ("NotReady", "not_ready", 172_800),
    ("NotTransmitted", "not_transmitted", 259_200),
    ("NotFollowed", "not_followed", 900),
]
CASES: list[tuple[str, bool, list[Period]]] = [
    ("OldestOverdue", True, [said(OVERDUE, 800, 901), said(OVERDUE, 950)]),
    ("OldestOverdue", False, [said(OVERDUE, 950), said(OVERDUE, 0)]),
    ("OldestOverdue", False, [NOTHING, NOTHING]),  # that is the relay's alarm
    ("OldestDoubt", True, [said(DOUBT, 3601), said(DOUBT, 3900)]),
    ("OldestDoubt", False, [said(DOUBT, 3300), said(DOUBT, 3600)]),  # looked up for an hour, then sent again
    ("FailedInvoices", True, [said("FailedInvoices", 0, 1)]),
    ("FailedInvoices", False, [said("FailedInvoices", 0, 0)]),
    ("LegalDeadline", True, [said("OldestUndepositedDays", 10)]),
    ("LegalDeadline", False, [said("OldestUndepositedDays", 9)]),
    ("AccountRefused", True, [said(REFUSED, 1), NOTHING, NOTHING]),  # refused again after its pause of five minutes
    ("AccountRefused", False, [said(REFUSED, 1), NOTHING, NOTHING, NOTHING]),
    ("BreakerOpen", True, [said("BreakersOpen", 1), said("BreakersOpen", 2), NOTHING, said("BreakersOpen", 1), said("BreakersOpen", 1)]),
    ("BreakerOpen", False, [said("BreakersOpen", 1)] * 3 + [said("BreakersOpen", 0)] * 2),
    ("RelaySilent", True, [NOTHING, NOTHING]),
    ("RelaySilent", False, [NOTHING, said(OVERDUE, 0)]),
    ("PollerSilent", True, [NOTHING, NOTHING]),
    ("PollerSilent", False, [said(RUNS, 1), NOTHING]),
    ("ForgottenInvoices", True, [said("ForgottenInvoices", 3), *[NOTHING] * 23]),  # all day, until it is looked at again
    ("ForgottenInvoices", False, [said("ForgottenInvoices", 0), *[NOTHING] * 23]),
    ("UnnamedKinds", True, [said("UnnamedKinds", 1), *[NOTHING] * 23]),
    ("UnnamedKinds", False, [said("UnnamedKinds", 0), *[NOTHING] * 23]),
    ("UnreadableRows", True, [said("UnreadableRows", 1), NOTHING, said("UnreadableRows", 1), said("UnreadableRows", 2)]),
    ("UnreadableRows", False, [said("UnreadableRows", 5), NOTHING, NOTHING, said("UnreadableRows", 1)]),
    ("WriteBacks", True, [said("OldestUnwrittenSeconds", 901), said("OldestUnwrittenSeconds", 1200)]),
    ("WriteBacks", False, [said("OldestUnwrittenSeconds", 0, 5), said("OldestUnwrittenSeconds", 901)]),
    *((alarm, True, [said(f"OldestWaitingSeconds/{reason}", seconds + 1)] * 2) for alarm, reason, seconds in WAITING),
    *((alarm, False, [said(f"OldestWaitingSeconds/{reason}", seconds)] * 2) for alarm, reason, seconds in WAITING),
    ("StoreRefused", False, [said("OldestWaitingSeconds/queued", 5000), said("OldestWaitingSeconds", 5000)]),
    ("InstallationFaults", True, [said("InstallationFaults", 0, 1), said("InstallationFaults", 2)]),
    ("InstallationFaults", False, [said("InstallationFaults", 1), said("InstallationFaults", 0)]),
    ("KeysNotShown", True, [said("KeysNotShown", 15, 6)]),
    ("KeysNotShown", False, [said("KeysNotShown", 10, 10)]),
    ("RejectionRate", True, [{"Deposits": [10, 5], "Rejections": [5]}]),
    ("RejectionRate", False, [{"Deposits": [16], "Rejections": [4]}]),  # twenty percent are not more than twenty
    ("RejectionRate", False, [{"Deposits": [9], "Rejections": [10]}]),  # nineteen are too few to say anything
    ("RejectionRate", True, [{"Rejections": [20]}]),
    ("RejectionRate", False, [{"Deposits": [500]}]),
    ("RejectionRate", False, [NOTHING]),
    ("OldestSilent", True, [said("OldestSilentSeconds", 86460), said("OldestSilentSeconds", 90000)]),
    ("OldestSilent", False, [said("OldestSilentSeconds", 86400), said("OldestSilentSeconds", 0)]),
    ("OldestUnread", True, [said("OldestUnreadSeconds", 21601), said("OldestUnreadSeconds", 21900)]),
    ("OldestUnread", False, [said("OldestUnreadSeconds", 21600), said("OldestUnreadSeconds", 21600)]),
    ("DepositsNotShown", True, [said("DepositsNotShown", 1)] * 3),
    ("DepositsNotShown", False, [said("DepositsNotShown", 1), said("DepositsNotShown", 0), said("DepositsNotShown", 1)]),
    ("StatusesPutOff", True, [said("StatusesPutOff", 1, 1)] * 4),
    ("StatusesPutOff", False, [said("StatusesPutOff", 100), NOTHING, said("StatusesPutOff", 1), said("StatusesPutOff", 1)]),
    ("DeadLetters", True, [said(LETTERS, 0, 1)]),
    ("DeadLetters", False, [said(LETTERS, 0)]),
]  # fmt: skip


@pytest.mark.parametrize(("alarm", "expected", "periods"), CASES)
def test_an_alarm_rings_when_it_should(alarm: str, expected: bool, periods: list[Period]) -> None:
    assert rings(RESOURCES[f"{alarm}Alarm"]["Properties"], *periods) is expected


def test_every_alarm_is_heard_and_silent_in_some_case() -> None:
    alarms = {
        name.removesuffix("Alarm") for name, each in RESOURCES.items() if each["Type"] == "AWS::CloudWatch::Alarm"
    }

    assert {(name, expected) for name, expected, _ in CASES} == {
        (name, rung) for name in alarms for rung in (True, False)
    }
