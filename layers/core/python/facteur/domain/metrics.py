"""What is measured, and by which name CloudWatch knows it. docs/metrics.md says when each is counted and what it costs."""

from __future__ import annotations

from enum import StrEnum

from facteur.domain.lifecycle import REJECTING, says_duplicate


class Metric(StrEnum):
    """Every metric that Facteur emits. The name's ending is its unit: Seconds, Percent, Days; else a count."""

    # submit_invoices
    DEPOSITS = "Deposits"
    REJECTIONS = "Rejections"  # also poll_statuses
    FAILURES = "Failures"  # also the other two
    DOUBTS = "Doubts"
    RETRIES = "Retries"
    LATE_ANSWERS = "LateAnswers"
    ACCOUNT_REFUSED = "AccountRefused"  # also poll_statuses
    PLATFORM_ERRORS = "PlatformErrors"  # also poll_statuses
    DEPOSIT_CALL_SECONDS = "DepositCallSeconds"
    NOTICE_TO_DEPOSIT_SECONDS = "NoticeToDepositSeconds"
    # relay_submissions
    COMMIT_TO_NOTICE_SECONDS = "CommitToNoticeSeconds"
    UNREADABLE_ROWS = "UnreadableRows"
    KEYS_NOT_SHOWN = "KeysNotShown"
    WRITE_BACKS_REFUSED = "WriteBacksRefused"
    ROWS_HEALED = "RowsHealed"
    OLDEST_OVERDUE_SECONDS = "OldestOverdueSeconds"
    OLDEST_DOUBT_SECONDS = "OldestDoubtSeconds"
    OLDEST_UNWRITTEN_SECONDS = "OldestUnwrittenSeconds"
    OLDEST_UNDEPOSITED_DAYS = "OldestUndepositedDays"
    FAILED_INVOICES = "FailedInvoices"
    BREAKERS_OPEN = "BreakersOpen"
    ACCOUNTS_PAUSED = "AccountsPaused"
    REQUEST_RATE_PERCENT = "RequestRatePercent"
    BUDGET_USE_PERCENT = "BudgetUsePercent"
    FORGOTTEN_INVOICES = "ForgottenInvoices"
    UNNAMED_KINDS = "UnnamedKinds"
    OLDEST_SILENT_SECONDS = "OldestSilentSeconds"
    OLDEST_UNREAD_SECONDS = "OldestUnreadSeconds"
    DEPOSITS_NOT_SHOWN = "DepositsNotShown"
    UNVERIFIED_WRITE_BACKS = "UnverifiedWriteBacks"
    OLDEST_WAITING_SECONDS = "OldestWaitingSeconds"  # by reason as well, as facteur.waiting names them
    INSTALLATION_FAULTS = "InstallationFaults"
    # poll_statuses
    POLL_RUNS = "PollRuns"
    STATUS_TO_POSTGRES_SECONDS = "StatusToPostgresSeconds"
    CONTRADICTIONS = "Contradictions"
    FOREIGN_STATUSES = "ForeignStatuses"
    STATUSES_PUT_OFF = "StatusesPutOff"
    STATUS_CALLS = "StatusCalls"


# Counted of each kind of platform as well, so that an operator sees which of them is ill. Each costs as a metric of its own does.
BY_PROVIDER = frozenset({
    Metric.DEPOSITS, Metric.REJECTIONS, Metric.DOUBTS, Metric.ACCOUNT_REFUSED, Metric.PLATFORM_ERRORS, Metric.DEPOSIT_CALL_SECONDS,
    Metric.STATUS_TO_POSTGRES_SECONDS, Metric.STATUS_CALLS,
})  # fmt: skip


DUPLICATE, OTHER = "DOUBLON", "other"
# Each reason that occurs is a metric of its own, and costs: these, and `other` for all the rest.
REASONS = REJECTING | {
    DUPLICATE, "ROUTING_FAILURE", "VALIDATION_FAILURE", "CALCULATION_ERROR", "EINVOICING_ADDRESS_INCORRECT", "SYNTAX_ERROR",
    "UNKNOWN_INVOICE_FORMAT", "REJ_SEMAN", "REJ_COH", "refused",
}  # fmt: skip


WAITING_REASONS = frozenset({  # why something waits, as facteur.waiting says
    "deposits_off", "account_paused", "account_refused", "platform_down", "account_limit", "request_limit", "store_refused", "put_off",
    "unreadable", "queued", "relay", "sending", "in_doubt", "not_written_back", "silent", "unread", "not_ready",
    "not_transmitted", "not_followed",
})  # fmt: skip


def bounded_reason(code: str | None) -> str:
    """A reason as a dimension: one of REASONS or WAITING_REASONS, or `other`. All rejections that mean "already there" are one."""
    if code in WAITING_REASONS:
        return code
    if says_duplicate(code):
        return DUPLICATE
    return code if code in REASONS else OTHER
