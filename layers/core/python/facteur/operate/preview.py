"""What would be deposited while deposits are off, and what is wrong with it. Nothing is sent."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from facteur.domain.checks import lacking
from facteur.errors import DocumentError, OperatorError
from facteur.operate.accounts import check_account
from facteur.operate.model.backlog import Previewed
from facteur.operate.services import OperateServices
from facteur.operate.status import unopened

MOST = 1000


@dataclass(frozen=True, slots=True)
class Preview:
    """The next to be deposited. `pending` and `totals` (by currency) count all that wait."""

    pending: int
    totals: Mapping[str, str]
    invoices: tuple[Previewed, ...]
    documents: bool
    unopened: str | None  # what the relay has not taken up, where it does not run
    other_kinds: Mapping[str, int]  # finished documents of kinds that are not deposited


def preview(
    services: OperateServices, *, account: str | None = None, documents: bool = False, limit: int = 50
) -> Preview:
    """What the relay would send next, the oldest first.

    Args:
        documents: fetch each document and say what is wrong with it.

    Raises:
        OperatorError: the limit is wrong, there is no such account, or no mapping is installed.
    """
    if not 1 <= limit <= MOST:
        raise OperatorError(f"--limit must be between 1 and {MOST}")
    if not services.reading.installation().watching:
        raise OperatorError("no mapping is installed: facteur init")
    check_account(services, account)
    pending, totals = services.pending.counted(account)
    invoices = [_judged(each) for each in services.pending.next_ones(account, limit)]
    if documents:
        longest = functools.cache(services.longest_document)
        invoices = [_with_document(services, each, longest) for each in invoices]
    return Preview(pending, totals, tuple(invoices), documents, unopened(services), services.pending.other_kinds())


def _judged(one: Previewed) -> Previewed:
    names = lacking(one.invoice_number, one.seller_siren) + ([] if one.document else ["document"])
    return one if one.problem or not names else replace(one, problem="it has no " + ", no ".join(names))


def _with_document(services: OperateServices, one: Previewed, longest: Callable[[str], int]) -> Previewed:
    """Reported as submit_invoices would. `longest`: in bytes, of an account's platform."""
    if one.problem:
        return one
    invoice = services.pending.invoice(one.invoice_id)
    if invoice is None:
        return replace(one, problem="its row is gone")
    try:
        document = services.documents().fetch(invoice, None, longest(one.account))
    except DocumentError as error:
        return replace(one, problem=str(error))
    if document is not None:
        document.close()
    return one
