"""What company, tables, and platform say of the same invoices, compared. Pure: the same in, the same out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from facteur.domain.identity import plain
from facteur.domain.status_updates import Sighting
from facteur.operate.reconcile.model import Code, Difference, IssuedRow, KnownDeposit

STANDING = frozenset({"submitted", "closed"})
UNDER_WAY = frozenset({"sending"})
CENT = Decimal("0.01")


def compared(
    account: str, shown: Sequence[Sighting], ours: Sequence[KnownDeposit], rows: Mapping[str, str]
) -> list[Difference]:
    """What the platform and our tables say of each other's deposits.

    Args:
        shown: every deposit that the platform shows for the time looked at.
        ours: submissions deposited in that time, and all that hold or have sent one of the shown ids or numbers.
        rows: plain numbers of the company's table -> key, of those that no submission of ours has.
    """
    known = {each.platform_id: each for each in ours if each.platform_id}
    found = [
        difference
        for each in {each.platform_id: each for each in shown}.values()
        for difference in (
            of_a_pair(each, known[each.platform_id])
            if each.platform_id in known
            else of_an_unclaimed(account, each, ours, rows)
        )
    ]
    seen = {each.platform_id for each in shown}
    return [*found, *(not_shown(each) for each in missing(ours, seen))]


def missing(ours: Sequence[KnownDeposit], seen: set[str]) -> list[KnownDeposit]:
    """Deposits of the time looked at that the platform has not shown."""
    return [each for each in ours if each.in_time and each.platform_id and each.platform_id not in seen]


def not_shown(known: KnownDeposit) -> Difference:
    what = f"{known.state} as deposit {known.platform_id}, which the platform does not show"
    return _of(
        Code.NOT_AT_PLATFORM,
        known,
        known.platform_id,
        what,
        f"facteur show id:{known.invoice_id}, and ask the platform",
    )


def of_a_pair(shown: Sighting, known: KnownDeposit) -> Iterator[Difference]:
    """A deposit that both have."""
    about = f"facteur show id:{known.invoice_id}"
    if shown.refused and known.state in STANDING:
        what = f"the platform has refused it ({shown.code or 'no status shown'}), and it is {known.state} here"
        yield _of(Code.REFUSED_AT_PLATFORM, known, shown.platform_id, what, f"{about}: the poll takes it up")
    elif not shown.refused and known.state not in STANDING and not (shown.of_file and known.state == "rejected"):
        what = f"the platform shows it as {shown.code or 'deposited'}, and it is {known.state} here"
        step = (
            f'facteur adopt id:{known.invoice_id} {shown.platform_id} --why "…"' if known.state == "failed" else about
        )
        yield _of(Code.STATUS_DIFFERS, known, shown.platform_id, what, step)
    elif shown.code and shown.code != known.lifecycle_code and not (shown.refused and known.state == "rejected"):
        what = f"the platform shows {shown.code}, here it is {known.lifecycle_code or 'not known yet'}"
        yield _of(Code.STATUS_DIFFERS, known, shown.platform_id, what, f"{about}: the poll takes it up")
    if known.total is not None and shown.total is not None and abs(known.total - shown.total) >= CENT:
        what = f"the document says {shown.total}, the row says {known.total}"
        step = "compare the document with the row, which may be without tax"
        yield _of(Code.AMOUNT_DIFFERS, known, shown.platform_id, what, step)


def of_an_unclaimed(
    account: str, shown: Sighting, ours: Sequence[KnownDeposit], rows: Mapping[str, str]
) -> Iterator[Difference]:
    """A deposit under an id that no submission holds."""
    numbered = [each for each in ours if _same_invoice(shown, each)]
    holders = [each for each in numbered if each.platform_id and each.state != "rejected"]
    if holders:
        yield _twice(shown, holders[-1])
    elif numbered and shown.refused:
        what = f"the platform refused this deposit of it ({shown.code or 'no status shown'}); it is {numbered[-1].state} here"
        yield _of(
            Code.REFUSED_AT_PLATFORM,
            numbered[-1],
            shown.platform_id,
            what,
            f"facteur show id:{numbered[-1].invoice_id}",
        )
    elif numbered and numbered[-1].state not in UNDER_WAY:
        what = f"the platform has a deposit of it, and no submission holds that; it is {numbered[-1].state} here"
        elsewhere = "" if numbered[-1].account == account else f" --account {account}"
        step = f'facteur adopt id:{numbered[-1].invoice_id} {shown.platform_id}{elsewhere} --why "…"'
        yield _of(Code.UNKNOWN_TO_US, numbered[-1], shown.platform_id, what, step)
    elif not numbered:
        yield _nobodys(account, shown, rows.get(plain(number_of(shown))))


def _twice(shown: Sighting, holder: KnownDeposit) -> Difference:
    if shown.refused:
        what, step = f"the platform refused this one beside {holder.platform_id}, which stands", None
    else:
        what = f"this one stands beside {holder.platform_id}, which is the invoice's"
        step = "ask who deposited it, and have one of them cancelled at the platform"
    return _of(Code.TWICE_AT_PLATFORM, holder, shown.platform_id, what, step)


def _nobodys(account: str, shown: Sighting, invoice_id: str | None) -> Difference:
    named = (account, invoice_id, shown.invoice_number, shown.seller_siren, None, shown.platform_id)
    if invoice_id is None and shown.invoice_number:
        return Difference(Code.FOREIGN, *named, "neither our tables nor the company's know this number", None)
    if invoice_id is None:
        what = f"the platform does not show its number, and nothing here knows it (file {shown.file_name or 'without a name'})"
        step = "compare its document with the rows of that time; facteur adopt, where it is one of theirs"
        return Difference(Code.UNKNOWN_TO_US, *named, what, None if shown.refused else step)
    what = "the platform has a deposit under the number of this row, which has no submission here"
    step = f'let the relay open one (deposits paused), then facteur adopt id:{invoice_id} {shown.platform_id} --why "…"'
    return Difference(Code.UNKNOWN_TO_US, *named, what, None if shown.refused else step)


def of_a_row(row: IssuedRow) -> Iterator[Difference]:
    """What the company's row says, and what it was given."""
    named = (row.account, row.invoice_id, row.invoice_number, row.seller_siren, row.submission_id, row.platform_id)
    if row.ready and (row.state is None or row.state in {"rejected", "failed"}):
        what = "ready, and there is no submission of it" if row.state is None else f"ready again after {row.state}"
        if row.noted:
            what, step = f"{what}; the relay has a note of it", None
        else:
            step = "select facteur.note_forgotten(true); and facteur doctor says why"
        yield Difference(Code.NOT_SUBMITTED, *named, what, step)
        return
    if row.submission_id is None and row.shown_id is None:
        what = f"never submitted, and not ready (technical_status {row.technical_status or 'null'}): a draft, or something is missing"
        yield Difference(Code.NOT_READY, *named, what, None)
        return
    if row.written_status is None:
        return
    says = [(row.technical_status, row.written_status), (row.shown_id, row.platform_id)]
    for theirs, ours in says:
        if theirs is not None and plain(theirs) != plain(ours):
            what = f"the row says {theirs}, and it is {ours or 'nothing'} here"
            yield Difference(Code.ROW_SAYS_OTHERWISE, *named, what, f"facteur show id:{row.invoice_id}")


def gone(known: KnownDeposit) -> Difference:
    what = "deposited, and the view does not show its row any more"
    return _of(Code.ROW_GONE, known, known.platform_id, what, f"facteur show id:{known.invoice_id}")


def number_of(shown: Sighting) -> str | None:
    """Its number, or where the platform shows none what its file is called, which may be one."""
    return shown.invoice_number or shown.file_name


def _same_invoice(shown: Sighting, known: KnownDeposit) -> bool:
    if shown.own_key and shown.own_key in known.keys:
        return True
    same_seller = not (shown.seller_siren and known.seller_siren) or shown.seller_siren == known.seller_siren
    number = number_of(shown)
    return bool(number) and plain(number) in map(plain, known.numbers) and same_seller


def _of(code: Code, known: KnownDeposit, platform_id: str | None, what: str, step: str | None) -> Difference:
    number = next(iter(known.numbers), None)
    return Difference(
        code, known.account, known.invoice_id, number, known.seller_siren, known.submission_id, platform_id, what, step
    )
