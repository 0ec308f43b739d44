"""When each alarm rings and when it does not."""

from __future__ import annotations

import pytest

from local.alarm_clock import Period, rings
from local.sam import load_template

RESOURCES = load_template()["Resources"]
NOTHING: Period = {}


def told(metric: str, *values: float) -> Period:
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
    ("OldestOverdue", True, [told(OVERDUE, 800, 901), told(OVERDUE, 950)]),
    ("OldestOverdue", False, [told(OVERDUE, 950), told(OVERDUE, 0)]),
    ("OldestOverdue", False, [NOTHING, NOTHING]),  # that is the relay's alarm
    ("OldestDoubt", True, [told(DOUBT, 3601), told(DOUBT, 3900)]),
    ("OldestDoubt", False, [told(DOUBT, 3300), told(DOUBT, 3600)]),  # looked up for an hour, then sent again
    ("FailedInvoices", True, [told("FailedInvoices", 0, 1)]),
    ("FailedInvoices", False, [told("FailedInvoices", 0, 0)]),
    ("LegalDeadline", True, [told("OldestUndepositedDays", 10)]),
    ("LegalDeadline", False, [told("OldestUndepositedDays", 9)]),
    ("AccountRefused", True, [told(REFUSED, 1), NOTHING, NOTHING]),  # refused again after its pause of five minutes
    ("AccountRefused", False, [told(REFUSED, 1), NOTHING, NOTHING, NOTHING]),
    ("BreakerOpen", True, [told("BreakersOpen", 1), told("BreakersOpen", 2), NOTHING, told("BreakersOpen", 1), told("BreakersOpen", 1)]),
    ("BreakerOpen", False, [told("BreakersOpen", 1)] * 3 + [told("BreakersOpen", 0)] * 2),
    ("RelaySilent", True, [NOTHING, NOTHING]),
    ("RelaySilent", False, [NOTHING, told(OVERDUE, 0)]),
    ("PollerSilent", True, [NOTHING, NOTHING]),
    ("PollerSilent", False, [told(RUNS, 1), NOTHING]),
    ("ForgottenInvoices", True, [told("ForgottenInvoices", 3), *[NOTHING] * 23]),  # all day, until it is looked at again
    ("ForgottenInvoices", False, [told("ForgottenInvoices", 0), *[NOTHING] * 23]),
    ("UnnamedKinds", True, [told("UnnamedKinds", 1), *[NOTHING] * 23]),
    ("UnnamedKinds", False, [told("UnnamedKinds", 0), *[NOTHING] * 23]),
    ("UnreadableRows", True, [told("UnreadableRows", 1), NOTHING, told("UnreadableRows", 1), told("UnreadableRows", 2)]),
    ("UnreadableRows", False, [told("UnreadableRows", 5), NOTHING, NOTHING, told("UnreadableRows", 1)]),
    ("WriteBacks", True, [told("OldestUntoldSeconds", 901), told("OldestUntoldSeconds", 1200)]),
    ("WriteBacks", False, [told("OldestUntoldSeconds", 0, 5), told("OldestUntoldSeconds", 901)]),
    *((alarm, True, [told(f"OldestWaitingSeconds/{reason}", seconds + 1)] * 2) for alarm, reason, seconds in WAITING),
    *((alarm, False, [told(f"OldestWaitingSeconds/{reason}", seconds)] * 2) for alarm, reason, seconds in WAITING),
    ("StoreRefused", False, [told("OldestWaitingSeconds/queued", 5000), told("OldestWaitingSeconds", 5000)]),
    ("InstallationFaults", True, [told("InstallationFaults", 0, 1), told("InstallationFaults", 2)]),
    ("InstallationFaults", False, [told("InstallationFaults", 1), told("InstallationFaults", 0)]),
    ("KeysNotShown", True, [told("KeysNotShown", 15, 6)]),
    ("KeysNotShown", False, [told("KeysNotShown", 10, 10)]),
    ("RejectionRate", True, [{"Deposits": [10, 5], "Rejections": [5]}]),
    ("RejectionRate", False, [{"Deposits": [16], "Rejections": [4]}]),  # twenty percent are not more than twenty
    ("RejectionRate", False, [{"Deposits": [9], "Rejections": [10]}]),  # nineteen are too few to tell
    ("RejectionRate", True, [{"Rejections": [20]}]),
    ("RejectionRate", False, [{"Deposits": [500]}]),
    ("RejectionRate", False, [NOTHING]),
    ("OldestSilent", True, [told("OldestSilentSeconds", 86460), told("OldestSilentSeconds", 90000)]),
    ("OldestSilent", False, [told("OldestSilentSeconds", 86400), told("OldestSilentSeconds", 0)]),
    ("OldestUnread", True, [told("OldestUnreadSeconds", 21601), told("OldestUnreadSeconds", 21900)]),
    ("OldestUnread", False, [told("OldestUnreadSeconds", 21600), told("OldestUnreadSeconds", 21600)]),
    ("DepositsNotShown", True, [told("DepositsNotShown", 1)] * 3),
    ("DepositsNotShown", False, [told("DepositsNotShown", 1), told("DepositsNotShown", 0), told("DepositsNotShown", 1)]),
    ("StatusesPutOff", True, [told("StatusesPutOff", 1, 1)] * 4),
    ("StatusesPutOff", False, [told("StatusesPutOff", 100), NOTHING, told("StatusesPutOff", 1), told("StatusesPutOff", 1)]),
    ("DeadLetters", True, [told(LETTERS, 0, 1)]),
    ("DeadLetters", False, [told(LETTERS, 0)]),
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
