"""How the demo went: every invoice against its ending, and every deposit against the platform's own ledger. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from local.demo.application import Sight
from local.demo.cases import ANY_STATUS, Case


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left to say at the end; `complaints` is empty when everything went as it must."""

    invoices: int
    as_expected: int
    deposits: int
    sent_twice: int
    lost: int
    complaints: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not self.complaints


def is_reached(case: Case, sight: Sight) -> bool:
    """Whether the invoice shows its ending."""
    wanted = case.ending
    if sight.technical_status != wanted.technical_status:
        return False
    if wanted.lifecycle_code == ANY_STATUS:
        return sight.lifecycle_code is not None
    return sight.lifecycle_code == wanted.lifecycle_code


def is_over(case: Case, sight: Sight) -> bool:
    """Whether waiting longer for this invoice is of no use."""
    return is_reached(case, sight) or sight.settled


def judge(cases: Mapping[int, Case], sights: Mapping[int, Sight], deposited: Sequence[tuple[str, str]]) -> Outcome:
    """Compare endings with sights, and their deposits with each document `deposited`: with whose account, and its SHA-256."""
    copies = Counter(deposited)
    surplus: list[str] = []
    missing: list[str] = []
    wrong: list[str] = []
    for key, case in cases.items():
        count = copies[_copy(case)]
        if count > case.ending.deposits:
            surplus.append(f"{case.number}: the platform has it {count} times instead of {case.ending.deposits}")
        if count < case.ending.deposits:
            missing.append(f"{case.number}: the platform does not have it")
        if not is_reached(case, sights[key]):
            wrong.append(f"{case.number}: {_shown(sights[key])} instead of {_wanted(case)}")
    strangers = len(deposited) - sum(copies[_copy(case)] for case in cases.values())
    if strangers:
        surplus.append(f"the platform has {strangers} documents that are none of ours")
    complaints = (*wrong, *surplus, *missing)
    return Outcome(len(cases), len(cases) - len(wrong), len(deposited), len(surplus), len(missing), complaints)


def _copy(case: Case) -> tuple[str, str]:
    return case.account, sha256(case.document).hexdigest()


def _shown(sight: Sight) -> str:
    words = f"{sight.technical_status}, life cycle {sight.lifecycle_code}"
    return f"{words} ({sight.reason})" if sight.reason else words


def _wanted(case: Case) -> str:
    return f"{case.ending.technical_status}, life cycle {case.ending.lifecycle_code}"
