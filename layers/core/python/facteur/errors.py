"""What can go wrong, and who decides what happens next.

FacteurError
├── ProblemError                     is recorded with the submission, and the message is done
│   ├── NotDepositedError            certainly nothing was deposited
│   │   ├── PlatformBusyError        not sent, or 429 in the platform's own words: the same call may work later
│   │   │   ├── UnreadableCopyError  a page stands where the platform's copy of a document should: it is asked for again
│   │   │   ├── UnreadableStatusError  what the platform shows as a lifecycle message is none: it is passed over, the others are read
│   │   │   └── CursorRefusedError   the platform does not know the place where its feed was left: it is read again from its beginning
│   │   ├── AccountRefusedError      credentials, rights, or address are wrong: not this invoice's fault, pauses the account
│   │   └── OtherSellerError         the account's company is not this invoice's seller: about this invoice, no other one waits
│   ├── OutcomeUnknownError          a deposit may or may not have arrived: look it up, never send again blindly
│   └── DocumentError                the invoice's document cannot be sent as it is
│       ├── DocumentMissingError     there is none yet: it may still arrive
│       ├── DocumentUnavailableError it changed while it was read, or there was no time to: it is read again
│       ├── StoreRefusedError        its store refuses or does not answer: nobody's invoice, as long as no document of it is read
│       └── DocumentUnusableError    empty, too large, or neither PDF nor XML: a person must replace it
├── DatabaseUnavailableError         escapes: SQS redelivers
│   └── StatementRefusedError        the server answered and refused one statement: what it was about is put off, the others go on
├── InvalidMessageError              escapes: the dead-letter queue shows it
├── ConfigurationError               escapes: a setting is missing or malformed
│   └── EnvironmentMismatchError     this database belongs to another environment: everything stops until a person re-pins
└── OperatorError                    shown to the person who asked: it cannot be done, and nothing was
    ├── QueueUnavailableError        SQS could not be asked
    └── DocumentsUnknownError        nothing says where the documents of a table lie

The class is the decision; there are no flags. Texts never hold secrets, tokens, or the content of an invoice.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One shape for every failure: our code and sentence, and the platform's own status, code, and words where it spoke."""

    code: str
    message: str
    http_status: int | None = None
    platform_code: str | None = None
    platform_message: str | None = None

    def sentence(self, next_step: str = "") -> str:
        """What happened, in the platform's words where there are any, and what happens next."""
        status = f"HTTP {self.http_status}: " if self.http_status else ""
        spoken = self.platform_message or self.platform_code
        said = f" The platform says: {spoken}." if spoken else ""
        return f"{status}{self.message}.{said}" + (f" {next_step}." if next_step else "")


class FacteurError(Exception):
    """Root of all errors that Facteur raises on purpose."""


class ProblemError(FacteurError):
    """An error that is recorded with the submission; see the subclasses."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence())
        self.problem = problem


class NotDepositedError(ProblemError):
    """Certainly nothing was deposited: the submission waits and is tried again."""


class PlatformBusyError(NotDepositedError):
    """Not sent (connection refused, DNS, TLS) or refused for now (429): again after `retry_after_seconds`, where the platform named one."""

    def __init__(self, problem: Problem, retry_after_seconds: float | None = None) -> None:
        super().__init__(problem)
        self.retry_after_seconds = retry_after_seconds


class UnreadableCopyError(PlatformBusyError):
    """What came in the place of a deposit's copy could not have been deposited: it says nothing, neither for nor against."""

    def __init__(self) -> None:
        super().__init__(
            Problem("unreadable_answer", "the platform showed something else than a document as its copy", 200)
        )


class UnreadableStatusError(PlatformBusyError):
    """One lifecycle message cannot be read and says nothing: whoever reads several goes on with the next.

    `why` is a sentence of ours, with nothing in it of what was read.
    """

    def __init__(self, why: str) -> None:
        words = f"the platform showed something else than a lifecycle message: {why}"
        super().__init__(Problem("unreadable_status", words, 200))


class CursorRefusedError(PlatformBusyError):
    """The platform does not know the place where its feed of events was left, or any more."""


class AccountRefusedError(NotDepositedError):
    """The platform or Secrets Manager refuses this account: pause it and raise an alarm; other accounts go on."""


class OtherSellerError(NotDepositedError):
    """The platform deposits for one company with these credentials, and the invoice is another's: a person names its account.

    Nothing is wrong with the account for other invoices, and nothing with the invoice itself.
    """


class OutcomeUnknownError(ProblemError):
    """The deposit may have been accepted: look it up before anything is sent again.

    Whether the account waits is another question, answered by the status alone; for `retry_after_seconds`, where they are named.
    """

    def __init__(self, problem: Problem, retry_after_seconds: float | None = None) -> None:
        super().__init__(problem)
        self.retry_after_seconds = retry_after_seconds


class DocumentError(ProblemError):
    """The document cannot be sent; nothing was."""


class DocumentMissingError(DocumentError):
    """Nothing lies at the document's address yet."""


class DocumentUnavailableError(DocumentError):
    """The document changed while it was read, or there was no time left to read it: it is read again."""


class StoreRefusedError(DocumentError):
    """The document's store did not answer or refused access; `reason` is its code, or the class of the error."""

    def __init__(self, reason: str) -> None:
        super().__init__(Problem("document_unavailable", f"the document's store does not give it ({reason})"))
        self.reason = reason


class DocumentUnusableError(DocumentError):
    """The document will never be accepted as it is: a person must replace it."""


class DatabaseUnavailableError(FacteurError):
    """Postgres did not do what was asked; nothing is lost, the message comes again."""


class StatementRefusedError(DatabaseUnavailableError):
    """Postgres answered, and refused this statement for its data: who works on many puts it off and goes on with the next."""


class InvalidMessageError(FacteurError):
    """A queue message that names no submission; it ends in the dead-letter queue."""


class ConfigurationError(FacteurError):
    """A setting, a secret, or a migration is missing or malformed; the text says which and what to do."""


class EnvironmentMismatchError(ConfigurationError):
    """The database is pinned to another platform or client: probably a copy. Everything stops until a person re-pins."""


class OperatorError(FacteurError):
    """What a person asked for cannot be done, and nothing was; the text says why and what to do instead."""


class QueueUnavailableError(OperatorError):
    """SQS refused or did not answer."""


class DocumentsUnknownError(OperatorError):
    """No column of the invoice table says where its documents lie, and no person has. `key` is the column of its key."""

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message)
        self.key = key
