-- What the company's view says: her rows in our types, and what each lacks to be ready. Reads only, but counts.

-- The type of the company's key: ids travel as text and are compared in that type, so that its index is used.
create or replace function facteur.key_type() returns text
    language plpgsql stable as $$
declare
    found_type text := (select format_type(atttypid, atttypmod) from pg_attribute
                        where attrelid = to_regclass('facteur.invoice_source') and attname = 'invoice_id');
begin
    if found_type is null then
        raise 'the view facteur.invoice_source is missing or has no column invoice_id' using errcode = 'undefined_table',
            hint = 'run migrate_database with INSTALL_CAPTURE=true, or create the view yourself';
    end if;
    return found_type;
end $$;

create or replace function facteur.source_column(p_name name) returns text
    language plpgsql stable as $$
begin
    return coalesce((select format('s.%I', attname) from pg_attribute
                     where attrelid = to_regclass('facteur.invoice_source') and attname = p_name), 'null');
end $$;

-- The company's rows as a query: $1 their keys, $2 how many bytes of a document come along. Like all that is run where her view's
-- functions find their names (path.sql), it names Postgres' own with their schema.
create or replace function facteur.invoices_query() returns text
    language plpgsql stable as $$
begin
    return format($q$
        select s.invoice_id::text,
               coalesce(%2$s::boolean, false) and %14$s is null, -- what the view itself calls another kind of document is never ready
               coalesce(nullif(pg_catalog.btrim(%3$s::text), ''), 'default'),
               nullif(pg_catalog.btrim(%4$s::text), ''),
               case when pg_catalog.octet_length(%5$s::bytea) operator(pg_catalog.<=) $2 then %5$s::bytea end,
               pg_catalog.octet_length(%5$s::bytea),
               nullif(pg_catalog.btrim(%6$s::text), ''),
               nullif(pg_catalog.btrim(%7$s::text), ''),
               nullif(pg_catalog.left(pg_catalog.regexp_replace(%8$s::text, '\s', '', 'g'), 9), ''),
               case when %9$s::date between '0001-01-01' and '9999-12-31' then %9$s::date end, -- a year that was mistyped
               %10$s::numeric,
               nullif(pg_catalog.btrim(%11$s::text), ''),
               pg_catalog.btrim(%12$s::text),
               pg_catalog.btrim(%13$s::text)
        from facteur.invoice_source s
        where s.invoice_id operator(pg_catalog.=) any ($1::%1$s[])
        $q$, facteur.key_type(), facteur.source_column('ready'), facteur.source_column('account'),
        facteur.source_column('document_uri'), facteur.source_column('document'), facteur.source_column('file_name'),
        facteur.source_column('invoice_number'), facteur.source_column('seller_siren'), facteur.source_column('issue_date'),
        facteur.source_column('total'), facteur.source_column('currency'), facteur.source_column('technical_status'),
        facteur.source_column('submission_id'), facteur.source_column('other_kind'));
end $$;

-- Documents up to p_inline_bytes come along, larger ones are read in parts.
create or replace function facteur.read_invoices(p_ids text[], p_inline_bytes integer) returns setof facteur.invoice
    language plpgsql stable as $$
begin
    perform facteur.bound_locks();
    return query execute facteur.invoices_query() using p_ids, p_inline_bytes;
end $$;

-- What of a row with the key $1, as a query.
create or replace function facteur.row_query(p_what text) returns text
    language plpgsql stable as $$
begin
    return format('select %s from facteur.invoice_source s where s.invoice_id operator(pg_catalog.=) $1::%s', p_what, facteur.key_type());
end $$;

create or replace function facteur.read_document(p_id text, p_from integer, p_bytes integer) returns bytea
    language plpgsql stable as $$
declare
    part bytea;
begin
    execute facteur.row_query('pg_catalog.substring(s.document, $2, $3)') into part using p_id, p_from, p_bytes;
    return part;
end $$;

create or replace function facteur.document_sha256(p_id text) returns text
    language plpgsql stable as $$
declare
    found_sha256 text;
begin
    execute facteur.row_query('pg_catalog.encode(pg_catalog.sha256(s.document), ''hex'')') into found_sha256 using p_id;
    return found_sha256;
end $$;

-- Texts of the view, such as keys, by a query of ours: $1 a text, $2 keys.
create or replace function facteur.read_keys(p_query text, p_text text default null, p_keys text[] default null) returns setof text
    language plpgsql stable as $$
begin
    return query execute p_query using p_text, p_keys;
end $$;

-- The company's row as the view shows it now. Where the view raises, or does not show it, `problem` says so.
create or replace function facteur.read_row(p_invoice_id text, out shown facteur.invoice, out problem text)
    language plpgsql stable as $$
begin
    select i.* into shown from facteur.read_invoices(array[p_invoice_id], 0) i limit 1;
    problem := case when shown.invoice_id is null then 'facteur.invoice_source does not show it: the row is gone' end;
