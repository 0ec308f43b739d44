-- Notes of written keys: appended by triggers, taken by relays, each exactly once. Locks: notes that nobody else has taken.

-- Note invoices to be judged again.
create or replace function facteur.note(p_ids text[], p_due_at timestamptz default '-infinity', p_error text default null) returns void
    language sql as $$
    insert into facteur.changes (invoice_ids, due_at, error) select p_ids, p_due_at, p_error where cardinality(p_ids) > 0
$$;

-- Where to look for notes from. A database that was restored into a younger cluster begins anew: there, ids of transactions are lower.
create or replace function facteur.notes_seen() returns pg_snapshot
    language sql stable as $$
    select case when pg_snapshot_xmax(notes_seen) <= pg_snapshot_xmax(pg_current_snapshot()) then notes_seen else '1:1:'::pg_snapshot end
    from facteur.installation
$$;

create or replace function facteur.any_note(p_seen pg_snapshot) returns boolean
    language plpgsql stable set enable_seqscan = off as $$
begin
    return exists (select from facteur.changes where due_at = '-infinity' and transaction_id >= pg_snapshot_xmax(p_seen))
        or exists (select from facteur.changes where due_at = '-infinity' and transaction_id = any (array(select pg_snapshot_xip(p_seen))));
end $$;

-- Take due notes away. Where there is none that this transaction can see, not even one that another relay has locked, the next
-- pass begins where this one did: what commits meanwhile is of a transaction that is not in now_seen, or still under way in it.
create or replace function facteur.consume_notes(p_limit integer, out notes integer, out ids text[], out oldest_seconds double precision)
    language plpgsql set enable_seqscan = off as $$
declare
    seen constant pg_snapshot := facteur.notes_seen();
    now_seen constant pg_snapshot := pg_current_snapshot();
begin
    with fresh as materialized (
        select id from facteur.changes where due_at = '-infinity' and transaction_id >= pg_snapshot_xmax(seen)
        order by transaction_id limit p_limit for update skip locked
    ), slow as materialized ( -- of transactions that were under way when notes were last looked for
        select id from facteur.changes where due_at = '-infinity' and transaction_id = any (array(select pg_snapshot_xip(seen)))
        limit p_limit for update skip locked
    ), later as materialized (
        select id from facteur.changes where due_at > '-infinity' and due_at <= facteur.now() order by due_at limit p_limit for update skip locked
    ), taken as (
        delete from facteur.changes c -- by an array of keys: as a join it may walk over every dead note
        where c.id = any (array(select id from fresh union select id from slow union select id from later))
        returning c.id, c.invoice_ids, case when c.due_at = '-infinity' then c.noted_at end as noted_at
    )
    select count(distinct taken.id), array_agg(distinct key) filter (where key is not null),
           extract(epoch from clock_timestamp() - now() + facteur.now() - min(taken.noted_at)) into notes, ids, oldest_seconds
    from taken left join lateral unnest(taken.invoice_ids) key on true;
    if notes = 0 and pg_snapshot_xmax(now_seen) > pg_snapshot_xmax(seen) and not facteur.any_note(seen) then
        update facteur.installation set notes_seen = now_seen
        where notes_seen::text = seen::text or pg_snapshot_xmax(notes_seen) > pg_snapshot_xmax(now_seen); -- nobody began anew meanwhile
    end if;
end $$;

-- Since when the rows could not be read whose next reading is due: key -> instant; null: there are none. Locks those notes.
create or replace function facteur.broken_since(p_limit integer) returns jsonb
    language sql set enable_seqscan = off as $$
    with due as materialized (
        select invoice_ids, coalesce(broken_since, noted_at) as since from facteur.changes
        where due_at > '-infinity' and due_at <= facteur.now() and error is not null and error not like 'the last verdict%'
        order by due_at limit p_limit for update skip locked
    )
    select jsonb_object_agg(key, since) from (select key, min(since) as since from due cross join unnest(invoice_ids) key group by key) keys
$$;

-- What still cannot be read has been so since then: of the notes that judge has just made, which are due at these very instants.
create or replace function facteur.keep_broken_since(p_since jsonb) returns void
    language sql set enable_seqscan = off as $$
    update facteur.changes set broken_since = (select min((p_since ->> key)::timestamptz) from unnest(invoice_ids) key)
    where due_at in (facteur.now() + interval '1 minute', facteur.now() + interval '5 minutes') and error is not null
      and transaction_id = pg_current_xact_id() and p_since ?| invoice_ids
$$;

-- Consume due notes. Exactly the notes read are deleted, in the transaction that judges them. oldest_seconds: since the writer's
-- transaction began (null: none of them is a writer's). not_shown: keys that the view does not show; a row is not deleted every day.
create or replace function facteur.take_notes(p_limit integer,
                                   out notes integer, out opened integer, out repeated integer, out broken integer, out mismatched integer, out oldest_seconds double precision, out not_shown integer)
    language plpgsql as $$
declare
    broken_before constant jsonb := facteur.broken_since(p_limit);
    ids text[];
begin
    select c.notes, c.ids, c.oldest_seconds into notes, ids, oldest_seconds from facteur.consume_notes(p_limit) c;
    if facteur.everything() = any (ids) then -- the time of this moment: whoever wrote has committed by now
        update facteur.installation set everything_noted_at = facteur.now() + (clock_timestamp() - now());
        ids := array_remove(ids, facteur.everything());
    end if;
    select j.opened, j.repeated, j.broken, j.mismatched, j.not_shown into opened, repeated, broken, mismatched, not_shown
    from facteur.judge(coalesce(ids, '{}')) j where ids is not null;
    perform facteur.keep_broken_since(broken_before) where broken_before is not null;
    opened := coalesce(opened, 0); repeated := coalesce(repeated, 0); broken := coalesce(broken, 0); mismatched := coalesce(mismatched, 0);
    not_shown := coalesce(not_shown, 0);
    perform facteur.tally('keys_not_shown', not_shown, interval '1 hour') where not_shown > 0;
end $$;
