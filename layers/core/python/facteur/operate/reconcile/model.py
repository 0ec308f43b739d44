"""What is compared, and what a comparison says: plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Code(StrEnum):
    """Kinds of differences; docs/operate.md explains each."""

    NOT_AT_PLATFORM = "NOT_AT_PLATFORM"
    UNKNOWN_TO_US = "UNKNOWN_TO_US"
    TWICE_AT_PLATFORM = "TWICE_AT_PLATFORM"
    FOREIGN = "FOREIGN"
    REFUSED_AT_PLATFORM = "REFUSED_AT_PLATFORM"
    STATUS_DIFFERS = "STATUS_DIFFERS"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    NOT_SUBMITTED = "NOT_SUBMITTED"
    NOT_READY = "NOT_READY"
    ROW_SAYS_OTHERWISE = "ROW_SAYS_OTHERWISE"
    ROW_GONE = "ROW_GONE"
    NOT_COMPARED = "NOT_COMPARED"


@dataclass(frozen=True, slots=True)
class KnownDeposit:
    """A submission as our tables have it. `in_time`: deposited in the time that is looked at, and long enough ago to be shown."""

    submission_id: int
    invoice_id: str
    account: str
    state: str
    platform_id: str | None
    numbers: tuple[str, ...]  # as the row has it, and as it was sent
    keys: tuple[str, ...]  # of its attempts
    seller_siren: str | None
    total: Decimal | None
    lifecycle_code: str | None
    written_status: str
    latest: bool
    in_time: bool


@dataclass(frozen=True, slots=True)
class IssuedRow:
    """A row of the company's table, with the last submission of its invoice. `noted`: the relay has yet to look at it."""

    invoice_id: str
    account: str
    ready: bool
    invoice_number: str | None
    seller_siren: str | None
    technical_status: str | None
    shown_id: str | None
    noted: bool
    submission_id: int | None
    state: str | None
    written_status: str | None
    platform_id: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `help` is the command or step that helps; None: nobody has to do anything."""

    code: Code
    account: str
    invoice_id: str | None
    invoice_number: str | None
    seller_siren: str | None
    submission_id: int | None
    platform_id: str | None
    what: str
    help: str | None


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of a report. `next` is the cursor that asks for the next part; None: this was the last."""

    rows: int
    deposits: int
    shown: int
    differences: tuple[Difference, ...]
    next: str | None
