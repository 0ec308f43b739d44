-- Old rows that a person submits on purpose. A preview writes nothing that lasts: a row is set to pending, looked at, and put back by a
-- sub-block that fails. Locks: rows of the company's table as her own writers do; the installation's row where submit_from is lowered.

-- Old rows that a person may submit on purpose: nothing was ever opened for them, they are not ready, and say nothing, not even the
-- id of a deposit that another connector made. As a query:
-- $1 since, $2 until (null: for ever), $3 account (null: any), $4 after this key (null: from the first), $5 how many.
create or replace function facteur.backlog_query() returns text
    language plpgsql stable as $$
begin
    if facteur.source_column('technical_status') = 'null' then
        perform facteur.refuse('The view facteur.invoice_source does not show technical_status: old rows cannot be distinguished from others. facteur init --add-columns adds it.');
    end if;
    return format($q$
        select s.invoice_id::text as key, nullif(pg_catalog.btrim(%2$s::text), '') as invoice_number, %4$s::date as issue_date, %5$s::numeric as total,
               coalesce(nullif(pg_catalog.btrim(%6$s::text), ''), 'no currency') as currency,
               nullif(pg_catalog.btrim(%7$s::text), '') is not null or %8$s is not null as has_document,
               coalesce(pg_catalog.left(pg_catalog.regexp_replace(%3$s::text, '\s', '', 'g'), 9) operator(pg_catalog.~) '^[0-9]{9}$', false) as has_seller
        from facteur.invoice_source s
        where %4$s::date operator(pg_catalog.>=) $1 and ($2 is null or %4$s::date operator(pg_catalog.<=) $2) and %9$s is null
          and nullif(pg_catalog.btrim(%11$s::text), '') is null and not coalesce(s.ready::boolean, false)
          and ($3 is null or coalesce(nullif(pg_catalog.btrim(%10$s::text), ''), 'default') operator(pg_catalog.=) $3)
          and ($4 is null or s.invoice_id operator(pg_catalog.>) $4::%1$s)
          and not exists (select from facteur.submissions l where l.invoice_id operator(pg_catalog.=) s.invoice_id::text)
        order by s.invoice_id limit $5
        $q$, facteur.key_type(), facteur.source_column('invoice_number'), facteur.source_column('seller_siren'),
        facteur.source_column('issue_date'), facteur.source_column('total'), facteur.source_column('currency'),
        facteur.source_column('document_uri'), facteur.source_column('document'), facteur.source_column('technical_status'),
        facteur.source_column('account'), facteur.source_column('submission_id'));
end $$;

create or replace function facteur.read_old_rows(p_since date, p_until date, p_account text, p_after text, p_limit integer)
    returns table (key text, invoice_number text, issue_date date, total numeric, currency text, has_document boolean, has_seller boolean)
    language plpgsql stable as $$
begin
    return query execute facteur.backlog_query() using p_since, p_until, p_account, p_after, p_limit;
end $$;

-- Rows that would become ready by themselves if submit_from were lowered: it is lowered, looked at, and put back.
create or replace function facteur.made_ready_by(p_since date) returns text[]
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    before constant date := (select submit_from from facteur.installation);
    ids text[];
begin
    perform set_config('lock_timeout', '5s', true);
    begin
        update facteur.installation set submit_from = p_since where submit_from is null or submit_from > p_since;
        if found then
            ids := array(select facteur.read_keys(format(
                'select s.invoice_id::text from facteur.invoice_source s where s.ready and ($1 is null or %s::date operator(pg_catalog.<) $1::date) '
                'and not exists (select from facteur.submissions l where l.invoice_id operator(pg_catalog.=) s.invoice_id::text and l.state not in '
                '(''rejected'', ''failed''))', facteur.source_column('issue_date')), before::text));
        end if;
        raise 'looked' using errcode = 'FR002';
    exception when sqlstate 'FR002' then
        null;
    end;
    return coalesce(ids, '{}');
end $$;

-- Let invoices be ready from an earlier day on. Rows that say pending already would become ready by that alone: refused, unless
-- they are meant too (p_include); then they are noted. With the owner's rights: recorded, whoever calls it.
create or replace function facteur.lower_submit_from(p_since date, p_include boolean, p_act jsonb) returns date
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    ids constant text[] := facteur.made_ready_by(p_since);
    before date;
begin
    select submit_from into before from facteur.installation for update;
    if before <= p_since then
        return before;
    end if;
    if cardinality(ids) > 0 and not p_include then
        perform facteur.refuse(format('%s rows say pending already and would be deposited by submit_from %s alone, whatever the filter: give '
                                      '--include-pending where that is meant, or set their technical_status to null.', cardinality(ids), p_since));
    end if;
    -- a row that was written meanwhile may have been judged by the later day: the relay's next run looks for such rows
    update facteur.installation set submit_from = p_since, forgotten_checked_at = '-infinity';
    perform facteur.note(array(select unnest(ids[portion:portion + 999]))) from generate_series(1, cardinality(ids), 1000) portion;
    perform facteur.log_operation(p_act, null, null, null,
                                  jsonb_build_object('submit_from', p_since, 'before', before, 'also_ready', cardinality(ids)));
    return before;
