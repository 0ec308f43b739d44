"""Checks of one account: its secret, its platform, and its sellers there. Each call takes a permit; none deposits or changes anything."""

from __future__ import annotations

from facteur.domain.words import instant
from facteur.errors import AccountRefusedError, EnvironmentMismatchError, PlatformBusyError
from facteur.operate.doctor.database import judged_clock
from facteur.operate.doctor.diagnosis import Verdict, failed, ok, skipped, warning
from facteur.operate.doctor.examination import Examination
from facteur.operate.model.doctor import ExaminedAccount
from facteur.platforms.credentials import OAUTH_KEYS
from facteur.platforms.port import Provider

NO_PERMIT = skipped("the budget has no call left just now", "again in a minute")
CONTRADICTION = "environment_mismatch"  # sandbox says one thing and the URL another
TOO_FAST = "too_many_requests"
REFUSED = {  # problem code -> what helps
    "token_refused": "correct client_id and client_secret in the secret",
    "account_refused": "the credentials are right, and the platform refuses what they stand for: see what it says, and ask it",
    CONTRADICTION: "correct the secret's sandbox, or the client or address that it names",
}
OF_PAUSE = {"not_implemented": "ask the platform what it takes, and report it: the secret is right"}
THEIRS = "the platform answers, with an error of its own: see its status page, and wait"


def _step(kind: Provider, error: PlatformBusyError) -> str:
    """Who answered is reached: then addresses and networks are not the cause."""
    if error.problem.http_status is not None:
        return THEIRS
    settings = " and ".join(name.upper() for name in kind.address_settings or ())
    keys = " and ".join(key for key in kind.secret_keys if key.endswith("_url"))
    return f"check {settings or f'{keys} in the secret'}, and the way out of the private network"


def _refused_step(account: ExaminedAccount, error: AccountRefusedError) -> str:
    """What a person does about an account that was refused before anything could be read with it."""
    what = REFUSED.get(error.problem.code, "correct the secret")
    return f'{what}, then facteur resume {account.account} --why "…"'


def _named_by(kind: Provider) -> str:
    """The secret's keys that no other kind of platform has, or what all have."""
    return ", ".join(key for key in kind.secret_keys if key not in OAUTH_KEYS) or "client_id"


def _quoted(key: str) -> str:
    return f'"{key}"'


def secret(exam: Examination, account: ExaminedAccount) -> Verdict:
    """Whether the secret can be read and is well-formed."""
    try:
        exam.platforms().identity(account.account)
    except AccountRefusedError as error:
        if error.problem.code != CONTRADICTION:
            return failed(
                str(error),
                f"it is JSON: {{{', '.join(map(_quoted, exam.platforms().kind(account.account).secret_keys))}}}",
            )
    except EnvironmentMismatchError:
        pass  # the next check says so
    return ok("readable and well-formed")


def environment(exam: Examination, account: ExaminedAccount) -> Verdict:
    """Whether the secret's sandbox flag agrees with the URL, or what the platform itself says, and both with what the database is
    pinned to."""
    try:
        exam.platforms().identity(account.account)
        exam.platforms().of(account.account).obtain_token()
    except AccountRefusedError as error:
        if error.problem.code == CONTRADICTION:
            return failed(str(error), _refused_step(account, error))
    except PlatformBusyError:
        pass  # the next check says so
    except EnvironmentMismatchError as error:
        return failed(
            str(error),
            f'where it is meant: facteur repin {account.account} --why "…"; where this is a copy of production: leave it so',
        )
    return ok("as pinned" if account.pinned else "not pinned yet: the first accepted deposit pins it")


def token(exam: Examination, account: ExaminedAccount) -> Verdict:
    """Whether the platform gives a token for the credentials."""
    try:
        exam.platforms().of(account.account).obtain_token()
    except AccountRefusedError as error:
        return failed(str(error), _refused_step(account, error))
    except PlatformBusyError as error:
        return failed(str(error), _step(exam.platforms().kind(account.account), error))
    return ok("obtained")


