-- Capture: what the company's writers do becomes notes, in their own transactions.

-- What a note holds in place of keys where nobody could tell which rows were written.
create function facteur.everything() returns text
    language sql immutable parallel safe as $$
    select '(everything)'
$$;

-- Install the statement triggers on a table whose rows, or whose parents' rows, are invoices. Safe to repeat.
-- The trigger function is generated so that its statement is planned once; it is `security definer`, so writers need no right here.
-- The key is named without its table: where the table has no such column any more, the name means the one of `gone`, and no writer
-- fails. A column of another type, or another column of that name, is planned anew.
-- A key that is unique occurs once in a statement; sorting a hundred thousand to see that costs a fifth of inserting them.
create function facteur.watch(p_table regclass, p_key name) returns void
    language plpgsql as $$
declare
    -- Both names fit into an identifier's 63 bytes, whatever the letters, and tell apart two keys of one table.
    called constant text := (select format('%I.%I', n.nspname, c.relname) from pg_class c
                             join pg_namespace n on n.oid = c.relnamespace where c.oid = p_table);
    mark constant text := left(md5(format('%s.%I', called, p_key)), 8);
    note_function constant text := 'note_' || left((select relname from pg_class where oid = p_table), 12) || '_' || mark;
    once constant boolean := exists (
        select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = p_table and a.attname = p_key and i.indisunique and i.indnkeyatts = 1 and i.indpred is null);
    leaf regclass;
    event text;
    former text;
begin
    if not exists (
        select from pg_attribute a
        where a.attrelid = p_table and a.attname = p_key and not a.attisdropped
          and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype,
                             'text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
    ) then
        raise 'cannot watch %: it has no column % of type smallint, integer, bigint, uuid, text, varchar or char', p_table, p_key;
    end if;
    execute format($f$
        create or replace function facteur.%I() returns trigger
            language plpgsql security definer set search_path = pg_catalog, pg_temp as $t$
        #variable_conflict use_column
        begin
            insert into facteur.changes (invoice_ids)
            select array_agg(key)
            from (select keys.key, (row_number() over () - 1) / 1000 as chunk
                  from (select %L::text as %I) as gone
                  cross join lateral (select %s %I::text as key from changed where %I is not null) as keys) as chunks
            group by chunk;
            return null;
        end $t$ $f$, note_function, facteur.everything(), p_key, case when not once then 'distinct' end, p_key, p_key);
    execute format('revoke all on function facteur.%I() from public', note_function); -- on a table of his own, anybody would run it as the owner
    for leaf in
        with recursive tree as (
            select p_table::oid as id union select inhrelid from pg_inherits join tree on inhparent = tree.id
        )
        select tree.id from tree join pg_class c on c.oid = tree.id where c.relkind <> 'f' or c.oid = p_table -- a foreign partition cannot be watched
    loop
        foreach event in array array['insert', 'update'] loop
            execute format('create or replace trigger %I after %s on %s referencing new table as changed '
                           'for each statement execute function facteur.%I()', 'facteur_' || event || '_' || mark, event, leaf, note_function);
            execute format('alter table %s enable always trigger %I', leaf, 'facteur_' || event || '_' || mark);
        end loop;
    end loop;
    -- what it was called before, a key that it has no more, and what is a part of it by now
    delete from facteur.watched w where w.relation = p_table
        and (w.name <> called or not exists (select from pg_attribute a where a.attrelid = p_table and a.attname = w.key and not a.attisdropped));
    with recursive parts as (select inhrelid from pg_inherits where inhparent = p_table
                             union select i.inhrelid from parts join pg_inherits i on i.inhparent = parts.inhrelid)
    delete from facteur.watched w where w.key = p_key and w.relation in (select inhrelid from parts);
    insert into facteur.watched (name, key, relation, mark) values (called, p_key, p_table, mark)
    on conflict (name, key) do update set relation = excluded.relation, mark = excluded.mark;
    for former in
        select format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass) from facteur.family(p_table) part
        join pg_trigger t on t.tgrelid = part join pg_proc p on p.oid = t.tgfoid and p.pronamespace = 'facteur'::regnamespace
        where not t.tgisinternal and p.proname like 'note\_%' and right(p.proname, 8) not in (select w.mark from facteur.watched w)
    loop
        execute former;
    end loop;
end $$;

