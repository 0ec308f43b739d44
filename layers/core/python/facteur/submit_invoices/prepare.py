"""Before anything is claimed: which rows of a batch may be sent, and with which document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor

from facteur.domain.checks import SHOWN_TWICE, check_row, check_unchanged
from facteur.domain.ports import Document
from facteur.domain.submission import State, Waiting
from facteur.errors import (
    DocumentError,
    DocumentMissingError,
    DocumentUnavailableError,
    DocumentUnusableError,
    NotDepositedError,
    Problem,
    ProblemError,
    StoreRefusedError,
)
from facteur.submit_invoices.services import Services

MOST_BYTES_IN_MEMORY = 5_000_000  # larger documents go one at a time, so that a batch fits in memory and /tmp
ROUNDS_AT_ONCE = 2  # as many as are under way, and as many again to go on with while the next are read

NOT_GIVEN = (StoreRefusedError, DocumentMissingError, DocumentUnavailableError)

Item = tuple[Waiting, Document | None]  # None: a look-up


def prepare_batch(waiting: Iterable[Waiting], services: Services, threads: Executor) -> Iterator[list[Item]]:
    """Look-ups and the first small documents together, then more small ones, then each large document alone.

    What cannot be sent is recorded on the way.
    """
    rows = list(_shown_once(waiting, services))
    rows = [row for row in rows if row.state is State.IN_DOUBT or _sendable(row, services)]
    refused = {row.account for row in rows if row.read_first}
    usable = {
        account: _unusable_account(account, account in refused, services) for account in {r.account for r in rows}
    }
    rows = [row for row in rows if _has_platform(row, services, usable[row.account])]
    together: list[Item] = [(row, None) for row in rows if row.state is State.IN_DOUBT]
    deposits = [row for row in rows if row.state is State.PENDING]
    large = []
    step = ROUNDS_AT_ONCE * services.max_in_flight
    for start in range(0, len(deposits), step):
        part = deposits[start : start + step]
        fetched = _fetched(part, services, threads)
        for row, result in zip(part, fetched, strict=True):
            if result is None:
                large.append(row)
            elif document := _usable(row, result, services):
                together.append((row, document))
        _note_readable_stores(part, fetched, services)
        yield together
        together = []
    if together:
        yield together
    for row in large:
        if document := _usable(row, _fetch(row, services, None), services):
            yield [(row, document)]


def _shown_once(waiting: Iterable[Waiting], services: Services) -> Iterator[Waiting]:
    """A view that shows a key twice leaves open which invoice it is: that goes to a person."""
    by_submission: dict[int, list[Waiting]] = {}
    for row in waiting:
        by_submission.setdefault(row.submission_id, []).append(row)
    for row, *others in by_submission.values():
        if not others:
            yield row
            continue
        services.leave(row, DocumentUnusableError(SHOWN_TWICE))


def _unusable_account(account: str, refused: bool, services: Services) -> NotDepositedError | None:
    """Why an account's credentials are no use. Its token is at hand afterwards: once something is claimed, nothing else is waited for.

    Where the account was `refused`, a read that is answered ends its waiting.
    """
    try:
        platform = services.platforms.of(account)
        services.platforms.identity(account)  # a platform once built outlives its secret
        platform.obtain_token()
        if refused and services.store.begin_read(account):
            platform.probe()
            services.store.read_answered(account)
    except NotDepositedError as error:
        return error
    return None


def _has_platform(row: Waiting, services: Services, error: NotDepositedError | None) -> bool:
    """Whether the row's account has usable credentials; if not, it waits until somebody corrects its secret."""
    if error:
        services.leave(row, error, of_account=True)
    return error is None


def _sendable(row: Waiting, services: Services) -> bool:
    """Whether a pending row may be deposited at all; if not, that is recorded here."""
    invoice = row.invoice
    if invoice is None or not invoice.ready:
        _withdraw(row, services)
        return False
    try:
        check_row(invoice)
    except DocumentUnusableError as error:
        services.leave(row, error)
        return False
    return True


def _withdraw(row: Waiting, services: Services) -> None:
    """The row is gone or no longer ready: the intention ends, unless an earlier attempt may have deposited the invoice."""
    cause = "is gone" if row.invoice is None else "is no longer ready"
    if row.doubtful_sha256:
        problem = Problem(
            "withdrawn_in_doubt", f"the invoice's row {cause}, and an earlier attempt's outcome is unknown"
        )
        services.leave(row, DocumentUnusableError(problem))
    elif services.store.withdraw(row.submission_id):
        services.journal.event(
            "submission.withdrawn", submission_id=row.submission_id, invoice_id=row.invoice_id, account=row.account,
            state="withdrawn", cause=f"the row {cause}",
        )  # fmt: skip


Fetched = Document | ProblemError | None


def _note_readable_stores(rows: Iterable[Waiting], fetched: Iterable[Fetched], services: Services) -> None:
    """A store that refused, before or in this batch, and has given one: too large to hold, or unusable, it was read all the same."""
    pairs = list(zip(rows, fetched, strict=True))
    refusing = {row.store for row, result in pairs if row.store_refuses or isinstance(result, StoreRefusedError)}
    giving = {row.store for row, result in pairs if not isinstance(result, NOT_GIVEN)}
    for store in refusing & giving - {None}:
        services.store.store_answered(str(store))


def _fetched(rows: Iterable[Waiting], services: Services, threads: Executor) -> list[Fetched]:
    """Those over the network all at once; a thread for what lies at hand would cost more than reading it."""

    def fetch(row: Waiting) -> Fetched:
        return _fetch(row, services, MOST_BYTES_IN_MEMORY)

    far = {
        row.submission_id: threads.submit(fetch, row)
        for row in rows
        if row.invoice and services.documents.far(row.invoice)
    }
    return [far[row.submission_id].result() if row.submission_id in far else fetch(row) for row in rows]


def _fetch(row: Waiting, services: Services, hold_bytes: int | None) -> Fetched:
    assert row.invoice is not None  # noqa: S101  _sendable saw it
    try:
        longest = services.platforms.of(row.account).capabilities.longest_document
        return services.documents.fetch(row.invoice, hold_bytes, longest)
    except DocumentError as error:
        return error


def _usable(row: Waiting, fetched: Fetched, services: Services) -> Document | None:
    """The document, unless it may not be sent; then that is recorded here."""
    if isinstance(fetched, ProblemError):
        services.leave(row, fetched)
        return None
    if fetched is None:
        return None
    try:
        check_unchanged(fetched.sha256, row.doubtful_sha256)
    except DocumentUnusableError as error:
        fetched.close()
        services.leave(row, error)
        return None
    return fetched