def access(exam: Examination, account: ExaminedAccount) -> Verdict:
    """Whether a cheap read with all that the secret names is answered."""
    if not _permitted(exam, account):
        return NO_PERMIT
    kind = exam.platforms().kind(account.account)
    try:
        theirs = exam.platforms().of(account.account).probe()
    except AccountRefusedError as error:
        step = f"check {_named_by(kind)} in the secret and the account's role"
        return failed(str(error), f'{step}, then facteur resume {account.account} --why "…"')
    except PlatformBusyError as error:
        return failed(str(error), _step(kind, error))
    clock = judged_clock("the platform's clock", theirs - exam.now()) if theirs else ok("it does not show its clock")
    return Verdict(clock.outcome, f"{_named_by(kind)} accepted; {clock.what}", clock.help)


def pause(exam: Examination, account: ExaminedAccount) -> Verdict:
    """Whether the account waits for a person."""
    if account.hold is not None:
        return warning(f"paused by {account.hold}", f'facteur resume {account.account} --why "…"')
    if account.paused_until:
        words = f"until {instant(account.paused_until)} ({account.pause_reason or 'no reason'})"
        step = OF_PAUSE.get(account.pause_reason or "", "once the checks above are well")
        return warning(f"paused {words}", f'{step}. Then facteur resume {account.account} --why "…"')
    return ok("not paused")


def mode(exam: Examination, account: ExaminedAccount) -> Verdict:
    """Whether the account keeps its statuses for us, where they are pulled, and whether its feed of them is answered."""
    if account.feed_failing:
        return warning(
            "its feed of statuses has failed for an hour: histories are read meanwhile, and deposits go on",
            "see feed.unavailable and feed.refused in the log of poll_statuses, and ask the platform why it does not answer them",
        )
    if exam.settings.status_source != "pull":
        return skipped(f"STATUS_SOURCE={exam.settings.status_source} works in either mode")
    if not _permitted(exam, account):
        return NO_PERMIT
    try:
        platform = exam.platforms().of(account.account)
        if "pull" not in platform.capabilities.statuses:
            return skipped("not checked: the platform has nothing to pull, histories are read")
        active = platform.active_webhooks() if platform.capabilities.webhooks else 0
    except (AccountRefusedError, PlatformBusyError) as error:
        return skipped(f"not checked: {error}")
    if active is None:
        return skipped("not checked: this account may not see webhooks")
    if active:
        return failed(
            f"PUSH: {active} active webhooks take the statuses away",
            "set them INACTIVE, or deploy with StatusSource=sweep",
        )
    return ok("PULL: no active webhook")


def sellers(exam: Examination, account: ExaminedAccount) -> Verdict:
    """Whether the platform's directory shows those who sell with this account, as reachable."""
    if not account.sellers:
        return skipped("no seller is known yet")
    platform, shown = exam.platforms().of(account.account), dict[str, bool | None]()
    if not platform.capabilities.directory:
        return skipped("not checked: the platform has no directory to ask")
    for siren in account.sellers:
        if not _permitted(exam, account):
            return NO_PERMIT
        try:
            shown[siren] = platform.reachable(siren)
        except (AccountRefusedError, PlatformBusyError) as error:
            return skipped(f"not checked: {error}")
    return _judged_sellers(shown, sandbox=platform.sandbox)


def _judged_sellers(shown: dict[str, bool | None], *, sandbox: bool) -> Verdict:
    absent = [siren for siren, there in shown.items() if there is False]
    if absent:
        words = f"not registered in the directory for French invoices: {', '.join(absent)}"
        step = "register them at the platform (enrolment), or their invoices end as 213 ROUTING_FAILURE"
        return warning(f"{words}; a sandbox knows test companies only", step) if sandbox else failed(words, step)
    if None in shown.values():
        return skipped("not checked: the directory did not say")
    return ok(f"reachable: {', '.join(shown)}")


def _permitted(exam: Examination, account: ExaminedAccount) -> bool:
    """An account that the platform asked to slow down is left alone; one paused for another reason is what a doctor is for."""
    waits = account.paused_until and account.pause_reason == TOO_FAST
    return not waits and exam.database.take_permit()
