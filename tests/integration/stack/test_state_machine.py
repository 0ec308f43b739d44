"""The states stand in three places and in one table of the design: enum, constraint, drawing, and what the company reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from facteur.domain.submission import State
from tests.rows import Rows

PAGE = Path(__file__).parents[3] / "docs" / "states.md"
STATES = {state.value for state in State}
FINAL = {"rejected", "closed", "failed"}
INSERT = """
insert into facteur.submissions (invoice_id, account, state, due_at, finalized_at, queued_at, lease_token, lease_until,
                                 platform_id, doubt_since)
values ('1', 'default', %(state)s, {due_at}, {finalized_at}, {queued_at}, {lease}, now(), {platform_id}, {doubt_since})
"""
SOUND = {
    "due_at": "now()", "finalized_at": "null", "queued_at": "null", "lease": "gen_random_uuid()", "platform_id": "'P'",
    "doubt_since": "now()",
}  # fmt: skip
VIOLATIONS = [
    ("pending", {"due_at": "null"}, "open_means_due"),
    ("submitted", {"due_at": "null"}, "open_means_due"),
    ("rejected", {"finalized_at": "now()"}, "open_means_due"),
    ("closed", {"due_at": "null"}, "final_means_finalized"),
    ("sending", {"lease": "null"}, "sending_means_leased"),
    ("submitted", {"platform_id": "null"}, "deposited_means_identified"),
    ("sending", {"queued_at": "now()"}, "only_waiting_is_queued"),
    ("in_doubt", {"doubt_since": "null"}, "in_doubt_means_since"),
    ("lost", {}, "submissions_state"),
]


def drawn_states() -> set[str]:
    drawing = re.search(r"^#+ States$.*?```mermaid\s+stateDiagram-v2(.*?)```", PAGE.read_text(), re.S | re.M)
    assert drawing, f"{PAGE.name} does not draw the states"
    arrows = re.findall(r"^\s*(\S+)\s*-->\s*([^\s:]+)", drawing[1], re.M)
    return {name for arrow in arrows for name in arrow} - {"[*]"}


def test_the_constraint_allows_what_the_enum_names(rows: Rows) -> None:
    definition = "select pg_get_constraintdef(oid) from pg_constraint where conname = 'submissions_state'"

    assert set(re.findall(r"'(\w+)'", rows.value(definition))) == STATES


def test_the_readme_draws_what_the_enum_names() -> None:
    assert drawn_states() == STATES


def test_every_open_state_is_served_by_an_index_on_its_time(rows: Rows) -> None:
    indexes = rows.value(
        r"select string_agg(indexdef, ' ') from pg_indexes where tablename = 'submissions' and indexdef ~ '\mdue_at\M'"
    )

    assert {state for state in STATES if f"'{state}'" in indexes} == STATES - FINAL


@pytest.mark.parametrize(("state", "wrong", "constraint"), VIOLATIONS, ids=lambda v: str(v))
def test_no_row_can_say_what_cannot_be(rows: Rows, state: str, wrong: dict[str, str], constraint: str) -> None:
    final = {"due_at": "null", "finalized_at": "now()"} if state in FINAL else {}
    if constraint in ("open_means_due", "final_means_finalized"):
        final = {}
    statement = INSERT.format(**SOUND | final | wrong)
    rows.run("create function violated(statement text) returns text language plpgsql as $$ declare c text; begin execute statement; "
             "exception when check_violation then get stacked diagnostics c = constraint_name; return c; end $$")  # fmt: skip

    assert constraint in rows.value("select violated(%(s)s)", s=statement.replace("%(state)s", f"'{state}'"))


def test_an_invoice_has_one_live_submission(rows: Rows) -> None:
    live = "select pg_get_expr(indpred, indrelid) from pg_index where indexrelid = 'facteur.submissions_live'::regclass"

    assert set(re.findall(r"'(\w+)'", rows.value(live))) == {"rejected", "failed"}
    assert rows.value("select indisunique from pg_index where indexrelid = 'facteur.submissions_live'::regclass")


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("pending", "pending"),
        ("sending", "pending"),
        ("in_doubt", "pending"),
        ("submitted", "validated"),
        ("rejected", "rejected"),
        ("closed", "validated"),
        ("failed", "error"),
    ],
)
def test_each_state_shows_as_the_design_says(rows: Rows, state: str, shown: str) -> None:
    assert rows.value("select facteur.technical_status(%(state)s)", state=state) == shown
