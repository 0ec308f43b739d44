"""What migrate_database is built of."""

from __future__ import annotations

from typing import Any

from facteur import container
from facteur.postgres.database import Database


def migration_services() -> tuple[Database, dict[str, Any]]:
    """The database as its owner, and what to do with it: the arguments of `migrate`. Begins an invocation."""
    settings = container.settings()
    return container.begun_database(as_owner=True), {
        "install_capture": settings.install_capture, "submit_from": settings.submit_from, "worker_role": settings.worker_role,
        "invoice_kinds": settings.invoice_kinds,
    }  # fmt: skip