end $$;

-- Which of these are ready, or would be from that day on? submit_from is lowered, looked at, and put back.
create or replace function facteur.ready_from(p_since date, p_ids text[]) returns text[]
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    ready_ids text[];
begin
    begin
        update facteur.installation set submit_from = p_since where submit_from is null or submit_from > p_since;
        ready_ids := array(select i.invoice_id from facteur.read_invoices(p_ids, 0) i where i.ready);
        raise 'looked' using errcode = 'FR002';
    exception when sqlstate 'FR002' then
        null;
    end;
    return ready_ids;
end $$;

-- Which of these would be ready if their rows said pending? They are written, looked at, and put back: a draft stays as it is.
-- With p_since as if invoices were ready from that day on; apply has lowered it by then.
create or replace function facteur.ready_if_pending(p_ids text[], p_since date) returns text[]
    language plpgsql as $$
declare
    each_id text;
    ready_ids text[];
begin
    begin
        foreach each_id in array p_ids loop
            perform facteur.write_row(each_id, 'pending');
        end loop;
        ready_ids := facteur.ready_from(p_since, p_ids);
        raise 'looked' using errcode = 'FR002';
    exception when sqlstate 'FR002' then
        null;
    end;
    return ready_ids;
end $$;

-- What submit_backlog would set to pending in the same portion, by the same statement. Changes nothing.
create or replace function facteur.preview_backlog(p_since date, p_until date, p_account text, p_after text, p_limit integer) returns jsonb
    language plpgsql as $$
declare
    ids text[];
    fitting text[];
    answer jsonb;
begin
    perform set_config('lock_timeout', '5s', true);
    select array_agg(o.key) into ids from facteur.read_old_rows(p_since, p_until, p_account, p_after, p_limit) o;
    if ids is null and p_after is null then
        perform facteur.refuse_unknown_account(p_account);
    end if;
    fitting := facteur.ready_if_pending(coalesce(ids, '{}'), p_since);
    with old as materialized (
        select o.*, coalesce(invoice_number, key) as name, key = any (fitting) as fits, row_number() over () as place
        from facteur.read_old_rows(p_since, p_until, p_account, p_after, p_limit) o
    )
    select jsonb_build_object(
        'invoices', count(*) filter (where fits), 'skipped', count(*) filter (where not fits),
        'without_document', count(*) filter (where not has_document),
        'without_number', count(*) filter (where fits and invoice_number is null),
        'without_seller', count(*) filter (where fits and not has_seller),
        'first', (array_agg(name order by place) filter (where fits))[1],
        'last', (array_agg(name order by place desc) filter (where fits))[1],
        'totals', (select coalesce(jsonb_object_agg(currency, total::text), '{}')
                   from (select currency, coalesce(sum(total), 0) as total from old where fits group by currency) sums))
    into answer from old;
    return answer || jsonb_build_object(
        'submit_from', (select submit_from from facteur.installation), 'after', ids[cardinality(ids)],
        'also_ready', case when p_after is null then cardinality(facteur.made_ready_by(p_since)) else 0 end);
end $$;

-- Set a portion of old rows to pending, by the company's own function: those that become ready by it, and no others. The next
-- portion begins after `last`; null: there are no more.
create or replace function facteur.submit_backlog(p_since date, p_until date, p_account text, p_after text, p_limit integer, p_act jsonb,
                                       out submitted integer, out skipped integer, out last text)
    language plpgsql as $$
declare
    ids text[];
    ready_ids text[];
    each_id text;
begin
    perform set_config('lock_timeout', '5s', true);
    select array_agg(o.key) into ids from facteur.read_old_rows(p_since, p_until, p_account, p_after, p_limit) o;
    submitted := 0; skipped := 0;
    if ids is null then
        return;
    end if;
    ready_ids := facteur.ready_if_pending(ids, null);
    foreach each_id in array ready_ids loop
        perform facteur.write_row(each_id, 'pending');
    end loop;
    perform facteur.note(ready_ids);
    last := ids[cardinality(ids)];
    submitted := cardinality(ready_ids);
    skipped := cardinality(ids) - submitted;
    perform facteur.log_operation(p_act, p_account, null, null,
                                  jsonb_build_object('since', p_since, 'until', p_until, 'after', p_after, 'last', last,
                                                     'submitted', submitted, 'skipped', skipped));
end $$;
