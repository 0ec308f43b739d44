"""The twelve things that break: each is made by its real cause, and is over when everything that was written meanwhile is deposited."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from local.demo.stage import BUCKET, DATABASE_SECRET, STACK
from local.drill.ground import Ground
from local.world.postgres import as_worker
from local.world.stack import database_secret, put_secret

LOOK_SECONDS, BREAKER_SECONDS = 0.5, 60
BREAKER_OPEN = "select key from facteur.budgets where pause_reason = 'platform_down' and paused_until > facteur.now()"
FOREVER_SECONDS = 86_400
GIVEN_UP = "the drill was given up"
RELAY_SCHEDULE = f"{STACK}-relay-submissions"
NEW_PASSWORD = "another one"  # noqa: S105 - of the demo's own Postgres
NEW_SECRET = "another-secret-of-the-simulator"  # noqa: S105 - of the simulator's own account
END_WORKERS = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'facteur_worker'"
TRIGGERS = """
select tgname, tgrelid::regclass::text from pg_trigger
where tgrelid = 'invoicing.invoices'::regclass and tgname like 'facteur\\_%'
"""
COLUMNS = """
select attname, format_type(atttypid, atttypmod) from pg_attribute
where attrelid = 'facteur.invoice_source'::regclass and attnum > 0 order by attnum
"""


@dataclass(frozen=True, slots=True)
class Breakage:
    """What is broken, and how the drill itself puts it right, should the person give up.

    Args:
        name: one word, to choose it by.
        what: what has happened, said at the end.
        section: of docs/runbook.md.
        make: breaks it; gives what somebody else would know: the platform's console, a colleague.
        restore: repairs it.
        passes: where it also ends by itself: what the right thing is, said at the end.
    """

    name: str
    what: str
    section: str
    make: Callable[[Ground], str | None]
    restore: Callable[[Ground], object]
    passes: str | None = None


def platform_down(ground: Ground) -> str:
    """Down until the breaker of the account is open, and then well again, which Facteur does not know."""
    ground.scene.platform.outage(FOREVER_SECONDS, "503")
    ground.write(6)
    deadline = time.monotonic() + BREAKER_SECONDS
    while not ground.rows(BREAKER_OPEN) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    ground.scene.platform.outage(0, "503")
    return "The platform's status page says: all systems operational, after an incident"


def secret_wrong(ground: Ground) -> str:
    ground.scene.platform.rotate_secret(NEW_SECRET)
    ground.scene.platform.revoke_tokens()
    ground.write(3)
    return f"The platform's console shows the client's secret: {NEW_SECRET}"


def _old_secret(ground: Ground) -> None:
    ground.scene.platform.rotate_secret(ground.scene.platform.client_secret)
    _resume(ground)


def _resume(ground: Ground) -> None:
    ground.facteur("resume", "default", "--why", GIVEN_UP)


def answer_lost(ground: Ground) -> str:
    ground.scene.platform.script(ground.number_to_come(), ["lost_answer"])
    ground.scene.platform.outage(FOREVER_SECONDS, "400", ["search"])
    ground.write()
    return f"The platform's portal, which shows each invoice with its id: {ground.scene.platform.base_url}"


def _search_works(ground: Ground) -> None:
    ground.scene.platform.outage(0, "400", ["search"])
    ground.scene.platform.clear_faults()


def password_changed(ground: Ground) -> str:
    ground.rows("alter role facteur_worker password %s", (NEW_PASSWORD,))
    ground.rows(END_WORKERS)
    ground.write(2)
    return f"The DBA has sent the new password of facteur_worker: {NEW_PASSWORD}"


def _old_password(ground: Ground) -> None:
    secret = database_secret(as_worker(ground.scene.database_url))
    put_secret(ground.scene.aws, DATABASE_SECRET, secret)
    ground.rows("alter role facteur_worker password %s", (secret["password"],))


def trigger_dropped(ground: Ground) -> None:
    for name, table in ground.rows(TRIGGERS):
        ground.rows(f'drop trigger "{name}" on {table}')
    ground.write(2)


def _watched(ground: Ground) -> None:
    ground.rows("select facteur.watch('invoicing.invoices', 'id')")
    ground.rows("select facteur.note_forgotten(true)")


def bucket_refused(ground: Ground) -> str:
    right = ground.parameter("DocumentsBucket")
    ground.deploy(DocumentsBucket="facteur-demo-other")
    ground.write(2)
    return f"The documents lie in the bucket {right}, says whoever writes them"


def limit_too_low(ground: Ground) -> None:
    ground.facteur("limit", "default", "1", "--why", "the platform asked for it during its migration")
    ground.write(8)


def poison_row(ground: Ground) -> str:
    """The company lets its mapping divide by a column, which is zero in one row."""
    ground.rows("alter table invoicing.invoices add column if not exists rate numeric not null default 1")
    _divided(ground)
    ground.write()
    ground.rows("update invoicing.invoices set rate = 0 where id = %(id)s", {"id": ground.written[0]})
    ground.write()
    return "The accountant says: the rate of every invoice in euros is 1 (column rate of invoicing.invoices)"


def _divided(ground: Ground) -> None:
    columns = ground.rows(COLUMNS)
    before = str(ground.rows("select pg_get_viewdef('facteur.invoice_source'::regclass)")[0][0]).rstrip().rstrip(";")
    if "rate" in before:  # by a drill before
        return
    shown = ", ".join(
        f"(s.total / i.rate)::{kind} as total" if name == "total" else f"s.{name}" for name, kind in columns
    )
    joined = f"({before}) s join invoicing.invoices i on i.id = s.invoice_id"
    ground.rows(f"create or replace view facteur.invoice_source as select {shown} from {joined}")  # noqa: S608 - of the catalogue


def _rate_corrected(ground: Ground) -> None:
    ground.rows("update invoicing.invoices set rate = 1 where rate = 0")


def dead_letters(ground: Ground) -> None:
    """What a worker that crashes on them five times does with messages, at once."""
    sqs, queue = ground.client("sqs"), ground.scene.stack.outputs["SubmissionsQueueUrl"]
    _consumer(ground, on=False)
    ground.write(3)
    moved = 0
    while moved < len(ground.written):
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages", ()
        ):
            sqs.send_message(QueueUrl=ground.scene.stack.outputs["DeadLetterQueueUrl"], MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    _consumer(ground, on=True)


def _consumer(ground: Ground, *, on: bool) -> None:
    client = ground.client("lambda")
    for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)


def account_paused(ground: Ground) -> None:
    ground.facteur("pause", "default", "--why", "before the move to the other bank")
    ground.write(2)


def wrong_address(ground: Ground) -> str:
    right = ground.parameter("IopoleBaseUrl")
    ground.deploy(IopoleBaseUrl=right.replace("127.0.0.1", "localhost"))
    ground.write()
    return f"The platform is at {right}, and was until somebody deployed this morning"


def schedule_off(ground: Ground) -> None:
    _schedule(ground, "DISABLED")
    ground.write(2)


def _schedule(ground: Ground, state: str) -> None:
    scheduler = ground.client("scheduler")
    found = scheduler.get_schedule(Name=RELAY_SCHEDULE)
    needed = {name: found[name] for name in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(**needed, State=state)


def is_scheduled(ground: Ground, function: str) -> bool:
    """Whether EventBridge would call the function with this logical id."""
    if function != "RelaySubmissionsFunction":
        return True
    return bool(ground.client("scheduler").get_schedule(Name=RELAY_SCHEDULE).get("State", "ENABLED") == "ENABLED")


def _again(name: str) -> Callable[[Ground], object]:
    """Deploy a parameter as the demo has it."""
    return lambda ground: ground.deploy(**{name: _right(ground, name)})


def _right(ground: Ground, name: str) -> str:
    return {"DocumentsBucket": BUCKET, "IopoleBaseUrl": ground.scene.platform.base_url}[name]


def _unlimited(ground: Ground) -> None:
    ground.facteur("limit", "default", "none", "--why", GIVEN_UP)


def _redriven(ground: Ground) -> None:
    ground.facteur("redrive", "--why", GIVEN_UP)


def _platform_up(ground: Ground) -> None:
    ground.scene.platform.clear_faults()


def _scheduled(ground: Ground) -> None:
    _schedule(ground, "ENABLED")


SILENT = "The relay is silent"
BREAKAGES = (
    Breakage(
        "platform",
        "the platform was down",
        "The platform does not answer",
        platform_down,
        _platform_up,
        "This one goes on by itself, a minute after the platform is back at the latest: the right thing is to look whose fault it is, "
        "and to wait. `facteur resume` spares that minute, no more.",
    ),
    Breakage(
        "secret",
        "the client's secret was changed at the platform",
        "The platform refuses an account",
        secret_wrong,
        _old_secret,
    ),
    Breakage(
        "doubt",
        "an answer was lost, and the platform's search fails",
        "A deposit stays in doubt",
        answer_lost,
        _search_works,
    ),
    Breakage("password", "the password of the functions' role was changed", SILENT, password_changed, _old_password),
    Breakage(
        "trigger",
        "the triggers on the invoice table were dropped",
        "The installation has come apart",
        trigger_dropped,
        _watched,
    ),
    Breakage(
        "bucket",
        "the stack was deployed with another bucket",
        "A store refuses documents",
        bucket_refused,
        _again("DocumentsBucket"),
    ),
    Breakage("limit", "the account's limit is too low", "An account's limit is too low", limit_too_low, _unlimited),
    Breakage("row", "the mapping raises on a row", "A row cannot be read", poison_row, _rate_corrected),
    Breakage(
        "letters",
        "messages lie in the dead-letter queue",
        "Messages lie in the dead-letter queue",
        dead_letters,
        _redriven,
    ),
    Breakage("paused", "somebody paused the account and forgot it", "An account is paused", account_paused, _resume),
    Breakage(
        "address",
        "the stack was deployed with another address of the platform",
        SILENT,
        wrong_address,
        _again("IopoleBaseUrl"),
    ),
    Breakage("schedule", "the relay's schedule was switched off", SILENT, schedule_off, _scheduled),
)
