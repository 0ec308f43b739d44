-- What has come apart between the company's table, its triggers, its key, the view and write_back, and the sentence that corrects it.
-- Reads the catalogue; only try_write_backs writes, real rows, in a sub-block that it rolls back.

-- The column of a table that the view shows as one of its own, through views of views and casts. None where it shows another expression,
-- or where the view's rule does not show a cast's column plainly, for it has subqueries.
create or replace function facteur.shown_from(p_column name) returns table (relation oid, attname name)
    language sql stable as $$
    with recursive origin as (
        select to_regclass('facteur.invoice_source')::oid as relation, p_column as attname, 0 as depth
        union all
        select a.attrelid, a.attname, o.depth + 1
        from origin o join pg_rewrite r on r.ev_class = o.relation and r.rulename = '_RETURN'
        cross join lateral (
            select named[1]::oid as relation, named[2]::smallint as number
            from regexp_matches(r.ev_action::text, ':resname ' || o.attname || ' :ressortgroupref \d+ :resorigtbl ([1-9]\d*) :resorigcol (\d+)', 'g') named
            union all
            select c.relation, c.number from facteur.cast_from(r.ev_action::text, o.attname) c
        ) shown
        join pg_attribute a on a.attrelid = shown.relation and a.attnum = shown.number
        where o.attname ~ '^\w+$' and o.depth < 10
    )
    select distinct o.relation, o.attname from origin o join pg_class c on c.oid = o.relation where c.relkind not in ('v', 'm')
$$;

-- The column that a rule casts to one of its own, as Postgres writes the rule down: the entry of its target list, and the nth of its tables.
create or replace function facteur.cast_from(p_rule text, p_column name) returns table (relation oid, number smallint)
    language sql stable as $$
    select (regexp_match((regexp_split_to_array(p_rule, '\{RANGETBLENTRY '))[read[1]::integer + 1], ':rtekind 0 :relid (\d+) '))[1]::oid, read[2]::smallint
    from regexp_split_to_table(p_rule, '\{TARGETENTRY :expr ') entry
    cross join lateral regexp_match(
        entry, '^(?:\{(?:RELABELTYPE|COERCEVIAIO) :arg |\{FUNCEXPR [^{}()]* :funcformat [12] [^{}()]*:args \()+\{VAR :varno (\d+) :varattno (\d+) ') read
    where read is not null and entry ~ (' :resname ' || p_column || ' :ressortgroupref \d+ :resorigtbl 0 ')
      and p_rule ~ ' :cteList <> ' and p_rule !~ ' :rtekind 1 '
$$;

-- A table and those that it is a part of, and their parts.
create or replace function facteur.family(p_relation oid) returns setof oid
    language sql stable as $$
    with recursive up as (
        select p_relation as id union select i.inhparent from up join pg_inherits i on i.inhrelid = up.id
    ), tree as (
        select id from up union select i.inhrelid from tree join pg_inherits i on i.inhparent = tree.id
    )
    select id from tree
$$;

-- Name, table, key and view: while these have come apart nothing is written back. Empty before anything was installed.
create or replace function facteur.came_apart() returns table (code text, what text, fix text)
    language plpgsql stable as $$
