"""What is wrong, in the order in which to correct it. Nothing is changed; what is deep is rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass

from facteur.errors import FacteurError
from facteur.operate.doctor import database as checks_database
from facteur.operate.doctor import deployment as checks_deployment
from facteur.operate.doctor import platform as checks_platform
from facteur.operate.doctor import rights as checks_rights
from facteur.operate.doctor.diagnosis import Diagnosis, Finding, Outcome, Verdict, failed, skipped
from facteur.operate.doctor.examination import Examination
from facteur.operate.model.doctor import ExaminedAccount
from facteur.operate.services import OperateServices

STOPPED = frozenset({Outcome.FAILED, Outcome.SKIPPED})


@dataclass(frozen=True, slots=True)
class Check:
    """A question; it is not asked where one that it `needs` was not answered well."""

    name: str
    ask: Callable[[Examination], Verdict]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountCheck:
    """The same, about one account."""

    name: str
    ask: Callable[[Examination, ExaminedAccount], Verdict]
    needs: tuple[str, ...] = ()


FIRST = (
    Check("settings", checks_database.settings),
    Check("database", checks_database.database),
    Check("migrations", checks_database.migrations, ("database",)),
    Check("clock", checks_database.clock, ("migrations",)),
    Check("installation", checks_database.installation, ("migrations",)),
    Check("path", checks_rights.path, ("migrations",)),
    Check("rights of others", checks_rights.others, ("migrations",)),
    Check("mapping", checks_database.mapping, ("migrations",)),
    Check("kinds", checks_database.kinds, ("mapping",)),
    Check("keys", checks_database.keys, ("mapping",)),
    Check("ready rows", checks_database.ready_rows, ("mapping",)),
    Check("forgotten rows", checks_database.forgotten, ("mapping",)),
)
DEEP = (Check("write-backs", checks_database.write_backs, ("mapping",)),)
OF_AN_ACCOUNT = (
    AccountCheck("secret", checks_platform.secret),
    AccountCheck("environment", checks_platform.environment, ("secret",)),
    AccountCheck("token", checks_platform.token, ("environment",)),
    AccountCheck("access", checks_platform.access, ("token",)),
    AccountCheck("mode", checks_platform.mode, ("access",)),
    AccountCheck("sellers", checks_platform.sellers, ("access",)),
    AccountCheck("pause", checks_platform.pause),
)
LAST = (
    Check("queue", checks_deployment.queue),
    Check("schedules", checks_deployment.schedules),
    Check("messages", checks_deployment.messages),
    Check("alarms", checks_deployment.alarms),
    Check("last runs", checks_database.last_runs, ("migrations",)),
)


def doctor(services: OperateServices, *, deep: bool = False) -> Diagnosis:
    """Check everything that has to be right, and say of each failure what to do.

    Args:
        deep: write real rows as well, with each status, and roll back.
    """
    exam, outcomes = services.examination(), dict[str, Outcome]()
    findings = [_finding(check, exam, outcomes) for check in (*FIRST, *(DEEP if deep else ()))]
    findings += _of_accounts(exam, outcomes)
    findings += [_finding(check, exam, outcomes) for check in LAST]
    return Diagnosis(tuple(findings))


def _of_accounts(exam: Examination, outcomes: MutableMapping[str, Outcome]) -> Iterator[Finding]:
    reason = _why_no_account_can_be_asked(exam, outcomes)
    if reason:
        yield Finding("accounts", None, Outcome.SKIPPED, reason, None)
        return
    for account in exam.database.accounts():
        asked = dict[str, Outcome]()
        for check in OF_AN_ACCOUNT:
            yield _account_finding(check, exam, account, asked)


def _why_no_account_can_be_asked(exam: Examination, outcomes: MutableMapping[str, Outcome]) -> str | None:
    if outcomes["migrations"] in STOPPED:
        return "needs migrations"
    missing = checks_database.unknown_address(exam)
    return f"{' and '.join(missing)} not set here" if missing else None


def _finding(check: Check, exam: Examination, outcomes: MutableMapping[str, Outcome]) -> Finding:
    verdict = _blocked(check.needs, outcomes) or _asked(lambda: check.ask(exam))
    outcomes[check.name] = verdict.outcome
    return Finding(check.name, None, verdict.outcome, verdict.what, verdict.help)


def _account_finding(
    check: AccountCheck, exam: Examination, account: ExaminedAccount, outcomes: MutableMapping[str, Outcome]
) -> Finding:
    verdict = _blocked(check.needs, outcomes) or _asked(lambda: check.ask(exam, account))
    outcomes[check.name] = verdict.outcome
    return Finding(check.name, account.account, verdict.outcome, verdict.what, verdict.help)


def _blocked(needs: Sequence[str], outcomes: MutableMapping[str, Outcome]) -> Verdict | None:
    stopped = [name for name in needs if outcomes[name] in STOPPED]
    return skipped(f"needs {', '.join(stopped)}") if stopped else None


def _asked(ask: Callable[[], Verdict]) -> Verdict:
    """An error of ours says itself what to do."""
    try:
        return ask()
    except FacteurError as error:
        return failed(str(error), "correct that, then facteur doctor again")
