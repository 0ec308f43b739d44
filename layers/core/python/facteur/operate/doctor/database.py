"""Checks of the settings, the database, and the company's tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from facteur import __version__
from facteur.domain.checks import is_siren, place_of
from facteur.domain.words import counted
from facteur.operate.doctor.diagnosis import Verdict, failed, ok, warning
from facteur.operate.doctor.examination import Examination
from facteur.operate.model.doctor import ReadyRow
from facteur.platforms.registry import PROVIDERS

MIGRATE = "invoke the stack's function migrate_database with {}, or deploy again"
CLOCK_TOLERANCE = timedelta(seconds=60)
MOST_NAMED = 5
SAMPLE = 100
KEYS = frozenset({"smallint", "integer", "bigint", "uuid", "text", "character varying", "character"})
NUMBERS = frozenset({"numeric", "smallint", "integer", "bigint", "real", "double precision"})
DATES = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
TYPES = {
    "invoice_id": KEYS, "ready": frozenset({"boolean"}), "document": frozenset({"bytea"}), "total": NUMBERS,
    "issue_date": DATES,
}  # fmt: skip
NEEDED = ("invoice_id", "ready", "invoice_number", "seller_siren")
EDIT = "edit the view facteur.invoice_source"


def unknown_address(exam: Examination) -> list[str]:
    """The settings that would say where the platform is, and do not."""
    names = PROVIDERS[exam.settings.pdp_provider].address_settings or ()
    return [name.upper() for name in names if getattr(exam.settings, name) is None]


def settings(exam: Examination) -> Verdict:
    """Whether all is named that the functions need."""
    missing = unknown_address(exam)
    missing += [] if exam.dead_letters else ["SUBMISSIONS_QUEUE_URL"]
    if not missing:
        return ok("complete")
    if exam.settings.in_lambda:
        return failed(f"missing: {', '.join(missing)}", "set them in template.yaml and deploy")
    return warning(
        f"not set here: {', '.join(missing)}", "what they name is not checked: ask the deployed stack with --stack NAME"
    )


def database(exam: Examination) -> Verdict:
    """Reachable, writable, by a role that may do what the functions do."""
    found = exam.database.connection()
    words = (
        f"Postgres {found.server}, role {found.role}, {found.tls or 'no TLS'} (sslmode {found.sslmode or 'unknown'})"
    )
    if found.read_only:
        return failed(f"{words}: it is read-only", "name the primary in the database secret, not a replica")
    if not found.schema_there:
        return failed(f"{words}: there is no schema facteur", f"{MIGRATE}; is it the right database?")
    if found.lacking:
        return failed(
            f"{words}: the role lacks {', '.join(found.lacking)}",
            "see docs/database-roles.md: migrate_database grants them",
        )
    if not found.tls and not found.on_this_machine:
        return warning(
            f"{words}: the password and the invoices travel in clear", "set sslmode verify-full in the secret"
        )
    if found.superuser:
        return warning(f"{words}: a superuser", "use a role with the rights that it needs")
    return ok(words)


def migrations(exam: Examination) -> Verdict:
    """Whether the schema is of this version."""
    applied, version = exam.database.migrations(), exam.database.installation().version
    words = ", ".join(map(str, sorted(exam.migrations - applied)))
    if words:
        return failed(f"migrations that are missing: {words}", MIGRATE)
    if applied - exam.migrations or version != __version__:
        return warning(
            f"the database is of version {version}, this is {__version__}", "use the same version here and in the stack"
        )
    return ok(f"version {version}, {len(applied)} migrations")


def clock(exam: Examination) -> Verdict:
    """The database's clock, which decides everything, against this machine's."""
    before = exam.now()
    theirs = exam.database.clock()
    after = exam.now()
    return judged_clock("the database's clock", theirs - (before + (after - before) / 2))


def judged_clock(whose: str, ahead: timedelta) -> Verdict:
    """What a difference between a clock and this machine's means."""
    seconds = ahead.total_seconds()
    words = f"{whose} is {abs(seconds):.1f} s {'ahead of' if seconds >= 0 else 'behind'} this machine's"
    if abs(ahead) > CLOCK_TOLERANCE:
        return warning(
            words, "let both keep time by NTP: times in Facteur are the database's, in statuses the platform's"
        )
    return ok(words)


def installation(exam: Examination) -> Verdict:
    """Whether name, table, triggers, key, view, functions, rights, types and sequences still belong together."""
    faults = exam.database.installation_faults()
    if not faults and not exam.database.mapping_columns():
        return failed("no table is watched", "facteur init, or deploy with InstallCapture=true")
    grave = [each for each in faults if each.grave]
    shown = grave or faults
    words, fixes = "; ".join(each.what for each in shown), "; ".join(dict.fromkeys(each.fix for each in shown))
    if grave:
        return failed(words, fixes)
    return warning(words, fixes) if faults else ok("name, table, triggers, key, view and functions belong together")