-- The statements that take every trigger of facteur.watch away, and then their functions. A partition comes after its parent, as
-- writers lock them.
create function facteur.unwatching() returns setof text
    language sql stable as $$
    select statement from (
        select case when c.relispartition then 2 else 1 end, format('drop trigger %I on %s', t.tgname, c.oid::regclass)
        from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid
        where p.pronamespace = 'facteur'::regnamespace and not t.tgisinternal and c.relnamespace <> 'facteur'::regnamespace
        union all
        select 3, format('drop function %s', p.oid::regprocedure) from pg_proc p
        where p.pronamespace = 'facteur'::regnamespace and p.prorettype = 'trigger'::regtype and p.proname like 'note\_%'
        union all
        select 4, 'delete from facteur.watched' where exists (select from facteur.watched)
    ) taken (step, statement) order by step, statement
$$;

-- What installing added to the company's tables, as far as the tables are still there.
create function facteur.added() returns table (table_oid oid, quoted text, what text, name text)
    language sql stable as $$
    select c.oid, format('%I.%I', n.nspname, c.relname), each ->> 'what', each ->> 'column'
    from facteur.installation i cross join jsonb_array_elements(i.added) each
    join pg_namespace n on n.nspname = split_part(each ->> 'table', '.', 1)
    join pg_class c on c.relnamespace = n.oid and n.nspname || '.' || c.relname = each ->> 'table'
$$;

-- The invoice as the company's view shows it, trimmed and in our types. Columns that the view may lack come as null.
create type facteur.invoice as (
    invoice_id text, ready boolean, account text, document_uri text, document bytea, document_bytes integer, file_name text,
    invoice_number text, seller_siren text, issue_date date, total numeric, currency text, technical_status text,
    submission_id text
);

-- The type of the company's key: ids travel as text and are compared in that type, so that its index is used.
create function facteur.key_type() returns text
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

create function facteur.source_column(p_name name) returns text
    language plpgsql stable as $$
begin
    return coalesce((select format('s.%I', attname) from pg_attribute
                     where attrelid = to_regclass('facteur.invoice_source') and attname = p_name), 'null');
end $$;

-- Whoever holds the company's tables, this transaction waits for a few seconds at most; where nobody has said less.
create function facteur.bound_locks() returns void
    language plpgsql as $$
begin
    if current_setting('lock_timeout')::interval not between interval '1 ms' and interval '5 seconds' then
        perform set_config('lock_timeout', '5s', true);
    end if;
end $$;

-- Documents up to p_inline_bytes come along, larger ones are read in parts.
create function facteur.read_invoices(p_ids text[], p_inline_bytes integer) returns setof facteur.invoice
    language plpgsql stable as $$
begin
    perform facteur.bound_locks();
    return query execute format($q$
        select s.invoice_id::text,
               coalesce(%2$s::boolean, false) and %14$s is null, -- what the view itself calls another kind of document is never ready
               coalesce(nullif(btrim(%3$s::text), ''), 'default'),
               nullif(btrim(%4$s::text), ''),
               case when octet_length(%5$s::bytea) <= $2 then %5$s::bytea end,
               octet_length(%5$s::bytea),
               nullif(btrim(%6$s::text), ''),
               nullif(btrim(%7$s::text), ''),
               nullif(left(regexp_replace(%8$s::text, '\s', '', 'g'), 9), ''),
               case when %9$s::date between '0001-01-01' and '9999-12-31' then %9$s::date end, -- a year that was mistyped
               %10$s::numeric,
               nullif(btrim(%11$s::text), ''),
               btrim(%12$s::text),
               btrim(%13$s::text)
        from facteur.invoice_source s
        where s.invoice_id operator(pg_catalog.=) any ($1::%1$s[])
        $q$, facteur.key_type(), facteur.source_column('ready'), facteur.source_column('account'),
        facteur.source_column('document_uri'), facteur.source_column('document'), facteur.source_column('file_name'),
        facteur.source_column('invoice_number'), facteur.source_column('seller_siren'), facteur.source_column('issue_date'),
        facteur.source_column('total'), facteur.source_column('currency'), facteur.source_column('technical_status'),
        facteur.source_column('submission_id'), facteur.source_column('other_kind'))
    using p_ids, p_inline_bytes;
end $$;

create function facteur.read_document(p_id text, p_from integer, p_bytes integer) returns bytea
    language plpgsql stable as $$
declare
    part bytea;
begin
    execute format('select substring(s.document from $2 for $3) from facteur.invoice_source s where s.invoice_id operator(pg_catalog.=) $1::%s',
                   facteur.key_type()) into part using p_id, p_from, p_bytes;
    return part;
end $$;

create function facteur.document_sha256(p_id text) returns text
    language plpgsql stable as $$
declare
    found_sha256 text;
begin
    execute format('select encode(sha256(s.document), ''hex'') from facteur.invoice_source s where s.invoice_id operator(pg_catalog.=) $1::%s',
                   facteur.key_type()) into found_sha256 using p_id;
    return found_sha256;
end $$;
