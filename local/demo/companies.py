"""The companies of the demo: each sells by itself, and deposits with a platform of its own."""

from __future__ import annotations

from dataclasses import dataclass

from local.invoices import SELLER, Company, company

# As a company with several accounts edits the view: here the seller says which account an invoice is of.
NAME_ACCOUNTS = """
do $do$ begin
    execute 'create or replace view facteur.invoice_source as ' || replace(pg_get_viewdef('facteur.invoice_source'),
        $$'default'::text AS account$$, $$case seller_siren {cases} else 'default'::text end AS account$$);
end $do$
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A company's account. `kind`: of its platform, as the simulator names it; `title`: as people do; `differs`: what to look at."""

    name: str
    kind: str
    title: str
    seller: Company
    differs: str

    @property
    def simulator(self) -> str:
        """What its simulator is called."""
        return f"{self.title} simulator"


FIRST = Account(
    "default", "iopole", "Iopole", SELLER, "a lost answer is found by its number, then by its bytes; statuses by its search",
)  # fmt: skip
OTHERS = (
    Account(
        "superpdp", "superpdp", "SUPER PDP", company("Librairie des Quais", "130", 2, "Bordeaux", "33000"),
        "a lost answer is found by the key that Facteur sent with it; statuses come in one list of events",
    ),
    Account(
        "afnor", "afnor", "AFNOR", company("Tissages Roussel", "130", 3, "Roubaix", "59100"),
        "found by its key as well; statuses come as acknowledgements of files and as messages about invoices",
    ),
)  # fmt: skip
ACCOUNTS = {each.name: each for each in (FIRST, *OTHERS)}


def naming(accounts: tuple[Account, ...]) -> str:
    """The statement by which the view names these accounts beside the default one."""
    cases = " ".join(f"when $q${each.seller.siren}$q$ then $q${each.name}$q$::text" for each in accounts)
    return NAME_ACCOUNTS.format(cases=cases)
