"""A deposit of long ago, which every run begins with: without a witness nothing is ever sent again by itself."""

from __future__ import annotations

import hashlib

import requests

from facteur.platforms.iopole.client import TOKEN_PATH
from facteur.postgres.database import Database, as_json
from local.invoices import BUYERS, SELLER, file_name, render, sample_invoice
from local.simulator.core.control import Simulator

AGE_SECONDS = 7200.0
RANK = 90_000  # no run has so many invoices
INVOICE = sample_invoice(RANK, buyer=BUYERS[0], seller=SELLER)
NUMBER = INVOICE.number
KEY = "witness"  # no row of the company's
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
                              invoice_number, seller_siren, total, currency, platform)
select id, %(key)s, 'default', gen_random_uuid(), facteur.now(), facteur.now(), 'accepted', %(id)s, %(sha256)s, %(number)s,
       %(seller)s, %(total)s, 'EUR', %(client)s::jsonb from deposited
"""


def deposit(simulator: Simulator, database: Database) -> None:
    """Deposit it as another program of the same client would, and let Facteur know it as its own."""
    content = render(INVOICE, "cii")
    credentials = {"client_id": simulator.client_id, "client_secret": simulator.client_secret}
    form = credentials | {"grant_type": "client_credentials"}
    token = requests.post(simulator.auth_url + TOKEN_PATH, data=form, timeout=30).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "customer-id": simulator.customer_id}
    files = {"file": (file_name(INVOICE, "cii"), content)}
    answer = requests.post(f"{simulator.base_url}/v1/invoice", headers=headers, files=files, timeout=30)
    client = {
        "provider": "iopole", "base_url": simulator.base_url,
        "client": hashlib.sha256(f"{database.row(SALT).salt}{simulator.client_id}".encode()).hexdigest(),
    }  # fmt: skip
    database.rows(
        KNOWN,
        {
            "key": KEY, "id": answer.json()["id"], "number": NUMBER, "seller": SELLER.siren, "issued": INVOICE.issue_date,
            "total": INVOICE.total, "sha256": hashlib.sha256(content).hexdigest(), "client": as_json(client),
        },
    )  # fmt: skip
