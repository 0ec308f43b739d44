"""Install on an existing database, and take it away again."""

from __future__ import annotations

from facteur.errors import OperatorError
from facteur.install.kinds import answered, unanswered
from facteur.install.migrate import as_date
from facteur.install.model import Initialised, KindColumn, Plan, Question, Sample, Uninstalled, Wish
from facteur.install.names import PARTS, plain
from facteur.install.plan import check_installation, plan
from facteur.install.tables import choose_table
from facteur.operate.model.acts import Act
from facteur.operate.services import OperateServices

# What init and uninstall answer is made of is theirs as well.
__all__ = ["Initialised", "KindColumn", "Plan", "Question", "Sample", "Uninstalled", "init", "uninstall"]
LOCK_TIMEOUT_SECONDS = 3.0
NOT_SAID = "not said"
NAME_THE_STACK = "--confirm NAME"
NO_FIRST_DAY = "give --submit-from YYYY-MM-DD, the issue date of the first invoice to deposit: none before it ever is"


def init(
    services: OperateServices, *, table: str | None = None, columns: list[str] | None = None, documents: str | None = None,
    final: list[str] | None = None, seller: str | None = None, add_columns: bool = False, mapping: str | None = None,
    watch: list[str] | None = None, replace: bool = False, submit_from: str | None = None,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS, apply: bool = False, who: str = "", why: str = "",
    kinds: list[str] | None = None, where: str | None = None,
) -> Initialised:  # fmt: skip
    """Find the invoice table and propose the mapping and every statement; with `apply`, run them in one transaction.

    Args:
        columns: `part=column`, where the names do not say it.
        mapping: SQL to install in place of what would be proposed.
        submit_from: issue date (YYYY-MM-DD) of the first invoice to deposit; must be given to apply.
        kinds: of documents that are invoices, where the table names kinds: without an answer there is only a question.
        where: a condition of the company's own, on the invoice's row.

    Raises:
        OperatorError: it cannot be done like this, and nothing was; the text names the option.
    """
    wish = Wish(
        table, _parts(columns or []), documents, tuple(final or ()), seller, add_columns, mapping, tuple(watch or ()), replace,
        tuple(kinds or ()), where,
    )  # fmt: skip
    first_day, store = as_date(submit_from), services.installing
    found = store.look(_status_columns(wish))
    check_installation(found, wish)
    chosen = choose_table(found, wish)
    if where is not None:
        store.check_condition(where, chosen)
    kind_columns, remarks = store.kinds(found, chosen, wish)
    known = answered(kind_columns, wish.kinds)
    if sentence := unanswered(known):
        return Initialised(None, False, None, question=Question(chosen.name, known, sentence))
    proposal = plan(found, wish, known, remarks)
    if not apply:
        return Initialised(proposal, False, None, store.samples(proposal.sampling) if proposal.sampling else ())
    if first_day is None:
        raise OperatorError(NO_FIRST_DAY)
    signed = _signed(services, "init", who, why, dry_run=False)
    worker = services.settings.worker_role
    return Initialised(proposal, True, store.apply(proposal, first_day, lock_timeout_seconds, worker, signed))


def uninstall(
    services: OperateServices, *, drop_data: bool = False, drop_columns: bool = False, force: bool = False,
    dry_run: bool = False, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS, stack: str | None = None, who: str = "",
    why: str = "",
) -> Uninstalled:  # fmt: skip
    """Take triggers and mapping away, in one transaction.

    Args:
        drop_data: the schema facteur as well, with all that is known of deposits.
        drop_columns: the columns as well that installing added, with what was written there.
        force: though invoices are still being deposited.
        stack: whose data is dropped; must be named where a stack is asked to.

    Raises:
        OperatorError: it cannot be done, and nothing was.
    """
    if drop_data and not dry_run and services.stack not in {None, stack}:
        raise OperatorError(f"what is known of deposits is dropped only where the stack is named: {NAME_THE_STACK}")
    return services.installing.uninstall(
        _signed(services, "uninstall", who, why, dry_run), drop_data=drop_data, drop_columns=drop_columns, force=force,
        lock_timeout_seconds=lock_timeout_seconds,
    )  # fmt: skip


def _signed(services: OperateServices, operation: str, who: str, why: str, dry_run: bool) -> Act:
    """Whoever owns the schema need not say why; that nobody said it is recorded as well."""
    return services.act(operation, who.strip() or NOT_SAID, why.strip() or NOT_SAID, dry_run)


def _parts(columns: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in columns]
    wrong = [each for each, (part, _, column) in zip(columns, pairs, strict=True) if not part or not column]
    if wrong:
        raise OperatorError(f"--column {wrong[0]}: give part=column, such as number=invoice_ref")
    return {part: column for part, _, column in pairs}


def _status_columns(wish: Wish) -> list[str]:
    """Names, without case and underscores, of columns whose known values say which invoices are finished."""
    named = wish.columns.get("status")
    return [plain(each) for each in (*PARTS["status"], *PARTS["technical_status"], *([named] if named else []))]
