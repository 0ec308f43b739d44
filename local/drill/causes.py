"""What each breakage of the drill really does, and what puts it right should the person give up."""

from __future__ import annotations

import time
from collections.abc import Callable

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


def old_secret(ground: Ground) -> None:
    ground.scene.platform.rotate_secret(ground.scene.platform.client_secret)
    resume(ground)


def resume(ground: Ground) -> None:
    ground.facteur("resume", "default", "--why", GIVEN_UP)


def answer_lost(ground: Ground) -> str:
    ground.scene.platform.script(ground.number_to_come(), ["lost_answer"])
    ground.scene.platform.outage(FOREVER_SECONDS, "400", ["search"])
    ground.write()
    return f"The platform's portal, which shows each invoice with its id: {ground.scene.platform.base_url}"


def search_works(ground: Ground) -> None:
    ground.scene.platform.outage(0, "400", ["search"])
    ground.scene.platform.clear_faults()


def password_changed(ground: Ground) -> str:
    ground.rows("alter role facteur_worker password %s", (NEW_PASSWORD,))
    ground.rows(END_WORKERS)
    ground.write(2)
    return f"The DBA has sent the new password of facteur_worker: {NEW_PASSWORD}"


def old_password(ground: Ground) -> None:
    secret = database_secret(as_worker(ground.scene.database_url))
    put_secret(ground.scene.aws, DATABASE_SECRET, secret)
    ground.rows("alter role facteur_worker password %s", (secret["password"],))


def trigger_dropped(ground: Ground) -> None:
    for name, table in ground.rows(TRIGGERS):
        ground.rows(f'drop trigger "{name}" on {table}')
    ground.write(2)


def watched(ground: Ground) -> None:
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


def rate_corrected(ground: Ground) -> None:
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


def again(name: str) -> Callable[[Ground], object]:
    """Deploy a parameter as the demo has it."""
    return lambda ground: ground.deploy(**{name: _right(ground, name)})


def _right(ground: Ground, name: str) -> str:
    return {"DocumentsBucket": BUCKET, "IopoleBaseUrl": ground.scene.platform.base_url}[name]


def unlimited(ground: Ground) -> None:
    ground.facteur("limit", "default", "none", "--why", GIVEN_UP)


def redriven(ground: Ground) -> None:
    ground.facteur("redrive", "--why", GIVEN_UP)


def platform_up(ground: Ground) -> None:
    ground.scene.platform.clear_faults()


def scheduled(ground: Ground) -> None:
    _schedule(ground, "ENABLED")
