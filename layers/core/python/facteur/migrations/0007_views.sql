-- What a person looks at.

create view facteur.health as
select s.account, s.state, count(*) as submissions,
       count(*) filter (where s.due_at < facteur.now()) as due,
       min(s.due_at) filter (where s.due_at < facteur.now()) as oldest_due_at,
       coalesce(extract(epoch from facteur.now() - min(s.due_at) filter (where s.due_at < facteur.now())), 0)::bigint as oldest_overdue_seconds,
       count(*) filter (where s.write_back_due_at is not null) as write_backs_waiting,
       count(*) filter (where s.mismatch is not null) as mismatched,
       greatest(b.paused_until, b.held_until) as paused_until,
       case when b.held_until > facteur.now() then format('by %s: %s', b.held_by, b.held_why) else b.pause_reason end as pause_reason
from facteur.submissions s
left join facteur.budgets b on b.key = 'account:' || s.account and facteur.paused(b)
where not s.superseded
group by s.account, s.state, b.paused_until, b.pause_reason, b.held_until, b.held_by, b.held_why
order by s.account, array_position(array['failed', 'in_doubt', 'pending', 'sending', 'submitted', 'rejected', 'closed'], s.state);

-- One invoice's whole history as rows in order: select * from facteur.story where invoice_number = '…'
create view facteur.story as
select invoice_id, invoice_number, at, what, detail, submission_id, platform_id from (
    select s.invoice_id, s.invoice_number, s.created_at as at, 1 as step, 'invoice is ready' as what,
           format('submission %s of account %s', s.id, s.account) as detail, s.id as submission_id, null as platform_id
    from facteur.submissions s
    union all
    select a.invoice_id, a.invoice_number, a.started_at, 2, 'deposit attempted', format('document %s…', left(a.document_sha256, 12)), a.submission_id, null
    from facteur.attempts a
    union all
    select a.invoice_id, a.invoice_number, a.ended_at, 3, 'deposit ' || replace(a.outcome, '_', ' '),
           concat_ws(' ', a.http_status, a.code, a.message), a.submission_id, a.platform_id
    from facteur.attempts a where a.ended_at is not null
    union all
    select s.invoice_id, s.invoice_number, e.occurred_at, 4, concat(e.code, ' ', e.label), concat_ws(': ', e.reason, e.message), s.id, e.platform_id
    from facteur.status_events e join facteur.submissions s on s.id = e.submission_id
    union all
    select s.invoice_id, s.invoice_number, s.updated_at, 5, 'now ' || s.state,
           concat_ws(' ', s.last_error_code, s.last_error_message, s.mismatch, 'due ' || s.due_at, 'write-back failed: ' || s.write_back_error), s.id, s.platform_id
    from facteur.submissions s
) story
order by invoice_id, at, step;

-- The company's row as the view shows it now. Where the view raises, or does not show it, `problem` says so.
create function facteur.look_at_row(p_invoice_id text, out shown facteur.invoice, out problem text)
    language plpgsql stable as $$
begin
    select i.* into shown from facteur.read_invoices(array[p_invoice_id], 0) i limit 1;
    problem := case when shown.invoice_id is null then 'facteur.invoice_source does not show it: the row is gone' end;
exception when others or assert_failure then
    problem := 'facteur.invoice_source raises on it (SQLSTATE ' || sqlstate || ')';
end $$;

-- Finished documents of kinds that are not deposited, by kind, as the view's optional column other_kind shows them; and whether a
-- person has left that kind out on purpose. Reads the whole view.
create function facteur.other_kinds() returns table (kind text, documents bigint, left_out boolean)
    language plpgsql stable as $$
begin
    perform facteur.bound_locks();
    if facteur.source_column('other_kind') <> 'null' then
        return query execute 'select s.other_kind::text, count(*), s.other_kind::text = any (i.kinds_left_out) '
                             'from facteur.invoice_source s, facteur.installation i where s.other_kind is not null group by 1, 3 order by 2 desc, 1';
    end if;
exception when others or assert_failure then -- a row on which the view raises is told by the relay
    raise warning 'facteur.invoice_source cannot be read for kinds of documents (SQLSTATE %)', sqlstate;
end $$;

-- A kind of document that nobody need hear of: it is no invoice. For the schema's owner.
create function facteur.leave_out(p_kind text) returns void
    language sql as $$
    update facteur.installation set kinds_left_out = kinds_left_out || p_kind where p_kind <> all (kinds_left_out)
$$;

-- Keys of the company's rows that nothing was ever opened for, by key or by number. A text that no key of its type can have is none.
create function facteur.find_rows(p_key text, p_number text) returns setof text
    language plpgsql stable as $$
begin
    begin
        return query execute format('select s.invoice_id::text from facteur.invoice_source s where s.invoice_id operator(pg_catalog.=) $1::%s',
                                    facteur.key_type()) using p_key;
    exception when data_exception then
        null;
    end;
    return query execute format('select s.invoice_id::text from facteur.invoice_source s where btrim(%s::text) = $1 limit 20',
                                facteur.source_column('invoice_number')) using p_number;
end $$;

-- For a reconciliation: what the company's table says of invoices, by key or by the day they were issued.
-- Rows of the view with what it may lack as null. A column submission_id is nobody's duty: where the view has one it is compared.
create function facteur.rows_to_reconcile(p_ids text[], p_day date)
    returns table (invoice_id text, account text, ready boolean, invoice_number text, seller_siren text, issue_date date,
                   total numeric, technical_status text, shown_id text)
    language plpgsql stable as $$
begin
    return query execute format($q$
        select s.invoice_id::text, facteur.routed(coalesce(nullif(btrim(%1$s::text), ''), 'default'), facteur.now()), coalesce(%2$s::boolean, false),
               nullif(btrim(%3$s::text), ''), nullif(left(regexp_replace(%4$s::text, '\s', '', 'g'), 9), ''),
               %5$s::date, %6$s::numeric, btrim(%7$s::text), nullif(btrim(%8$s::text), '')
        from facteur.invoice_source s where %9$s
        $q$, facteur.source_column('account'), facteur.source_column('ready'), facteur.source_column('invoice_number'),
        facteur.source_column('seller_siren'), facteur.source_column('issue_date'), facteur.source_column('total'),
        facteur.source_column('technical_status'), facteur.source_column('submission_id'),
        case when p_day is null then format('s.invoice_id = any ($1::%s[])', facteur.key_type())
             else format('%s::date = $2', facteur.source_column('issue_date')) end)
    using p_ids, p_day;
end $$;
