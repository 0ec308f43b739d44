"""Called by CloudFormation on deploy, by hand with `{}`, and by `facteur init` and `facteur uninstall` with an operation.

The only function that reads the owner's secret.
"""

from dataclasses import asdict
from typing import Any

from facteur import __version__
from facteur.aws.cloudformation import answer, as_custom_resource
from facteur.container import recorded_run
from facteur.install.migrate import migrate
from facteur.install.wiring import migration_services
from facteur.observability import PowertoolsJournal, observed, remaining_seconds


@observed("migrate_database")
def handler(event: dict[str, Any], context: Any, journal: PowertoolsJournal) -> dict[str, Any]:
    """A stack that is deleted keeps all its data."""
    if "operation" in event:
        return _operated(event, context, journal)
    if event.get("RequestType") == "Delete":
        answer(event, context, "SUCCESS", "all data stays")
        return {"deleted": "nothing"}
    with (
        as_custom_resource(event, context, remaining_seconds(context)),
        recorded_run("migrate_database", by_owner=True),
    ):
        database, wishes = migration_services()
        migrated = migrate(database, **wishes)
        journal.event(
            "database.migrated", version=migrated.version, applied=len(migrated.applied), watching=migrated.watching
        )
        if migrated.version != __version__:
            journal.warning(
                "database.newer", version=migrated.version, next_step="deploy that version again, or a newer one"
            )
        if migrated.faults:
            journal.warning("installation.faults", faults=list(migrated.faults), next_step="facteur doctor --deep")
        return asdict(migrated)


def _operated(event: dict[str, Any], context: Any, journal: PowertoolsJournal) -> dict[str, Any]:
    """The log keeps who dropped what: a table of the schema goes with it."""
    from facteur.operate.dispatch import OWN, invoked  # a deploy needs none of it
    from facteur.operate.wiring import owner_services

    answer = invoked(event, context, OWN, owner_services)
    result = answer.get("result", {})
    journal.event(
        "operation", operation=str(event["operation"]), done="result" in answer, caller=event.get("caller"),
        recorded=result.get("recorded"), forgotten=result.get("forgotten"), deposits=result.get("forgotten_deposits"),
    )  # fmt: skip
    return answer