begin
    return query with known as materialized (
        select w.name, w.key, w.relation::oid as relation, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as called, here.oid as named,
               exists (select from pg_attribute a where a.attrelid = w.relation and a.attname = w.key and a.attnum > 0 and not a.attisdropped) as has_key
        from facteur.watched w
        left join pg_class c on c.oid = w.relation left join pg_namespace n on n.oid = c.relnamespace
        left join (pg_class here join pg_namespace hn on hn.oid = here.relnamespace)
            on hn.nspname = (parse_ident(w.name))[1] and here.relname = (parse_ident(w.name))[2]
    ), shown as materialized (
        select f.relation, f.attname, format('%I.%I', n.nspname, c.relname) as called
        from facteur.shown_from('invoice_id') f join pg_class c on c.oid = f.relation join pg_namespace n on n.oid = c.relnamespace
    )
    select 'table_gone', format('the table %s is gone', name), format('delete from facteur.watched where name = %L, or put it back', name)
    from known where called is null and named is null
    union all
    select 'table_renamed', format('the table %s is called %s now, and facteur.write_back knows the old name', name, called),
           format('let facteur.write_back write to %s, then select facteur.watch(%L, %L)', called, called, key)
    from known where called is not null and named is null
    union all
    select 'table_replaced', format('%s is another table than the one that is watched%s', name, ', which is called ' || called || ' now'),
           format('create or replace view facteur.invoice_source anew over %s, then select facteur.watch(%L, %L)', name, name, key)
    from known where named <> relation
    union all
    select 'key_gone', format('%s has no column %s any more', name, key),
           format('name the key anew in facteur.write_back, then select facteur.watch(%L, ''its_name'')', name)
    from known where named = relation and not has_key
    union all
    select 'other_key', format('the view facteur.invoice_source shows %s.%s as invoice_id, and watched is %s', s.called, s.attname,
                               (select string_agg(format('%s.%s', k.name, k.key), ', ') from known k)),
           'create or replace view facteur.invoice_source over the column that is watched and that facteur.write_back names'
    from (select * from shown limit 1) s
    where exists (select from known) and not exists (
        select from shown join known on known.key = shown.attname and known.relation in (select facteur.family(shown.relation)))
    union all
    select 'no_view', 'the view facteur.invoice_source is gone', 'create it again: facteur init prints the mapping'
    where exists (select from known) and to_regclass('facteur.invoice_source') is null
    union all
    select 'not_watched', 'no table is watched', 'facteur init, or select facteur.watch(''schema.table'', ''key'')'
    where not exists (select from known) and to_regclass('facteur.invoice_source') is not null;
end $$;

-- Whether they belong together for certain: true for nearly every installation, whose view shows the key as it is, and quick. Else
-- came_apart says.
create or replace function facteur.belong_together() returns boolean
    language plpgsql stable as $$
begin
    return not exists (
        select from facteur.watched w where not exists (
            select from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
            where c.oid = w.relation and format('%I.%I', n.nspname, c.relname) = w.name and a.attname = w.key and not a.attisdropped))
    and exists (
        select from facteur.watched w, pg_rewrite r
        where r.ev_class = to_regclass('facteur.invoice_source') and r.rulename = '_RETURN'
          and strpos(r.ev_action::text, format(':resname invoice_id :ressortgroupref 0 :resorigtbl %s :resorigcol %s ', w.relation::oid, (
              select a.attnum from pg_attribute a where a.attrelid = w.relation and a.attname = w.key))) > 0);
end $$;

-- Triggers that are not there, or not always on, on every table and partition that a writer may name. A foreign one cannot be watched.
create or replace function facteur.unwatched() returns table (code text, what text, fix text)
    language sql stable as $$
    with doors as (
        select w.name, w.key, c.oid, format('%I.%I', n.nspname, c.relname) as called, count(distinct t.tgtype) as triggers,
               count(distinct t.tgtype) filter (where t.tgenabled = 'A') as always
        from facteur.watched w cross join lateral facteur.family(w.relation) part
        join pg_class c on c.oid = part join pg_namespace n on n.oid = c.relnamespace
        left join (pg_trigger t join pg_proc p on p.oid = t.tgfoid and p.pronamespace = 'facteur'::regnamespace)
            on t.tgrelid = c.oid and not t.tgisinternal and p.proname like 'note\_%' and right(p.proname, 8) = w.mark
        where c.relkind in ('r', 'p')
        group by w.name, w.key, c.oid, n.nspname, c.relname
    ), topmost as (
        select d.*, coalesce((select format('%I.%I', n.nspname, c.relname) from facteur.family(d.oid) f join pg_class c on c.oid = f
            join pg_namespace n on n.oid = c.relnamespace where not exists (select from pg_inherits i where i.inhrelid = f) limit 1), d.name) as top
        from doors d
    )
    select case when min(triggers) < 2 then 'trigger_missing' else 'trigger_not_always' end,
           format('%s not watched%s: %s', count(*), case when min(triggers) = 2 then ' for writers that switch triggers off' end,
                  array_to_string((array_agg(called order by called))[:5], ', ') || case when count(*) > 5 then ' and more' else '' end),
           format('select facteur.watch(%L, %L); select facteur.note_forgotten(true)', top, key)
    from topmost where always < 2 group by top, key