exception when others or assert_failure then
    problem := 'facteur.invoice_source raises on it (SQLSTATE ' || sqlstate || ')';
end $$;

-- Keys of the company's rows that nothing was ever opened for, by key or by number. A text that no key of its type can have is none.
create or replace function facteur.find_rows(p_key text, p_number text) returns setof text
    language plpgsql stable as $$
begin
    begin
        return query select facteur.read_keys(facteur.row_query('s.invoice_id::text'), p_key);
    exception when data_exception then
        null;
    end;
    return query select facteur.read_keys(format('select s.invoice_id::text from facteur.invoice_source s where pg_catalog.btrim(%s::text) operator(pg_catalog.=) $1 limit 20',
                                                 facteur.source_column('invoice_number')), p_number);
end $$;

create or replace function facteur.reconciliation_query(p_by_key boolean) returns text
    language plpgsql stable as $$
begin
    return format($q$
        select s.invoice_id::text, facteur.routed(coalesce(nullif(pg_catalog.btrim(%1$s::text), ''), 'default'), facteur.now()), coalesce(%2$s::boolean, false),
               nullif(pg_catalog.btrim(%3$s::text), ''), nullif(pg_catalog.left(pg_catalog.regexp_replace(%4$s::text, '\s', '', 'g'), 9), ''),
               %5$s::date, %6$s::numeric, pg_catalog.btrim(%7$s::text), nullif(pg_catalog.btrim(%8$s::text), '')
        from facteur.invoice_source s where %9$s
        $q$, facteur.source_column('account'), facteur.source_column('ready'), facteur.source_column('invoice_number'),
        facteur.source_column('seller_siren'), facteur.source_column('issue_date'), facteur.source_column('total'),
        facteur.source_column('technical_status'), facteur.source_column('submission_id'),
        case when p_by_key then format('s.invoice_id operator(pg_catalog.=) any ($1::%s[])', facteur.key_type())
             else format('%s::date operator(pg_catalog.=) $2', facteur.source_column('issue_date')) end);
end $$;

-- For a reconciliation: what the company's table says of invoices, by key or by the day they were issued.
-- Rows of the view with what it may lack as null. A column submission_id is nobody's duty: where the view has one it is compared.
create or replace function facteur.rows_to_reconcile(p_ids text[], p_day date)
    returns table (invoice_id text, account text, ready boolean, invoice_number text, seller_siren text, issue_date date,
                   total numeric, technical_status text, shown_id text)
    language plpgsql stable as $$
begin
    return query execute facteur.reconciliation_query(p_day is null) using p_ids, p_day;
end $$;

-- Null: the row is of a kind that is deposited. Else what the view calls it, in words.
create or replace function facteur.kind_of(p_invoice_id text) returns text
    language plpgsql stable as $$
declare
    found_kind text;
begin
    if facteur.source_column('other_kind') <> 'null' then
        select k into found_kind from facteur.read_keys(facteur.row_query('s.other_kind::text'), p_invoice_id) k limit 1;
    end if;
    return case when found_kind is not null then format('its kind %s was not named as an invoice''s', found_kind) end;
exception when others or assert_failure then
    return null;
end $$;

-- Why the view does not show a row as ready, as far as its columns say.
create or replace function facteur.lacks(p_shown facteur.invoice) returns text
    language plpgsql stable as $$
declare
    first_day constant date := (select submit_from from facteur.installation);
begin
    return coalesce(nullif(concat_ws(', ',
        facteur.kind_of(p_shown.invoice_id),
        case when facteur.source_column('technical_status') = 'null' then null
             when facteur.word(p_shown.technical_status) is null then 'its technical_status is null'
             when facteur.word(p_shown.technical_status) <> 'pending' then format('its technical_status shows %s', p_shown.technical_status) end,
        case when p_shown.document_uri is null and p_shown.document_bytes is null then 'it has no document' end,
        case when first_day is null then 'submit_from is not set'
             when p_shown.issue_date is null then 'it has no issue_date'
             when p_shown.issue_date < first_day then format('its issue_date %s is before submit_from %s', p_shown.issue_date, first_day) end
        ), ''), 'the view''s own condition does not hold (is its status final?)');
end $$;

-- Null: the row is ready. Else what keeps it from being sent.
create or replace function facteur.not_ready_because(p_invoice_id text) returns text
    language plpgsql stable as $$
declare
    looked record;
begin
    select * into looked from facteur.read_row(p_invoice_id);
    return coalesce(looked.problem, case when not (looked.shown).ready then facteur.lacks(looked.shown) end);
end $$;

create or replace function facteur.read_kinds() returns table (kind text, documents bigint)
    language plpgsql stable as $$
begin
    return query execute 'select s.other_kind::text, pg_catalog.count(*) from facteur.invoice_source s where s.other_kind is not null group by 1';
end $$;

