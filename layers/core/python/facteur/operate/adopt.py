"""A deposit that a person found at the platform becomes the invoice's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from facteur.domain.doubt import Candidate
from facteur.errors import DocumentError, NotDepositedError, OperatorError
from facteur.operate.acts import the_submission
from facteur.operate.model.acts import Done
from facteur.operate.model.story import KnownAttempt, KnownSubmission
from facteur.operate.services import OperateServices
from facteur.platforms.port import Platform

if TYPE_CHECKING:
    from facteur.platforms.accounts import AccountPlatforms

UNASKED = "--unverified adopts it without the platform's word"


def adopt(
    services: OperateServices,
    *,
    what: str,
    platform_id: str,
    who: str,
    why: str,
    account: str | None = None,
    unverified: bool = False,
    dry_run: bool = False,
) -> Done:
    """The invoice is submitted under this id, and followed from then on.

    An invoice that has the id by a mix-up (`shown_as_another`) lets it go and is looked up, if the platform says whose it is.

    Args:
        account: whose deposit it is, where that is not the submission's account: it was made before a route's day.
        unverified: do not ask the platform whether it shows this id under the invoice's number and seller, and the same bytes.

    Raises:
        OperatorError: it is refused: another invoice's, not shown, refused by the platform, or another document.
    """
    signed, target = services.act("adopt", who, why, dry_run), the_submission(services, what)
    platform_id = platform_id.strip()
    if not platform_id:
        raise OperatorError("which deposit? Give the platform's id of it")
    if services.acts.taken_elsewhere(target.invoice_id, platform_id, unverified=unverified):
        raise OperatorError(f"deposit {platform_id} is {_holder(services, target, platform_id)}")
    target = replace(target, account=account or target.account)
    if unverified:
        summary = services.acts.adopt(target.submission_id, platform_id, None, None, target.account, signed)
    else:
        platforms = services.platforms()
        sha256 = _verified(services, platforms, target, platform_id)
        client = platforms.identity(target.account)
        summary = services.acts.adopt(target.submission_id, platform_id, sha256, client, target.account, signed)
    return Done(
        signed.operation, summary, dry_run, target.account, target.invoice_id, target.invoice_number, target.state
    )


def _holder(services: OperateServices, target: KnownSubmission, platform_id: str) -> str:
    others = [each for each in services.stories.find(platform_id, ("submission_id",)) if each != target.invoice_id]
    names = " and ".join(f"id:{each}" for each in others)
    return f"another invoice's: {names} holds it" if others else "another invoice's, or one that the platform refused"


def _verified(
    services: OperateServices, platforms: AccountPlatforms, target: KnownSubmission, platform_id: str
) -> str | None:
    """The SHA-256 of the platform's copy; None where it shows none."""
    attempts = services.stories.attempts(target.invoice_id)
    try:
        platform = platforms.of(target.account)
        shown = _shown(platform, target, attempts, platform_id)
        sha256 = platform.sha256_of(platform_id)
    except NotDepositedError as error:
        raise OperatorError(f"the platform could not be asked: {error} {UNASKED}") from None
    finally:
        services.acts.spend(target.account, 3)
    _check_seller(services, shown, target)
    if sha256 is not None and sha256 not in {attempt.document_sha256 for attempt in attempts}:
        _check_document(services, target, platform_id, sha256)
    return sha256


def _shown(platform: Platform, target: KnownSubmission, attempts: list[KnownAttempt], platform_id: str) -> Candidate:
    known = {target.invoice_number, *(each.invoice_number for each in attempts)}
    numbers = sorted(number for number in known if number)
    for number in numbers:
        for candidate in platform.find(number):
            if candidate.platform_id == platform_id and candidate.refused:
                raise OperatorError(f"the platform refused deposit {platform_id}: it stands for no invoice. {UNASKED}")
            if candidate.platform_id == platform_id:
                return candidate
    named = " or ".join(numbers) or "no number"
    raise OperatorError(f"the platform shows no deposit {platform_id} under {named}. {UNASKED}")


def _check_seller(services: OperateServices, shown: Candidate, target: KnownSubmission) -> None:
    row = services.stories.row(target.invoice_id)
    ours = {target.seller_siren, row.seller_siren} - {None}
    if shown.seller_siren and ours and shown.seller_siren not in ours:
        raise OperatorError(f"deposit {shown.platform_id} is seller {shown.seller_siren}'s, and this invoice another's")


def _check_document(services: OperateServices, target: KnownSubmission, platform_id: str, sha256: str) -> None:
    """No attempt sent these bytes: then the row's document must be they, as after a restore."""
    invoice = services.pending.invoice(target.invoice_id)
    if invoice is None:
        raise OperatorError(
            f"deposit {platform_id} holds another document than was sent, and the row is gone. {UNASKED}"
        )
    try:
        document = services.documents().fetch(invoice, None, services.longest_document(target.account))
    except DocumentError as error:
        raise OperatorError(
            f"no attempt sent what deposit {platform_id} holds, and the row's document cannot be compared: {error} {UNASKED}"
        ) from None
    if document is None:
        return
    document.close()
    if document.sha256 != sha256:
        raise OperatorError(f"deposit {platform_id} holds another document than the invoice's. {UNASKED}")