$$;

-- The two columns that are written: whether their types take what is written there.
create or replace function facteur.narrow_columns() returns table (code text, what text, fix text)
    language sql stable as $$
    with shown as (
        select a.attname, t.typtype, t.oid as type, format_type(a.atttypid, a.atttypmod) as called, format_type(t.oid, null) as base,
               case when t.typname in ('varchar', 'bpchar') and a.atttypmod > 4 then a.atttypmod - 4 end as length,
               case a.attname when 'technical_status' then 9 else greatest(36, (
                   select max(length(s.platform_id)) from facteur.submissions s where s.write_back_due_at is not null)) end as needed
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = to_regclass('facteur.invoice_source') and a.attname in ('technical_status', 'submission_id')
    ), given as (
        select s.*, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as relation, o.attname as column_name,
               array(select w from unnest(array['pending', 'validated', 'rejected', 'error']) w
                     where not exists (select from pg_enum e where e.enumtypid = s.type and e.enumlabel = w)) as lacking
        from shown s left join lateral facteur.shown_from(s.attname) o on true
        left join pg_class c on c.oid = o.relation left join pg_namespace n on n.oid = c.relnamespace
    )
    select 'labels_missing', format('%s is of the type %s, which lacks %s', attname, called, array_to_string(lacking, ', ')),
           (select string_agg(format('alter type %s add value %L', base, l), '; ') from unnest(lacking) l)
    from given where typtype = 'e' and cardinality(lacking) > 0
    union all
    select 'too_short', format('%s is %s, and %s characters are written there', attname, called, needed),
           format('begin; drop view facteur.invoice_source; alter table %s alter column %I type text; create view facteur.invoice_source as %s commit;',
                  coalesce(relation, 'its table'), coalesce(column_name, attname), pg_get_viewdef(to_regclass('facteur.invoice_source')))
    from given where length < needed
    union all
    select 'wrong_type', format('%s is of the type %s', attname, called), 'give it the type text, or leave it out of the view and of facteur.write_back'
    from given where typtype <> 'e' and base not in ('text', 'character varying', 'character', 'bpchar')
                     and not (attname = 'submission_id' and base = 'uuid') and typtype <> 'd'
$$;

-- Whether row security lets a role have every row: for nobody but the table's owner, a superuser, or a policy that says true.
create or replace function facteur.kept_from(p_relation oid, p_role oid, p_command "char") returns boolean
    language sql stable as $$
    select c.relrowsecurity and not r.rolsuper and not r.rolbypassrls and (c.relforcerowsecurity or not pg_has_role(r.oid, c.relowner, 'usage'))
       and (exists (select from pg_policy p where p.polrelid = c.oid and not p.polpermissive and p.polcmd in ('*', p_command))
            or not exists (
                select from pg_policy p
                where p.polrelid = c.oid and p.polpermissive and p.polcmd in ('*', p_command) and pg_get_expr(p.polqual, p.polrelid) = 'true'
                  and (0 = any (p.polroles) or exists (select from unnest(p.polroles) m where m <> 0 and pg_has_role(r.oid, m, 'usage')))))
    from pg_class c, pg_roles r where c.oid = p_relation and r.oid = p_role
$$;

-- Who reads which tables behind the view: the owner of the view that names a table, or with security_invoker whoever asks, and that is
-- the worker; where none is named, the owner of write_back, who is the one role.
create or replace function facteur.readers() returns table (relation oid, reader oid, what text)
    language sql stable as $$
    with recursive asked as (
        select to_regclass('facteur.invoice_source')::oid as id
        union
        select d.refobjid from asked join pg_rewrite r on r.ev_class = asked.id and r.rulename = '_RETURN'
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
        join pg_class c on c.oid = d.refobjid and c.relkind = 'v'
    ), views as (
        select v.oid, v.relowner, coalesce((select o.option_value::boolean from pg_options_to_table(v.reloptions) o
                                            where o.option_name = 'security_invoker'), false) as invoker
        from asked join pg_class v on v.oid = asked.id
    ), worker as (
        select coalesce((select r.oid from facteur.installation i join pg_roles r on r.rolname = i.worker_role),
                        (select p.proowner from pg_proc p where p.oid = to_regprocedure('facteur.write_back(text, text, text, text)'))) as id
    )
    select distinct d.refobjid, case when v.invoker then worker.id else v.relowner end,
           case when v.invoker then 'reads it through a view with security_invoker' else 'owns the view' end
    from views v cross join worker join pg_rewrite r on r.ev_class = v.oid and r.rulename = '_RETURN'
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid
$$;

