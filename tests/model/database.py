"""The database of the model test: a clock that stands still, a company that may refuse, and what applications write.

Nothing happens in it by itself: rows that are due at one moment come in the order in which they lie, and as Postgres plans to read them.
"""

from __future__ import annotations

PREPARE = """
create table public.model (at timestamptz not null, company_refuses boolean not null);
insert into public.model values (now(), false);
create or replace function facteur.now() returns timestamptz language sql stable as 'select at from public.model';
create function public.refuse() returns trigger language plpgsql as $$
begin
    if (select company_refuses from public.model) then raise 'the company''s own trigger says no'; end if;
    return new;
end $$;
create trigger refuse before update of last_technical_update on invoicing.invoices for each row execute function public.refuse();
do $$
declare
    t regclass;
begin
    for t in select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('facteur', 'invoicing') loop
        execute format('alter table %s set (autovacuum_enabled = false)', t);
    end loop;
end $$;
"""
SET = "update public.model set at = %(now)s, company_refuses = coalesce(%(refuses)s, company_refuses)"
FORGET = """
truncate facteur.status_events, facteur.attempts, facteur.submissions, facteur.changes, facteur.stores, facteur.transitions,
    facteur.budgets, facteur.accounts, invoicing.invoices restart identity;
insert into facteur.budgets (key) values ('address'), ('history');
"""
INSERT = """
insert into invoicing.invoices (invoice_number, seller_siren, issue_date, total, currency, document_uri, status)
values (%(number)s, '130000011', '2026-09-01', %(total)s, 'EUR', %(uri)s, 'final')
"""
OPEN_ATTEMPT = (
    "select coalesce(max(id), 0) as id from facteur.attempts where invoice_id = %(invoice_id)s and outcome is null"
)
NEXT_MOMENT = """
select least(
    (select min(due_at) from facteur.changes),
    (select min(write_back_due_at) from facteur.submissions),
    (select min(greatest(case when s.queued_at is null then s.due_at else s.queued_at + interval '31 minutes' end, b.paused_until,
                         case s.state when 'pending' then b.deposits_at end))
     from facteur.submissions s left join facteur.budgets b on b.key = 'account:' || s.account
     where s.state in ('pending', 'sending', 'in_doubt') or s.state = 'submitted' and s.platform_id = any (%(refused)s)
       and s.last_error_code is distinct from 'contradictory_statuses') -- a person's
) as moment
"""
EDITS = {
    "back to pending": "technical_status = 'pending'",
    "a stale row saved": "technical_status = 'pending', submission_id = null",
    "document replaced": "document_uri = document_uri || '+'",
    "number changed": "invoice_number = invoice_number || '+'",
    "back to draft": "status = 'draft'",
    "final again": "status = 'final'",
}
