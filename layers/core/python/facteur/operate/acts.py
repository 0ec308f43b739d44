"""What a person does to one invoice's submission, or to an account. Each is recorded with who and why."""

from __future__ import annotations

from collections.abc import Mapping

from facteur.domain.words import counted
from facteur.errors import ConfigurationError, FacteurError, OperatorError
from facteur.operate.model.acts import Act, Done, Repinned
from facteur.operate.model.story import KnownSubmission
from facteur.operate.services import OperateServices
from facteur.operate.story import current_of, found

RETRIED = frozenset({"failed", "rejected", "pending", "in_doubt"})
RETRIED_AT_ONCE = 1000  # each is a transaction of some milliseconds


def retry(services: OperateServices, *, what: str, who: str, why: str, dry_run: bool = False) -> Done:
    """Once more: what failed or was rejected gets its row set back to pending, what waits is looked at now.

    Nothing is sent from here: the relay opens a new submission, in doubt where an attempt's outcome is unknown.

    Raises:
        OperatorError: it is refused; see docs/operate.md.
    """
    signed, target = services.act("retry", who, why, dry_run), the_submission(services, what)
    return _done(signed, target, services.acts.retry(target.submission_id, signed))


def retry_many(
    services: OperateServices, *, states: list[str], who: str, why: str, code: str | None = None, account: str | None = None,
    dry_run: bool = False,
) -> Done:  # fmt: skip
    """The same for all that are in these states, with this code as their last error: at most a thousand at once, the oldest first.

    Raises:
        OperatorError: a state is none that waits or has ended badly.
    """
    if not states or set(states) - RETRIED:
        raise OperatorError(f"--state must be of {', '.join(sorted(RETRIED))}")
    signed, ids = services.act("retry", who, why, dry_run), services.acts.alike(states, code, account)
    found = counted(f"# [invoice is|invoices are] {' or '.join(states)}", len(ids)) + (f" with {code}" if code else "")
    if dry_run or not ids:
        return Done(signed.operation, f"{found}: each would be retried." if ids else f"{found}.", dry_run, account)
    refused: list[str] = []
    for submission_id in ids[:RETRIED_AT_ONCE]:
        try:
            services.acts.retry(submission_id, signed)
        except OperatorError as error:
            refused.append(str(error))
    done = min(len(ids), RETRIED_AT_ONCE) - len(refused)
    said = f"{counted('# [is|are] retried', done)}, {counted('# [was|were] refused', len(refused))}"
    summary = f"{found}. {said}" + (f": {refused[0]}" if refused else ".")
    left = len(ids) - RETRIED_AT_ONCE
    return Done(
        signed.operation,
        summary + (counted(" # [is|are] left: say it again.", left) if left > 0 else ""),
        dry_run,
        account,
    )


def reject(services: OperateServices, *, what: str, who: str, why: str, dry_run: bool = False) -> Done:
    """What failed or is in doubt ends rejected, by a person's decision.

    Raises:
        OperatorError: it is refused.
    """
    signed, target = services.act("reject", who, why, dry_run), the_submission(services, what)
    return _done(signed, target, services.acts.reject(target.submission_id, signed))


def pause(
    services: OperateServices, *, account: str, who: str, why: str, seconds: float | None = None, dry_run: bool = False
) -> Done:
    """Deposits, look-ups and status updates of an account stop, until a person resumes it or for so many seconds.

    Raises:
        OperatorError: there is no such account.
    """
    if seconds is not None and seconds <= 0:
        raise OperatorError("a pause takes some time: --for 2h, say")
    signed = services.act("pause", who, why, dry_run)
    return Done(signed.operation, services.acts.hold(account, seconds, signed), dry_run, account)


def resume(services: OperateServices, *, account: str, who: str, why: str, dry_run: bool = False) -> Done:
    """An account goes on: a person's pause, an automatic one, and the breaker end. One that is not paused stays as it is.

    Raises:
        OperatorError: there is no such account.
    """
    signed = services.act("resume", who, why, dry_run)
    return Done(signed.operation, services.acts.resume(account, signed), dry_run, account)


def redrive(services: OperateServices, *, who: str, why: str, dry_run: bool = False) -> Done:
    """The dead letters go back onto the queue.

    Raises:
        OperatorError: no queue is known here, or SQS refuses.
    """
    signed, letters = services.act("redrive", who, why, dry_run), services.dead_letters()
    if letters is None:
        raise OperatorError("no queue is known here: ask the deployed stack (--stack), or set SUBMISSIONS_QUEUE_URL")
    count = letters.count()
    if not count:
        return Done(signed.operation, "There are no dead letters.", dry_run)
    if dry_run:
        return Done(signed.operation, counted("# dead [letter|letters] would go back onto the queue.", count), dry_run)
    services.acts.record(signed, {"dead_letters": count})  # first: SQS may answer late, and no transaction waits for it
    moved = letters.redrive()
    return Done(signed.operation, counted("# dead [letter goes|letters go] back onto the queue.", moved), dry_run)


def repin(
    services: OperateServices, *, account: str, who: str, why: str, unverified: bool = False, dry_run: bool = False
) -> Repinned:
    """Forget which platform and client an account deposits with: its next deposit says it anew.

    Args:
        unverified: though its secret cannot be read here, so that nobody sees what the next deposit will pin.

    Raises:
        OperatorError: it has no pin, or its secret cannot be read.
    """
    named, problem = _named_by_secret(services, account)
    refused = named is None and not unverified
    was, doubts = services.acts.repin(account, services.act("repin", who, why, dry_run or refused))
    if refused:
        raise OperatorError(
            f"the pin stays: what the secret names cannot be compared ({problem}). --unverified takes it away all the same"
        )
    return Repinned(account, was, named, problem, tuple(doubts), dry_run)


def the_submission(services: OperateServices, what: str) -> KnownSubmission:
    """The submission that an act on an invoice is about: the live one, or else the last.

    Raises:
        OperatorError: there is none, or the word names several invoices.
    """
    invoice_ids = found(services, what)
    if len(invoice_ids) > 1:
        names = ", ".join(f"id:{invoice_id}" for invoice_id in invoice_ids)
        raise OperatorError(f"{what!r} names {len(invoice_ids)} invoices: say which one of {names}")
    current = current_of(services.stories.submissions(invoice_ids[0]))
    if current is None:
        raise OperatorError(
            f"nothing was opened for invoice {invoice_ids[0]} yet: see facteur show id:{invoice_ids[0]}"
        )
    return current


def _done(signed: Act, target: KnownSubmission, summary: str) -> Done:
    return Done(
        signed.operation,
        summary,
        signed.dry_run,
        target.account,
        target.invoice_id,
        target.invoice_number,
        target.state,
    )


def _named_by_secret(services: OperateServices, account: str) -> tuple[Mapping[str, str] | None, str | None]:
    try:
        return services.platforms().named_by_secret(account), None
    except ConfigurationError as error:
        return None, f"unknown here: {error}"
    except FacteurError as error:
        return None, str(error)
