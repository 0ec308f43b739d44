"""A deposit of long ago, which every run begins with: without a witness nothing is ever sent again by itself."""

from __future__ import annotations

import hashlib

from facteur.platforms.accounts import client_hash
from facteur.platforms.registry import PROVIDERS
from facteur.postgres.database import Database, as_json
from local.invoices import BUYERS, SELLER, file_name, render, sample_invoice
from local.torture.site import Site

AGE_SECONDS = 7200.0
RANK = 90_000  # no run has so many invoices
INVOICE = sample_invoice(RANK, buyer=BUYERS[0], seller=SELLER)
NUMBER = INVOICE.number
KEY = "witness"  # no row of the company's
SENT_KEY = "00000000-0000-4000-8000-00000000feed"
SALT = "select salt::text as salt from facteur.installation"
KNOWN = """
with deposited as (
    insert into facteur.submissions (invoice_id, account, state, platform_id, invoice_number, seller_siren, issue_date,
                                     total, currency, submitted_at, finalized_at, written_status, lifecycle_code)
    values (%(key)s, 'default', 'closed', %(id)s, %(number)s, %(seller)s, %(issued)s, %(total)s, 'EUR', facteur.now(),
            facteur.now(), 'validated', '205') returning id
), pinned as (
    insert into facteur.accounts (name, pin) values ('default', %(client)s::jsonb)
    on conflict (name) do update set pin = excluded.pin
)
insert into facteur.attempts (submission_id, invoice_id, account, lease_token, started_at, ended_at, outcome, platform_id, document_sha256,
                              invoice_number, seller_siren, total, currency, platform, own_key)
select id, %(key)s, 'default', gen_random_uuid(), facteur.now(), facteur.now(), 'accepted', %(id)s, %(sha256)s, %(number)s,
       %(seller)s, %(total)s, 'EUR', %(client)s::jsonb, %(sent_key)s from deposited
"""


def deposit(site: Site, database: Database) -> None:
    """Deposit it as another program of the same client would, and let Facteur know it as its own."""
    wire, simulator, content = site.wire, site.simulator, render(INVOICE, "cii")
    credentials = PROVIDERS[wire.name].read_secret(site.secret(), "of the witness")
    deposit_id = wire.deposited(simulator, SENT_KEY, file_name(INVOICE, "cii"), content)
    client = {
        "provider": wire.name, "base_url": f"{simulator.base_url}{wire.path}",
        "client": client_hash(credentials, str(database.row(SALT).salt)),
    }  # fmt: skip
    database.rows(
        KNOWN,
        {
            "key": KEY, "id": deposit_id, "number": NUMBER, "seller": SELLER.siren, "issued": INVOICE.issue_date,
            "total": INVOICE.total, "sha256": hashlib.sha256(content).hexdigest(), "client": as_json(client),
            "sent_key": SENT_KEY if "feeds" in wire.verbs else None,
        },
    )  # fmt: skip