-- Rows that whoever reads the mapping cannot see, or its owner cannot change.
create or replace function facteur.hidden_rows() returns table (code text, what text, fix text)
    language sql stable as $$
    with written as (
        select distinct w.relation::oid as relation, w.name, p.proowner as writer
        from facteur.watched w join pg_class c on c.oid = w.relation
        join pg_proc p on p.oid = to_regprocedure('facteur.write_back(text, text, text, text)')
        where to_regclass('facteur.invoice_source') is not null
          and (w.relation in (select relation from facteur.shown_from('invoice_id')) or (select count(*) from facteur.watched) = 1)
    ), concerned as ( -- a part of a table may be what the view names, and the other way round
        select distinct r.relation, w.name, r.reader, r.what
        from written w join facteur.readers() r on r.relation in (select facteur.family(w.relation))
    )
    select 'row_security', format('row security keeps rows of %s from %s, who %s', name, pg_get_userbyid(role), what),
           format('create policy %s to %I using (true)', case when what like 'owns%' then format('facteur on %s for all', name)
                                                              else format('facteur_reads on %s for select', name) end, pg_get_userbyid(role))
    from (select name, relation, reader as role, what, 'r'::"char" as command from concerned
          union all select name, relation, writer, 'owns facteur.write_back', 'w' from written) each
    where facteur.kept_from(relation, role, command)
    union all
    select 'no_right', format('%s may not %s %s', pg_get_userbyid(role), may, name), format('grant %s on %s to %I', may, name, pg_get_userbyid(role))
    from (select name, relation, reader as role, 'select' as may from concerned union all select name, relation, writer, 'update' from written) each
    where not has_any_column_privilege(role, relation, may)
$$;

-- Our sequences that are behind their tables, as after a failover to a logical copy: what they give is taken already.
create or replace function facteur.late_sequences() returns table (code text, what text, fix text)
    language plpgsql stable as $$
declare
    it record;
    highest bigint;
    given bigint;
begin
    for it in
        select a.attrelid::regclass as relation, a.attname, s.oid::regclass as sequence
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        join pg_depend d on d.refobjid = c.oid and d.refobjsubid = a.attnum and d.refclassid = 'pg_class'::regclass and d.deptype = 'i'
        join pg_class s on s.oid = d.objid and s.relkind = 'S'
        where c.relnamespace = 'facteur'::regnamespace and a.attidentity <> '' order by 1
    loop
        execute format('select max(%I) from %s', it.attname, it.relation) into highest;
        execute format('select case when is_called then last_value else last_value - 1 end from %s', it.sequence) into given;
        if highest > given then
            code := 'sequence_late';
            what := format('the sequence of %s stands at %s, and its table at %s', it.relation, given, highest);
            fix := format('select setval(%L, %s)', it.sequence, highest);
            return next;
        end if;
    end loop;
end $$;

-- Every fault of the installation, the gravest first. The cheap part is the relay's, each minute, with the sequences where a row or a
-- run meets an error; the whole is for doctor, init and deploy. grave: invoices wait for it, or may; else it is worth knowing.
create or replace function facteur.installation_faults(p_whole boolean default false) returns table (code text, grave boolean, what text, fix text)
    language plpgsql stable as $$
