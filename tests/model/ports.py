"""The product's outsides for one worker of the model, each of which waits for the worker's turn: Postgres, documents, the platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from io import BytesIO
from typing import IO, Any

from facteur.aws.secrets_manager import Secrets
from facteur.domain.doubt import Candidate, Question, Shown
from facteur.domain.metrics import Metric
from facteur.domain.submission import Answer, Invoice, StatusEvent
from facteur.errors import (
    DatabaseUnavailableError,
    DocumentMissingError,
    DocumentUnavailableError,
    PlatformBusyError,
    Problem,
    StoreRefusedError,
    UnreadableCopyError,
)
from facteur.platforms.accounts import AccountPlatforms
from facteur.platforms.credentials import Credentials
from facteur.platforms.port import Capabilities, Defaults, NotOffered, Provider
from facteur.postgres.database import Database, Parameters, Row
from tests.model.calls import Before, Call, Fault
from tests.model.platform import SELLER, Deposit, MemoryPlatform

LARGE, LARGE_BYTES = "large", 6_000_000
CAPABILITIES = Capabilities(("history",), longest_document=10_000_000)


class AwayError(DatabaseUnavailableError):
    """The connection was lost: before a statement was carried out, or after it."""


class OneConnection(Database):
    """That of all workers: no two statements run at a time."""

    def __init__(self, shared: Database, before: Before) -> None:
        super().__init__(dict)
        self._shared, self._before = shared, before

    def rows(self, statement: str, parameters: Parameters | None = None) -> list[Row]:
        fault = self._before(Call.STATEMENT)
        if fault is Fault.UNREACHABLE:
            raise AwayError("not carried out")
        rows = self._shared.rows(statement, parameters)
        if fault is Fault.LOST:
            raise AwayError("carried out")
        return rows


@dataclass(frozen=True, slots=True)
class MemoryDocument:
    """The port Document: a PDF, in which the platform reads what the row says. `invoice_id` is ours: the platform does not see it."""

    invoice_id: str
    number: str
    total: Decimal
    uri: str
    file_name: str = "invoice.pdf"
    content_type: str = "application/pdf"
    number_read: bool = True
    seller_siren: str | None = None

    @property
    def size(self) -> int:
        return LARGE_BYTES if LARGE in self.uri else len(self.uri)

    @property
    def sha256(self) -> str:
        return sha256(self.uri.encode()).hexdigest()

    def open(self) -> IO[bytes]:
        return BytesIO(self.uri.encode())

    def close(self) -> None:
        """There is nothing to free."""


@dataclass(frozen=True, slots=True)
class MemoryDocuments:
    """The port Documents: something lies at every address."""

    before: Before

    def far(self, invoice: Invoice) -> bool:
        return True

    def fetch(self, invoice: Invoice, hold_bytes: int | None, longest_bytes: int) -> MemoryDocument | None:
        fault = self.before(Call.FETCH)
        if fault is Fault.UNREACHABLE:
            raise StoreRefusedError("AccessDenied")
        if fault is Fault.MISSING or not invoice.document_uri:
            raise DocumentMissingError(Problem("document_missing", "nothing lies there yet"))
        if fault is Fault.LOST:
            raise DocumentUnavailableError(Problem("document_unavailable", "the document changed while it was read"))
        found = MemoryDocument(
            invoice.invoice_id, str(invoice.invoice_number), invoice.total or Decimal(0), invoice.document_uri
        )
        return None if hold_bytes is not None and found.size > hold_bytes else found


@dataclass(frozen=True, slots=True)
class MemoryAccount(NotOffered):
    """The port Platform, for the one account."""

    platform: MemoryPlatform
    before: Before
    capabilities: Capabilities = CAPABILITIES
    sandbox: bool = False

    def begin_invocation(self, stop_at: float) -> None:
        """No call of it takes any time."""

    def obtain_token(self) -> None:
        self._read(Call.TOKEN)

    def probe(self) -> datetime | None:
        self._read()
        return self.platform.dated()

    def deposit(self, document: Any, own_key: str | None, before_block: Callable[[], None]) -> Answer:
        fault = self.before(Call.DEPOSIT)
        before_block()
        platform, invoice_id = self.platform, document.invoice_id
        attempt_id = platform.attempt_of(invoice_id)
        sent = Deposit(invoice_id, attempt_id, document.number, document.sha256, document.total, platform.clock())
        return platform.post(sent, fault)

    def find(self, invoice_number: str) -> list[Candidate]:
        return [] if self._read() is Fault.BLIND else self.platform.find(invoice_number)

    def shown(self, questions: Sequence[Question]) -> list[Shown]:
        blind = self._read() is Fault.BLIND
        return [self._of_question(each, blind) for each in questions]

    def shown_alone(self, questions: Sequence[Question]) -> list[Shown]:
        return [shown for each in questions for shown in self.shown([each])]

    def answers_what_is_asked(self) -> bool:
        return self._read() is not Fault.BLIND

    def sha256_of(self, platform_id: str) -> str | None:
        if self._read() is Fault.BLIND:
            raise UnreadableCopyError
        return self.platform.sha256_of(platform_id)

    def history(self, platform_id: str) -> list[StatusEvent]:
        self._read()
        return list(self.platform.deposits[platform_id].events)

    def _read(self, call: Call = Call.READ) -> Fault:
        fault = self.before(call)
        fault = self.platform.met_by_a_read(fault) if call is Call.READ else fault
        self.platform.check(fault)
        if fault is Fault.DOWN:
            raise PlatformBusyError(Problem("platform_unavailable", "down", 503))
        return fault

    def _of_question(self, question: Question, blind: bool) -> Shown:
        if blind:
            return Shown((), frozenset(), self.platform.dated())
        candidates = [candidate for number in question.numbers for candidate in self.platform.find(number)]
        standing = {w.platform_id for w in question.witnesses if self.platform.stands(w.platform_id)}
        return Shown(tuple(candidates), frozenset(standing), self.platform.dated(), frozenset({SELLER}))


class Vault:
    """Secrets Manager, with one secret for all."""

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803  as boto3 has it
        return {"SecretString": "{}"}


def account_platforms(platform: MemoryPlatform, database: Database, before: Before) -> AccountPlatforms:
    """Of a fresh container, whose one account is on the platform in memory."""
    hosts = {"memory_url": "https://api.memory", "memory_auth_url": "https://auth.memory"}
    kind = Provider(
        "memory", CAPABILITIES, frozenset(), frozenset(), ("memory_url", "memory_auth_url"), (), _credentials,
        lambda _wiring: MemoryAccount(platform, before),
    )  # fmt: skip
    vault: Any = Vault()
    return AccountPlatforms(
        Defaults("memory", "facteur/default", hosts, 5.0, 30.0, 1), Secrets(lambda: vault), database, {"memory": kind}
    )


def _credentials(_secret: Mapping[str, Any], _secret_id: str) -> Credentials:
    return Credentials("client", "client's secret")


class Notebook:
    """The port Journal. What the product puts off because it raised is an error of the product's, or of the model's."""

    def event(self, name: str, **fields: Any) -> None:
        pass

    def warning(self, name: str, **fields: Any) -> None:
        assert not name.endswith((".put_off", ".raised")), f"{name}: {fields}"

    def count(self, metric: Metric, value: float = 1, reason: str | None = None, provider: str | None = None) -> None:
        pass
