"""What pyfrctc, the library of akretion, reads in a lifecycle message is what we read in it.

It brings a DNS resolver, OAuth and 14 MB for one function, so it is no dependency: `uv pip install --target FOLDER pyfrctc==0.24`, then
`PYTHONPATH=FOLDER .venv/bin/pytest tests/unit/test_cdar_agreement.py`. PYFRCTC_CORPUS names a folder of further messages.
Its 0.24 takes times as they are written; from 0.25 on it reads those of Paris, as we do.
"""

from __future__ import annotations

import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from facteur.platforms.afnor.cdar import InvoiceStatus, message_in
from local.simulator.afnor import cdar_twists
from local.simulator.core.invoice import Format, Invoice, Party
from local.simulator.core.ledger import Deposit
from local.simulator.core.lifecycle import CODES, Fate, Reason, Status, Verdict
from local.simulator.core.settings import Settings
from tests.lifecycle_messages import COLLECTED, REFUSED, about, acknowledged, amount, message, reason

pyfrctc = pytest.importorskip("pyfrctc", reason="pyfrctc is no dependency of ours; see this module's first lines")

OURS = {
    "refused": REFUSED, "collected": COLLECTED,
    "disputed twice": message(acknowledged(about("F-7", "207", reason("QTE_ERR", "two"), reason("AUTRE", comment="é", sequence=2)))),
    "paid": message(acknowledged(about("F-7", "211", reason(inner=amount("1.50", None, "MPA", day="20261011"))))),
    "taken in hand": message(acknowledged(about("F/7 é", "204"))),
}  # fmt: skip
INVOICE = Invoice(
    Format.CII, "en16931", "F-7 é", date(2026, 10, 10), "380", Party("VENDEUR", "100000009", "0225:100000009", "FR"),
    Party("ACHETEUR", "200000008", "0225:200000008", "FR"), "120.00", "EUR",
)  # fmt: skip
DEPOSIT = Deposit("d-1", "a", 1_791_792_000.0, "F-7.xml", b"<a/>", "0" * 64, INVOICE, Fate(Verdict.ACCEPTED))
SIMULATORS = {
    f"the simulator's {code} of the {author}": cdar_twists.message(
        DEPOSIT, Status("s-1", 1_791_792_060.0, code, author=author, reason=why), Settings()
    )
    for code in CODES
    for author, why in (
        ("PLATFORM", None),
        ("BUYER", Reason("NON_CONFORME", "Il manque", "NON_CONFORME", ("BR-1", "BR-2"))),
    )
}
THEIRS = {each.name: each.read_bytes() for each in sorted(Path(os.environ.get("PYFRCTC_CORPUS", "-")).glob("*.xml"))}

WRITTEN = datetime(2026, 10, 12, 9, 30, 5)  # noqa: DTZ001  as they write it
SAID: dict[str, Any] = {  # by the numbers of the norm's own table: context, message, sender, issuer, recipient, invoice
    "MDT-2": "REGULATED", "MDT-3": "urn.cpro.gouv.fr:1p0:CDV:invoice", "MDT-4": "F-7#207", "MDT-8": WRITTEN, "MDT-21": "BY",
    "MDT-38": {"0002": "200000008"}, "MDT-39": "Acheteur", "MDT-40": "BY", "MDT-57": {"0002": "100000009"}, "MDT-58": "Vendeur",
    "MDT-59": "SE", "MDT-73": "100000009", "MDT-73-1": "0225", "MDT-74": False, "MDT-77": 23, "MDT-78": WRITTEN, "MDT-87": "F/7 é",
    "MDT-88": "46", "MDT-91": "380", "MDT-95": WRITTEN, "MDT-100": date(2026, 10, 10), "MDT-105": "207", "MDT-106": "Litige",
    "MDT-129": {"0002": "100000009"},
}  # fmt: skip
WHY = [
    {
        "MDT-113": "QTE_ERR",
        "MDT-114": "Quantité",
        "MDT-121": "CNP",
        "MDT-122": "Avoir partiel",
        "MDT-126": "il en manque deux",
    },
    {"MDT-113": "AUTRE", "MDT-114": "Autre", "MDT-121": "NIN", "MDT-122": "Facture rectificative", "MDT-126": "<&> é"},
]
GENERATED = {
    f"theirs, {len(why)} reasons, {'with' if prefixed else 'without'} prefixes": pyfrctc.generate_cdar(
        {**SAID, **({"MDG-37": why} if why else {"MDT-105": "204", "MDT-106": "Prise en charge", "MDT-88": "45"})},
        prefixed_namespaces=prefixed,
    )
    for why in ([], WHY[:1], WHY)
    for prefixed in (True, False)
}


def _as_theirs(status: InvoiceStatus) -> dict[str, Any]:
    return {
        "invoice_number": status.invoice_number,
        "invoice_issuer": status.seller_siren,
        "status_code": status.code,
        "status_name": status.label,
        "doc_status": [
            {
                "reason_code": each.code, "reason_txt": each.text, "action_code": each.action, "comment": each.comment,
                "doc_characteristics": [
                    {"type_code": one.kind, "amount": one.amount, "currency": one.currency, "date": one.day}
                    for one in each.characteristics
                ],
            }
            for each in status.reasons
        ],
    }  # fmt: skip


def _plain(theirs: dict[str, Any]) -> dict[str, Any]:
    """What they read, without what we have no use for: our keys, None where they leave one out, amounts as decimals."""
    keys = ("invoice_number", "status_code", "status_name")
    return {
        **{key: theirs.get(key) for key in keys},
        "invoice_issuer": theirs.get("invoice_issuer", {}).get("0002"),
        "doc_status": [
            {
                **{key: each.get(key) for key in ("reason_code", "reason_txt", "action_code", "comment")},
                "doc_characteristics": [
                    {
                        "type_code": one.get("type_code"),
                        "amount": Decimal(str(one["amount"]["float"])) if "amount" in one else None,
                        "currency": one["amount"]["currency"] if "amount" in one else None,
                        "date": one["date"].date() if "date" in one else None,
                    }
                    for one in each["doc_characteristics"]
                ],
            }
            for each in theirs["doc_status"]
        ],
    }


@pytest.mark.parametrize(
    "content",
    [*OURS.values(), *SIMULATORS.values(), *GENERATED.values(), *THEIRS.values()],
    ids=[*OURS, *SIMULATORS, *GENERATED, *THEIRS],
)
def test_the_same_is_read(content: bytes) -> None:
    theirs = pyfrctc.parse_cdar(content)

    status = message_in(content).statuses[0]

    assert _as_theirs(status) == _plain(theirs)
    assert status.date_given == theirs["lc_datetime"].strftime("%Y%m%d%H%M%S")