begin
    return query select a.code, true, a.what, a.fix from facteur.came_apart() a;
    return query select u.code, true, u.what, u.fix from facteur.unwatched() u;
    return query select 'no_write_back', true, format('there is no function %s', each), 'create it as in facteur/mapping/invoices.sql'
    from unnest(array['facteur.write_back(text, text, text, text)', 'facteur.write_status(text, text, text, text, timestamptz)']) each
    where to_regprocedure(each) is null and to_regclass('facteur.invoice_source') is not null;
    if p_whole or exists (select from facteur.changes where due_at > '-infinity' and error is not null)
       or exists (select from facteur.runs where error is not null) then
        return query select l.code, true, l.what, l.fix from facteur.late_sequences() l;
    end if;
    if not p_whole then
        return;
    end if;
    return query select h.code, true, h.what, h.fix from facteur.hidden_rows() h;
    return query select n.code, true, n.what, n.fix from facteur.narrow_columns() n;
    return query
    select 'published', false, format('the publication %s sends every table, those of Facteur too: a subscriber without them stops', p.pubname),
           'name its tables, or create the schema facteur at the subscriber first'
    from pg_publication p where p.puballtables;
    return query
    select 'unverified', false, format('the view does not show %s: nobody knows whether a row takes what is written there', string_agg(c, ' and ')),
           'let facteur.invoice_source show what facteur.write_back writes'
    from unnest(array['technical_status', 'submission_id']) c
    where to_regclass('facteur.invoice_source') is not null and facteur.source_column(c) = 'null' having count(*) > 0;
    return query
    select 'unverified', false, format('%s rows were written in the last day that the view does not show, or on which it raises', n),
           'let the view show every row, and `ready` say which are sent: select invoice_id from facteur.submissions where unverified_at is not null'
    from facteur.unverified_write_backs() n where n > 0;
end $$;

-- Rows to try write-backs with: what was opened last in each state, and with p_thorough also one that is ready; else the last row,
-- for an old one may be closed to everybody, by an accountant's trigger.
create or replace function facteur.rows_to_try(p_thorough boolean) returns setof text
    language plpgsql stable as $$
declare
    keys text[] := array(select min(l.invoice_id) from (select invoice_id, state from facteur.submissions order by id desc limit 200) l group by l.state);
begin
    if p_thorough then
        keys := keys || array(select facteur.read_keys(format('select s.invoice_id::text from facteur.invoice_source s where %s limit 1',
                                                              replace(facteur.source_column('ready'), 'null', 'false'))));
    end if;
    if array_remove(keys, null) = '{}' then
        keys := array(select facteur.read_keys('select s.invoice_id::text from facteur.invoice_source s order by s.invoice_id desc limit 1'));
    end if;
    return query select distinct k from unnest(keys) k where k is not null;
end $$;

-- Give some of the company's rows each status that Facteur may give, so that her triggers, checks, types and row security run as they
-- will; compare what the view shows; put everything back. A row that somebody holds is left out. The problems; tried: how many rows.
create or replace function facteur.try_write_backs(p_thorough boolean, out problems text[], out tried integer)
    language plpgsql as $$
declare
    patience constant text := current_setting('lock_timeout');
    keys text[];
    key text;
    status text;
    deposit text;
    written record;
begin
    perform set_config('lock_timeout', '500ms', true);
    problems := '{}'; tried := 0;
    begin
        keys := array(select k from facteur.rows_to_try(p_thorough) k);
    exception when others or assert_failure then
        problems := array[format('the view raises (SQLSTATE %s)', sqlstate)];
    end;
    foreach key in array coalesce(keys, '{}') loop
        tried := tried + 1;
        foreach status in array array['pending', 'validated', 'rejected', 'error'] loop
            begin
                deposit := case when status in ('validated', 'rejected') then '00000000-0000-7000-8000-000000000000' end;
                perform facteur.write_back(key, status, deposit, case status when 'validated' then '205' when 'rejected' then '213' end);
                perform facteur.write_status(key, '200', 'Déposée', '', facteur.now()) where status = 'validated';
                perform facteur.settle_constraints();
                select * into written from facteur.compare_written(key, status, deposit);
                if written.differing is not null then
                    problems := problems || format('row %s, %s: it does not show the %s', key, status, written.differing);
                end if;
                raise 'tried' using errcode = 'FR002';
            exception
                when sqlstate 'FR002' then
                    null;
                when lock_not_available or deadlock_detected then
                    exit;
                when others or assert_failure then
                    problems := problems || format('row %s, %s: %s (SQLSTATE %s)', key, status, sqlerrm, sqlstate);
            end;
        end loop;
    end loop;
    problems := array(select distinct p from unnest(problems) p order by p);
    perform set_config('lock_timeout', patience, true);
end $$;
