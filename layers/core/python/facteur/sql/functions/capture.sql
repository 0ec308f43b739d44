-- The triggers on the company's table: a statement leaves its keys as a note in its own transaction, and no DDL of hers makes a writer
-- fail. Locks: installing takes SHARE ROW EXCLUSIVE on her table for a moment; a trigger takes nothing but ROW EXCLUSIVE on changes.

-- What a note holds in place of keys where nobody could say which rows were written.
create or replace function facteur.everything() returns text
    language sql immutable parallel safe as $$
    select '(everything)'
$$;

-- Whether a table has a column of this name whose values can be an invoice's key.
create or replace function facteur.may_be_key(p_table regclass, p_key name) returns boolean
    language sql stable as $$
    select exists (
        select from pg_attribute a
        where a.attrelid = p_table and a.attname = p_key and not a.attisdropped
          and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype,
                             'text'::regtype, 'varchar'::regtype, 'bpchar'::regtype))
$$;

-- Put a table's trigger function in place: generated, so that its statement is planned once; `security definer`, so writers need no
-- right here. The key is named without its table: where the table has no such column any more, the name means the one of `gone`, and
-- no writer fails. A column of another type, or another column of that name, is planned anew.
-- A key that is unique occurs once in a statement; sorting a hundred thousand to see that costs a fifth of inserting them.
create or replace function facteur.make_note_function(p_name text, p_table regclass, p_key name) returns void
    language plpgsql as $$
declare
    once constant boolean := exists (
        select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = p_table and a.attname = p_key and i.indisunique and i.indnkeyatts = 1 and i.indpred is null);
begin
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
        end $t$ $f$, p_name, facteur.everything(), p_key, case when not once then 'distinct' end, p_key, p_key);
    execute format('revoke all on function facteur.%I() from public', p_name); -- on a table of his own, anybody would run it as the owner
end $$;

-- Install the statement triggers on a table whose rows, or whose parents' rows, are invoices. Safe to repeat.
create or replace function facteur.watch(p_table regclass, p_key name) returns void
    language plpgsql as $$
declare
    -- Both names fit into an identifier's 63 bytes, whatever the letters, and distinguish two keys of one table.
    called constant text := (select format('%I.%I', n.nspname, c.relname) from pg_class c
                             join pg_namespace n on n.oid = c.relnamespace where c.oid = p_table);
    mark constant text := left(md5(format('%s.%I', called, p_key)), 8);
    note_function constant text := 'note_' || left((select relname from pg_class where oid = p_table), 12) || '_' || mark;
    leaf regclass;
    event text;
    former text;
begin
    if not facteur.may_be_key(p_table, p_key) then
        raise 'cannot watch %: it has no column % of type smallint, integer, bigint, uuid, text, varchar or char', p_table, p_key;
    end if;
    perform facteur.make_note_function(note_function, p_table, p_key);
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
create or replace function facteur.unwatching() returns setof text
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
create or replace function facteur.added() returns table (table_oid oid, quoted text, what text, name text)
    language sql stable as $$
    select c.oid, format('%I.%I', n.nspname, c.relname), each ->> 'what', each ->> 'column'
    from facteur.installation i cross join jsonb_array_elements(i.added) each
    join pg_namespace n on n.nspname = split_part(each ->> 'table', '.', 1)
    join pg_class c on c.relnamespace = n.oid and n.nspname || '.' || c.relname = each ->> 'table'
$$;

-- Whoever holds the company's tables, this transaction waits for a few seconds at most; where nobody has said less.
create or replace function facteur.bound_locks() returns void
    language plpgsql as $$
begin
    if current_setting('lock_timeout')::interval not between interval '1 ms' and interval '5 seconds' then
        perform set_config('lock_timeout', '5s', true);
    end if;
end $$;

-- Invoices that are ready and have neither a note nor a live submission: written past the triggers (logical replication,
-- `attach partition`, a disabled trigger). Notes them and says how many; once a day, five minutes after the last time where a note says
-- no key, and where it is forced. A view that does not
-- show the status stays ready after a rejection, so there any submission counts whose number the row still has. A row on which the
-- view raises hides nobody else: then the keys are looked through in portions, and a portion that raises is left to the relay to judge.
create or replace function facteur.note_forgotten(p_force boolean default false) returns integer
    language plpgsql as $$
declare
    known constant text := case when facteur.source_column('technical_status') = 'null'
                                then format('l.state not in (''rejected'', ''failed'') or '
                                            'coalesce(facteur.plain(l.invoice_number) operator(pg_catalog.=) facteur.plain(%s::text), true)',
                                            facteur.source_column('invoice_number'))
                                else 'l.state not in (''rejected'', ''failed'') or l.write_back_due_at is not null' end;
    unknown constant text := 'select s.invoice_id::text from facteur.invoice_source s where not exists '
        '(select from facteur.submissions l where l.invoice_id operator(pg_catalog.=) s.invoice_id::text and (' || known || ')) '
        'and s.invoice_id::text not in (select pg_catalog.unnest(invoice_ids) from facteur.changes)';
    keys text[];
    portion text[];
    ids text[];
    forgotten integer := 0;
begin
    if to_regclass('facteur.invoice_source') is null then
        return 0;
    end if;
    -- not a lock on the row that every run of the relay counts up: this may take long
    if not pg_try_advisory_xact_lock(7161838) or not p_force and exists (
        select from facteur.installation
        where forgotten_checked_at <= facteur.now() -- a clock that was ahead noted another
          and forgotten_checked_at >= facteur.now() - case when everything_noted_at >= forgotten_checked_at then interval '5 minutes' else interval '1 day' end) then
        return null;
    end if;
    perform facteur.bound_locks();
    begin
        ids := array(select facteur.read_keys(unknown || ' and s.ready'));
        perform facteur.note(ids);
        forgotten := cardinality(ids);
    exception when others or assert_failure or query_canceled then
        begin
            keys := array(select facteur.read_keys(unknown));
            for portion in select keys[place:place + 999] from generate_series(1, cardinality(keys), 1000) place loop
                begin
                    ids := array(select facteur.read_keys(unknown || format(' and s.ready and s.invoice_id operator(pg_catalog.=) any ($2::%s[])', facteur.key_type()),
                                                          null, portion));
                    forgotten := forgotten + cardinality(ids);
                exception when others or assert_failure then
                    ids := portion;
                end;
                perform facteur.note(ids);
            end loop;
        exception when others or assert_failure then
            raise warning 'facteur.invoice_source does not even show its keys: %', sqlerrm; -- a volatile column that raises
            forgotten := null;
        end;
    end;
    -- The relay begins its next pass anew: in a cluster that was younger than notes_seen when this database was restored into it,
    -- notes that nobody looked at before it came of age would hide behind notes_seen for ever.
    update facteur.installation set forgotten_checked_at = facteur.now(), notes_seen = '1:1:';
    perform facteur.tally('forgotten', forgotten) where forgotten is not null;
    return forgotten;
end $$;
