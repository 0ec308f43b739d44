"""A world with two accounts, default and second."""

from __future__ import annotations

from typing import Any

from local.world.levers import World

# The company's view shows the account of a column, and documents as they lie.
SHOW_ACCOUNTS = """
alter table invoicing.invoices add column account text;
do $do$ begin
    execute 'create or replace view facteur.invoice_source as ' || replace(pg_get_viewdef('facteur.invoice_source'),
        $$'default'::text AS account$$, $$coalesce(account, 'default'::text) AS account$$);
end $do$
"""

FIRST = "M-000001"  # the number that the ground gives the first invoice
SECOND: dict[str, Any] = {"client_id": "second@facteur.example", "client_secret": "second", "customer_id": "customer-2"}


def deposited_by(world: World) -> list[str]:
    return [deposit["account"] for deposit in world.simulator.ledger()]
