"""Each protection that is SQL, switched off: what the mutants change in a run's database."""

from __future__ import annotations

from facteur.postgres.database import Database
from local.torture.sql import add_table, replace_in


def claim_anything(database: Database) -> None:
    for function, pattern, replacement in (
        ("claimable", r"and w\.queued_at is not null.*'in_doubt'\)", ""),
        ("read_otherwise", r"where \(p_item[^$]*", "where false\n"),
        ("begin_lease", r"case s\.state when 'pending' then 'sending' else 'in_doubt' end", "'sending'"),
        ("begin_lease", r"if s\.state = 'pending' then", "if true then"),
    ):
        replace_in(database, f"facteur.{function}", pattern, replacement)


def forget_holders(database: Database) -> None:
    replace_in(database, "facteur.holders", r"group by taken\.platform_id", "where false group by taken.platform_id")


def keep_a_watermark(database: Database) -> None:
    add_table(database, "mark", "select 0::bigint as id")
    database.rows("""
        create function torture.raise_mark() returns trigger language plpgsql as $$
        begin update torture.mark set id = greatest(id, old.id); return null; end $$;
        create trigger raise_mark after delete on facteur.changes for each row execute function torture.raise_mark();
    """)
    replace_in(
        database, "facteur.consume_notes", r"from facteur\.changes where",
        "from facteur.changes where id > (select m.id from torture.mark m) and",
    )  # fmt: skip


def note_once(database: Database) -> None:
    database.rows("create unique index on facteur.changes (invoice_ids)")
    found = "select oid::regproc::text as name from pg_proc where proname like 'note\\_%' and prorettype = 'trigger'::regtype"
    for function in database.rows(found):
        replace_in(database, function.name, r"group by chunk;", "group by chunk on conflict do nothing;")


def write_back_without_net(database: Database) -> None:
    replace_in(
        database, "facteur.try_write_back", r"(?s)exception\s+when [^\n]*\bthen\b.*?return false;\s*end;", "end;"
    )


def believe_write_backs(database: Database) -> None:
    replace_in(
        database,
        "facteur.try_write_back",
        r"if written\.differing is not null and not owners and not anew then",
        "if false then",
    )
    # nor does the note of what a trigger put back
    replace_in(database, "facteur.try_write_back", r" and written\.differing is null\s+and anew is not true;", ";")


def forget_lost_messages(database: Database) -> None:
    replace_in(database, "facteur.pick_due", "30 minutes", "30 years")


def send_twins(database: Database) -> None:
    replace_in(database, "facteur.sent_for_another_row", r"limit 1\b", "limit 0")


def take_any_id(database: Database) -> None:
    forget_holders(database)
    replace_in(database, "facteur.holder_of", r"limit 1\b", "limit 0")
    replace_in(
        database, "facteur.stop_mistaken", r"perform facteur\.stop_one\(it\.id, it\.words\);", "null;"
    )  # the second net
    database.rows("drop index facteur.submissions_platform_id")


def believe_verdicts_on_others(database: Database) -> None:
    replace_in(
        database,
        "facteur.record_status_update",
        r"if facteur\.is_a_persons\(s\.objection_code\) and s\.objection is not null and p_update",
        "if false and p_update",
    )


def believe_pulls(database: Database) -> None:
    replace_in(database, "facteur.unseen_accounts", "pulled_at <", "false and pulled_at <")


def hear_only_what_is_later(database: Database) -> None:
    for pattern, replacement in (
        (r"\(seen\.known\)\.swept_code is distinct from seen\.code", "seen.at > (seen.known).swept_at"),
        (r"or seen\.at is distinct from .*?\)\s+or seen\.state is not null and .*?swept_state", ")"),
    ):
        replace_in(database, "facteur.judge_seen", "(?s)" + pattern, replacement)


def store_no_unknown_status(database: Database) -> None:
    replace_in(
        database, "facteur.store_statuses", r"order by listed\.place", "where e.code ~ '^[0-9]+$' order by listed.place"
    )


def count_no_doubts_of_corrected(database: Database) -> None:
    before = "select from facteur.submissions b where b.invoice_id = submissions.invoice_id and b.id < submissions.id"
    replace_in(
        database, "facteur.oldest_doubt_seconds", "state = 'in_doubt'", f"state = 'in_doubt' and not exists ({before})"
    )


def count_failures_of_the_first_account(database: Database) -> None:
    replace_in(database, "facteur.failed_invoices", "state = 'failed'", "account = 'default' and state = 'failed'")


def count_nothing_that_waits_for_a_store(database: Database) -> None:
    replace_in(
        database, "facteur.oldest_waiting", r"group by w\.reason", "where w.reason <> 'store_refused' group by w.reason"
    )


def forget_what_was_submitted_once(database: Database) -> None:
    replace_in(database, "facteur.read_not_ready", r"(?s)\s+and \(l\.state operator.*?is not null\)\)", ")")


def take_back_unread_refusals(database: Database) -> None:
    objection = r"coalesce\((p_update -> 'objection' ->> 'code' = 'contradictory_statuses'), false\)"
    replace_in(database, "facteur.may_move", objection, r"\1")
    found = r"facteur\.may_move\(s, p_update\) is not true"
    replace_in(database, "facteur.record_status_update", found, "not facteur.may_move(s, p_update)")