def write_backs(exam: Examination) -> Verdict:
    """Each status, given to real rows and taken back, with all that the company's own triggers and checks do."""
    tried = exam.database.try_write_backs()
    if tried.problems:
        return failed(
            _some(list(tried.problems)),
            "let the rows take what facteur.write_back writes: docs/runbook.md, a row cannot be written",
        )
    return (
        ok(counted("each status was written to # [row|rows], and rolled back", tried.rows))
        if tried.rows
        else warning("there is no row to try with", "facteur doctor --deep again, once there is one")
    )


def mapping(exam: Examination) -> Verdict:
    """Whether the view has the columns that are needed."""
    columns = exam.database.mapping_columns()
    if not columns:
        return failed("there is no view facteur.invoice_source", "facteur init, or deploy with InstallCapture=true")
    missing = [name for name in NEEDED if name not in columns]
    missing += [] if {"document_uri", "document"} & set(columns) else ["document_uri or document"]
    if missing:
        return failed(f"the view lacks {', '.join(missing)}", EDIT)
    wrong = [
        f"{name} is {columns[name]}" for name, kinds in TYPES.items() if name in columns and columns[name] not in kinds
    ]
    if wrong:
        return failed(f"wrong types: {', '.join(wrong)}", f"{EDIT} and cast them")
    return ok(counted("# [column|columns]", len(columns)))


def kinds(exam: Examination) -> Verdict:
    """Whether only documents of kinds that somebody has named are deposited, and no kind waits for a word."""
    unread = exam.database.unread_kinds()
    if unread:
        return warning(
            f"the mapping does not ask {_some(unread)}, which names kinds of documents: quotes and orders may be deposited as invoices",
            f"{EDIT}: let ready compare it, and show the other kinds as other_kind (docs/install.md)",
        )
    unnamed = exam.database.unnamed_kinds()
    if unnamed:
        words = _some([f"{kind} ({documents:,} finished)" for kind, documents in unnamed.items()])
        return warning(
            f"kinds of documents that nobody has named: {words}; they are not deposited",
            f"{EDIT}, where they are invoices; else, as the schema's owner, leave each out: select facteur.leave_out('…')",
        )
    return ok("every kind is named or left out")


def keys(exam: Examination) -> Verdict:
    """Whether the view can be read to its end, and shows each key once."""
    repeated = exam.database.repeated_keys(MOST_NAMED)
    if repeated:
        return failed(f"the view shows these keys more than once: {_some(repeated)}", f"{EDIT}: a join multiplies rows")
    return ok("each key once")


def ready_rows(exam: Examination) -> Verdict:
    """Whether a sample of what would be deposited has what a deposit needs."""
    rows = exam.database.ready_rows(SAMPLE)
    if not rows and exam.database.installation().submit_from is None:
        return warning("no row is ready, and submit_from is not set", "deploy with SubmitFrom=YYYY-MM-DD")
    lacking = {name: _some([row.invoice_id for row in wrong]) for name, wrong in _lacking(rows, exam).items() if wrong}
    if lacking:
        words = "; ".join(f"{name}: {ids}" for name, ids in lacking.items())
        return warning(
            f"ready rows that will end as error or wait: {words}", "correct the rows, or what makes them ready"
        )
    return ok(f"{len(rows)} looked at" if rows else "none is ready now")


def _lacking(rows: Sequence[ReadyRow], exam: Examination) -> dict[str, list[ReadyRow]]:
    files = not exam.settings.in_lambda
    return {
        "without invoice_number": [row for row in rows if not row.invoice_number],
        "without a seller_siren of nine digits": [row for row in rows if not is_siren(row.seller_siren)],
        "without issue_date": [row for row in rows if row.issue_date is None],
        "without a document": [row for row in rows if not row.document_uri and not row.has_document],
        "document_uri is not s3://bucket/key": [
            row for row in rows if row.document_uri and not place_of(row.document_uri, files=files)
        ],
    }


def forgotten(exam: Examination) -> Verdict:
    """Rows that became ready past the triggers."""
    count = exam.database.forgotten()
    if count:
        return warning(
            counted("# [row is ready and has|rows are ready and have] neither a note nor a submission", count),
            "select facteur.note_forgotten(true); the relay does so once a day",
        )
    return ok("none")


def last_runs(exam: Examination) -> Verdict:
    """Whether relay and poll have run in the last minutes."""
    found, silent = exam.database.installation(), 300.0
    ages = {"relay_submissions": found.relay_began_seconds_ago, "poll_statuses": found.poll_began_seconds_ago}
    late = [name for name, ago in ages.items() if ago is None or ago > silent]
    if late:
        return failed(f"not in the last five minutes: {', '.join(late)}", "see its log group, and the schedules above")
    if not found.deposits_enabled:
        return warning("deposits are off: nothing is sent", "facteur preview, then deploy with DepositsEnabled=true")
    return ok(", ".join(f"{name} {ago:.0f} s ago" for name, ago in ages.items()))


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