-- Finished documents of kinds that are not deposited, by kind, as the view's optional column other_kind shows them; and whether a
-- person has left that kind out on purpose. Reads the whole view.
create or replace function facteur.other_kinds() returns table (kind text, documents bigint, left_out boolean)
    language plpgsql stable as $$
begin
    perform facteur.bound_locks();
    if facteur.source_column('other_kind') <> 'null' then
        return query select k.kind, k.documents, k.kind = any (i.kinds_left_out) from facteur.read_kinds() k, facteur.installation i
                     order by k.documents desc, k.kind;
    end if;
exception when others or assert_failure then -- a row on which the view raises is reported by the relay
    raise warning 'facteur.invoice_source cannot be read for kinds of documents (SQLSTATE %)', sqlstate;
end $$;

-- A kind of document that nobody need hear of: it is no invoice. For the schema's owner.
create or replace function facteur.leave_out(p_kind text) returns void
    language sql as $$
    update facteur.tallies set n = greatest(0, n - 1) from facteur.installation where name = 'unnamed_kinds' and p_kind <> all (kinds_left_out);
    update facteur.installation set kinds_left_out = kinds_left_out || p_kind where p_kind <> all (kinds_left_out)
$$;

-- What no submission answers for: none lives, each verdict is written, and the row asks to be sent, for it shows none. One that was
-- corrected waits since then, not since its day of issue: that comes as null.
create or replace function facteur.read_not_ready() returns table (key text, issue_date date)
    language plpgsql stable as $$
begin
    return query execute pg_catalog.format($q$
        select s.invoice_id::text, case when not exists (
                   select from facteur.submissions e where e.invoice_id operator(pg_catalog.=) s.invoice_id::text) then %1$s::date end
        from facteur.invoice_source s where s.finished::boolean and s.ready::boolean is not true
          and coalesce(facteur.word(%2$s::text) operator(pg_catalog.<>) all (array['validated', 'rejected', 'error']), true)
          and not exists (
              select from facteur.submissions l where l.invoice_id operator(pg_catalog.=) s.invoice_id::text
              and (l.state operator(pg_catalog.<>) all (array['rejected', 'failed']) or l.write_back_due_at is not null))
        $q$, facteur.source_column('issue_date'), facteur.source_column('technical_status'));
end $$;

-- Invoices that the view's optional column `finished` shows as finished and that lack something to be ready, such as a document.
-- Counted once a day, and each hour while there are some. Their age runs from the day of issue, or from when they were first counted
-- where that is earlier or there is no such day, and for what was corrected; a thousand of them are remembered. Locks the installation's row at its end alone: to
-- read the whole view may take long, and every run of the relay counts in that row.
create or replace function facteur.count_not_ready() returns void
    language plpgsql as $$
declare
    lacking integer;
    since timestamptz;
    oldest text;
    problem text;
begin
    if facteur.source_column('finished') = 'null' or not pg_try_advisory_xact_lock(7161839) or exists (
        select from facteur.installation -- what a clock noted that was ahead was not counted yet
        where not_ready_counted_at between facteur.now() - case when not_ready > 0 then interval '1 hour' else interval '1 day' end and facteur.now()) then
        return;
    end if;
    perform facteur.bound_locks();
    begin
        select f.n, f.since, f.oldest into lacking, since, oldest from facteur.finished_not_ready() f;
    exception when others or assert_failure or query_canceled then
        problem := sqlstate; -- its text may quote a row
    end;
    update facteur.installation set not_ready_counted_at = facteur.now(), not_ready_problem = problem,
        not_ready = case when problem is null then lacking else not_ready end,
        not_ready_since = case when problem is null then since else not_ready_since end,
        not_ready_id = case when problem is null then oldest else not_ready_id end;
end $$;

-- How many there are, since when the oldest, and its key; remembers when each was first seen.
create or replace function facteur.finished_not_ready(out n integer, out since timestamptz, out oldest text)
    language plpgsql as $$
begin
    with lacking as materialized (
        select r.key, min(r.issue_date) filter (where r.issue_date between '0001-01-01' and '9999-12-31')::timestamptz as issued
        from facteur.read_not_ready() r group by 1
    ), seen as materialized (
        select l.key, l.issued, coalesce(r.seen_at, facteur.now()) as seen_at
        from lacking l left join facteur.not_ready r on r.invoice_id = l.key
        order by r.seen_at nulls last, l.issued limit 1000
    ), forgotten as (
        delete from facteur.not_ready r where r.invoice_id not in (select seen.key from seen)
    ), remembered as (
        insert into facteur.not_ready (invoice_id, seen_at) select seen.key, seen.seen_at from seen on conflict do nothing
    ), first as (
        select key, least(issued, seen_at) as at from seen
        union all select key, issued from lacking where issued is not null
        order by at, key limit 1
    )
    select (select count(*) from lacking), first.at, first.key into n, since, oldest from (values (1)) one left join first on true;
end $$;
