"""How a company's triggers resist a write-back, and Postgres a status; and what a row ever showed."""

from __future__ import annotations

# What a company's own trigger may do to the write-back: raise at once or at the commit, keep the row as it was, or one column of it.
SCHEMA = """
create table torture.refusals (invoice_id bigint primary key, how text not null);
create function torture.refuse() returns trigger language plpgsql as $$
declare
    refused constant text := (select r.how from torture.refusals r where r.invoice_id = new.id);
begin
    if refused is null or new.technical_status is not distinct from old.technical_status or new.technical_status = 'pending' then
        return new;
    elsif refused = tg_argv[0] then
        raise 'the company refuses';
    elsif tg_argv[0] = 'late' then
        return null;
    elsif refused = 'status' then
        new.technical_status := old.technical_status;
    elsif refused = 'id' then
        new.submission_id := old.submission_id;
    end if;
    return case refused when 'old' then old when 'null' then null else new end;
end $$;
create trigger refuse before update on invoicing.invoices for each row execute function torture.refuse('now');
create constraint trigger refuse_late after update on invoicing.invoices deferrable initially deferred
    for each row execute function torture.refuse('late');
-- Every deposit that a row ever showed.
create table torture.shown (invoice_id bigint not null, deposit_id text not null, primary key (invoice_id, deposit_id));
create function torture.keep_shown() returns trigger language plpgsql security definer as $$
begin
    insert into torture.shown values (new.id, new.submission_id) on conflict do nothing;
    return null;
end $$;
create trigger keep_shown after update on invoicing.invoices for each row
    when (new.submission_id is distinct from old.submission_id and new.submission_id is not null)
    execute function torture.keep_shown();
"""
REFUSALS = ("now", "late", "old", "null", "status", "id")  # how a trigger resists
# Statuses of some deposits that Postgres does not take.
STATUSES_REFUSED = """
create table torture.statuses_refused (submission_id bigint primary key);
grant select on torture.statuses_refused to public;
create function torture.refuse_status() returns trigger language plpgsql as $$
begin
    if exists (select from torture.statuses_refused r where r.submission_id = new.submission_id) then
        raise 'Postgres refuses' using errcode = 'data_exception';
    end if;
    return new;
end $$;
create trigger refuse_status before insert on facteur.status_events for each row execute function torture.refuse_status();
"""
