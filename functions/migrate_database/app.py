"""Called by CloudFormation on deploy, by hand with `{}`, and by `facteur init` and `facteur uninstall` with an operation."""

from dataclasses import asdict
from typing import Any

from facteur.adapters.cloudformation import answer, as_custom_resource
from facteur.bootstrap import migration_services, operate_services
from facteur.migrate import migrate
from facteur.observability import PowertoolsJournal, observed, remaining_seconds


@observed("migrate_database")
def handler(event: dict[str, Any], context: Any, journal: PowertoolsJournal) -> dict[str, Any]:
    """A stack that is deleted keeps all its data."""
    if "operation" in event:
        from facteur.operate.dispatch import operate  # a deploy needs none of it

        told = operate(event, operate_services())
        journal.event("operation", operation=str(event["operation"]), done="result" in told)
        return told
    if event.get("RequestType") == "Delete":
        answer(event, context, "SUCCESS", "all data stays")
        return {"deleted": "nothing"}
    with as_custom_resource(event, context, remaining_seconds(context)):
        database, wishes = migration_services()
        migrated = migrate(database, **wishes)
        journal.event(
            "database.migrated", version=migrated.version, applied=len(migrated.applied), watching=migrated.watching
        )
        return asdict(migrated)
