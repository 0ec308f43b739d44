-- What a trial changes in the company's tables, and how it is taken back. All of it lies in this schema, so that a trial that was killed
-- can be put back by the next one. Every table has a primary key: a database may publish all its tables, and then nothing else is deleted.
create schema facteur_trial;

-- The trial whose schema this is. `facteur init` records the token with its `--why`, in the transaction that installs.
create table facteur_trial.trial (single boolean primary key default true check (single), token uuid not null default gen_random_uuid());
insert into facteur_trial.trial default values;

-- The tables that are watched: how their rows are known (null: by all that they say), and the columns that installing added.
create table facteur_trial.watched (relation regclass primary key, key name[], added name[] not null);

-- Every version of a row that a session of Facteur's made or ended, by a write-back or by a trigger of the company's that ran with it.
-- The images are each column's text by its name, for columns come and go.
create table facteur_trial.journal (
    id             bigint generated always as identity primary key,
    transaction_id xid8 not null default pg_current_xact_id(),
    relation       regclass not null, -- of a partitioned table the root
    leaf           regclass not null, -- and the partition
    key            jsonb,
    before         jsonb,
    before_at      tid,               -- within one transaction a version's place is nobody else's
    after          jsonb,
    after_at       tid
);
create index journal_before on facteur_trial.journal (transaction_id, leaf, before_at);
create index journal_after on facteur_trial.journal (transaction_id, leaf, after_at);

-- What a transaction made of a row: from the image that it found to the one that it left. In what order triggers noted the steps
-- between, and through which partitions the row went, says nothing then.
create table facteur_trial.changes (
    at       bigint primary key,
    relation regclass not null,
    key      jsonb,
    before   jsonb,
    after    jsonb,
    undone   boolean, -- true: as it was before; false: `why` says what was not put back; null: not yet
    why      text
);
create index changes_row on facteur_trial.changes (relation, key, at);

-- How changes are taken back, for each shape of them once: to find that out takes longer than to do it.
create table facteur_trial.ways (relation regclass, shape text, statement text, missing text, lost text, primary key (relation, shape));

-- Triggers that keep still while it is taken back, and how they were.
create table facteur_trial.silenced (relation regclass, name name, enabled "char" not null, primary key (relation, name));

-- Tables without a key of a database that publishes them: nothing can be put back there unless for this while all columns identify a row.
create table facteur_trial.identified (relation regclass primary key);

-- Where the company's sequences stood before. `drawn`: trying the write-backs took a value.
create table facteur_trial.sequences (
    sequence regclass primary key,
    value    bigint not null,
    called   boolean not null,
    drawn    boolean not null default false
);

-- The company's own tables; of a partitioned one the root, whose triggers its partitions share.
create view facteur_trial.tables as
select c.oid::regclass as relation, pg_has_role(c.relowner, 'usage') as owned
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
  and n.nspname not in ('information_schema', 'facteur', 'facteur_trial') and n.nspname not like 'pg\_%'
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e');

-- Its sequences, and the column that each one numbers: its owner, or the only one whose default it is.
create view facteur_trial.counters as
select s.seqrelid::regclass as sequence, a.attrelid::regclass as relation, a.attname as column_name,
       a.attrelid is not null and s.seqincrement = 1 and s.seqcache = 1 as plain
from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
left join pg_depend owner on owner.classid = 'pg_class'::regclass and owner.objid = s.seqrelid
    and owner.refclassid = 'pg_class'::regclass and owner.deptype in ('a', 'i') and owner.refobjsubid > 0
left join lateral (
    select min(f.adrelid::bigint) as adrelid, min(f.adnum) as adnum from pg_depend d join pg_attrdef f on f.oid = d.objid
    where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = s.seqrelid
    having count(*) = 1
) sole on owner.refobjid is null
left join pg_attribute a on a.attrelid = coalesce(owner.refobjid, sole.adrelid::oid) and a.attnum = coalesce(owner.refobjsubid, sole.adnum)
where n.nspname not in ('facteur', 'facteur_trial') and c.relpersistence <> 't' and pg_has_role(c.relowner, 'usage');

create function facteur_trial.standing(sequence regclass, out value bigint, out called boolean)
    language plpgsql as $$
begin
    execute format('select last_value, is_called from %s', sequence) into value, called;
end $$;

insert into facteur_trial.sequences (sequence, value, called)
select c.sequence, s.value, s.called from facteur_trial.counters c cross join lateral facteur_trial.standing(c.sequence) s;

-- Whether the installation that is there is the trial's own: it was installed with the trial's token, not taken away since, and deposits
-- with nobody but a simulator on this machine. Null: there is none.
create function facteur_trial.ours() returns boolean
    language plpgsql stable set search_path = pg_catalog as $$
begin
    if to_regclass('facteur.operations') is null then
        return null;
    end if;
    return exists (
        select from facteur.operations o cross join facteur_trial.trial t
        where o.operation = 'init' and o.why like '%' || t.token || '%'
          and not exists (select from facteur.operations later where later.operation = 'uninstall' and later.id > o.id)
    ) and not exists (
        select from facteur.accounts a
        where a.pin is not null and coalesce(a.pin ->> 'base_url', '') !~ '^http://(127\.0\.0\.1|localhost)[:/]'
    );
end $$;

-- An expression's text as its type writes it; `::text` would be somebody's cast.
create function facteur_trial.said(expression text) returns text
    language sql stable as $$
    select format('case when %1$s is distinct from null then pg_catalog.format(''%%s'', %1$s) end', expression)
$$;

-- The columns of a relation that hold something, with their types.
create function facteur_trial.columns(relation regclass) returns table (name name, type text, settable boolean, comparable boolean)
    language sql stable set search_path = pg_catalog as $$
    select a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated = '' and a.attidentity <> 'a',
           base.typnamespace = 'pg_catalog'::regnamespace or base.typtype = 'e'
    from pg_attribute a join pg_type type on type.oid = a.atttypid
    join pg_type base on base.oid = coalesce(nullif(type.typbasetype, 0), type.oid)
    where a.attrelid = relation and a.attnum > 0 and not a.attisdropped and a.attgenerated <> 'v' order by a.attnum
$$;

-- The statement that makes an image of the row $1.
create function facteur_trial.imaging(relation regclass) returns text
    language sql stable set search_path = pg_catalog as $$
    select format('select pg_catalog.jsonb_object(array[%s]::text[], array[%s]::text[])', string_agg(quote_literal(name), ', '),
                  string_agg(facteur_trial.said(format('($1).%I', name)), ', '))
    from facteur_trial.columns(relation)
$$;

create function facteur_trial.key_in(image jsonb, key name[]) returns jsonb
    language sql immutable set search_path = pg_catalog as $$
    select jsonb_object_agg(name, image -> name::text) from unnest(key) name
$$;

-- A row's text must be read as it was written, whatever a session has set; and it runs with its owner's rights, because a trigger of the
-- company's may run with somebody else's. An installation in earnest writes nothing here, should a killed trial have left its triggers.
create function facteur_trial.note() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 1
    set bytea_output = 'hex' set xmloption = 'content' set lc_monetary = 'C' as $$
declare
    root constant regclass := coalesce(pg_partition_root(tg_relid), tg_relid);
    key constant name[] := (select w.key from facteur_trial.watched w where w.relation = root);
    former facteur_trial.journal;
begin
    if facteur_trial.ours() is not true then
        return null;
    end if;
    if tg_op <> 'INSERT' then
        execute facteur_trial.imaging(tg_relid) into former.before using old;
        former.before_at := old.ctid;
        former.key := facteur_trial.key_in(former.before, key);
    end if;
    if tg_op <> 'DELETE' then
        execute facteur_trial.imaging(tg_relid) into former.after using new;
        former.after_at := new.ctid;
    end if;
    if former.before is null or former.after is null or former.key is not distinct from facteur_trial.key_in(former.after, key) then
        insert into facteur_trial.journal (relation, leaf, key, before, before_at, after, after_at)
        values (root, tg_relid, coalesce(former.key, facteur_trial.key_in(former.after, key)),
                former.before, former.before_at, former.after, former.after_at);
    else -- its key has changed: one row less and one more
        insert into facteur_trial.journal (relation, leaf, key, before, before_at) values (root, tg_relid, former.key, former.before, former.before_at);
        insert into facteur_trial.journal (relation, leaf, key, after, after_at)
        values (root, tg_relid, facteur_trial.key_in(former.after, key), former.after, former.after_at);
    end if;
    return null;
end $$;

-- How a table's rows are known: by the key that the mapping names if no two rows share it, for that of a partitioned table is less than
-- its primary key, which a row that moves changes; else by the primary key or another unique one.
create function facteur_trial.key_of(relation regclass) returns name[]
    language plpgsql set search_path = pg_catalog as $$
declare
    declared constant name[] := (
        select array_agg(a.attname order by part.n) filter (where part.n <= i.indnkeyatts)
        from pg_index i cross join unnest(i.indkey) with ordinality part (attnum, n)
        left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = part.attnum
        where i.indrelid = relation and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
        group by i.indexrelid, i.indisprimary having bool_and(a.attnotnull) filter (where part.n <= i.indnkeyatts)
        order by i.indisprimary desc, i.indexrelid limit 1);
    mapped constant name := (
        select each ->> 'key' from facteur.installation i cross join jsonb_array_elements(i.added) with ordinality source (each, n)
        join pg_class c on c.oid = relation
        where each ->> 'what' = 'source' and each ->> 'table' = c.relnamespace::regnamespace::text || '.' || c.relname
        order by n desc limit 1);
    shared boolean := true;
begin
    if mapped is not null and declared is distinct from array[mapped] then
        execute format('select exists (select from %1$s group by %2$I having count(*) > 1 or %2$I is null)', relation, mapped) into shared;
    end if;
    return case when shared then declared else array[mapped] end;
end $$;

-- Facteur's sessions name themselves; what the company's own write is none of the trial's business.
create function facteur_trial.watch(relation regclass) returns void
    language plpgsql as $$
begin
    execute format($q$
        create trigger facteur_trial after insert or update or delete on %s for each row
        when (pg_catalog.current_setting('application_name'::text) operator(pg_catalog.=) 'facteur'::text)
        execute function facteur_trial.note()
    $q$, relation);
    execute format('alter table %s enable always trigger facteur_trial', relation);
    insert into facteur_trial.watched (relation, key, added)
    values (relation, facteur_trial.key_of(relation),
            array(select a.name from facteur.added() a where a.what = 'column' and a.table_oid = relation and a.name is not null));
end $$;

create function facteur_trial.unwatch() returns void
    language plpgsql as $$
declare
    watched regclass;
begin
    for watched in
        select t.tgrelid::regclass from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where t.tgfoid = 'facteur_trial.note'::regproc and not c.relispartition
    loop
        execute format('drop trigger facteur_trial on %s', watched);
    end loop;
end $$;

-- A table without those that inherit from it, but with all its partitions.
create function facteur_trial.alone(relation regclass) returns text
    language sql stable set search_path = pg_catalog as $$
    select case when relkind = 'p' then '' else 'only ' end || relation from pg_class where oid = relation
$$;

-- Where the row is that a change left, as a condition on `t`; $2 is its image.
create function facteur_trial.found_by(relation regclass, key name[], image jsonb) returns text
    language sql stable set search_path = pg_catalog as $$
    select case when key is not null then
        (select string_agg(
            case when comparable then format('t.%1$I = ($2 ->> %1$L)::%2$s', name, type)
                 else format('%s = $2 ->> %L', facteur_trial.said(format('t.%I', name)), name) end, ' and ')
         from facteur_trial.columns(relation) where name = any (key))
    else
        (select format('(t.tableoid, t.ctid) = (select same.tableoid, same.ctid from %s same where %s limit 1)', facteur_trial.alone(relation),
                       string_agg(format('%s is not distinct from $2 ->> %L', facteur_trial.said(format('same.%I', name)), name), ' and '))
         from facteur_trial.columns(relation) where image ? name::text)
    end
$$;

-- The statement that takes a change back: $1 is the row's image before, $2 the one after. A column that somebody has written since keeps
-- what it says, for that is not the trial's. Null: the change has changed nothing that is still there.
create function facteur_trial.inverse(change facteur_trial.changes, key name[]) returns text
    language sql stable set search_path = pg_catalog as $$
    with kept as (
        select * from facteur_trial.columns(change.relation) c where change.before ? c.name::text
    ), written as (
        select string_agg(format('%1$I = case when %2$s is not distinct from $2 ->> %1$L then ($1 ->> %1$L)::%3$s else t.%1$I end', kept.name,
                                 facteur_trial.said(format('t.%I', kept.name)), type), ', ') as assignments
        from kept where settable and change.before ->> kept.name is distinct from change.after ->> kept.name
    )
    select case
        when change.before is null
            then format('delete from %s t where %s', facteur_trial.alone(change.relation), facteur_trial.found_by(change.relation, key, change.after))
        when change.after is null then
            (select format('insert into %s (%s) overriding system value select %s', change.relation, string_agg(format('%I', kept.name), ', '),
                           string_agg(format('($1 ->> %L)::%s', kept.name, type), ', '))
             from kept join pg_attribute a on a.attrelid = change.relation and a.attname = kept.name where a.attgenerated = '')
        else 'update ' || facteur_trial.alone(change.relation) || ' t set ' || written.assignments || ' where '
                    || facteur_trial.found_by(change.relation, key, change.after)
    end from written
$$;

-- Columns that the trial wrote and that are not there any more under their names, unless installing had added them.
create function facteur_trial.lost(change facteur_trial.changes) returns text
    language sql stable set search_path = pg_catalog as $$
    select string_agg(written.name, ', ') from jsonb_object_keys(coalesce(change.before, '{}')) written (name)
    where change.before ->> written.name is distinct from change.after ->> written.name
      and written.name not in (select c.name from facteur_trial.columns(change.relation) c)
      and written.name not in (select unnest(w.added) from facteur_trial.watched w where w.relation = change.relation)
$$;

-- The way in which a change is taken back: all of the same columns, of which the same were changed, go the same one.
create function facteur_trial.way_of(change facteur_trial.changes) returns facteur_trial.ways
    language plpgsql as $$
declare
    key constant name[] := (select w.key from facteur_trial.watched w where w.relation = change.relation);
    sought constant text := (
        select concat_ws(' ', change.before is null, change.after is null, string_agg(
            quote_ident(image.name) || case when change.before ->> image.name is distinct from change.after ->> image.name then ' *' else '' end, ', '))
        from jsonb_object_keys(coalesce(change.before, change.after)) image (name));
    way facteur_trial.ways;
begin
    select * into way from facteur_trial.ways w where w.relation = change.relation and w.shape = sought;
    if not found then
        insert into facteur_trial.ways
        select change.relation, sought, facteur_trial.inverse(change, key), string_agg(k, ', '), facteur_trial.lost(change)
        from unnest(key) k where k not in (select c.name from facteur_trial.columns(change.relation) c)
        returning * into way;
    end if;
    return way;
end $$;

-- Take one change back. Gives what is to be said of it; null: the row is as it was.
create function facteur_trial.take_back(change facteur_trial.changes) returns text
    language plpgsql as $$
declare
    way facteur_trial.ways;
    affected bigint;
begin
    if change.before is null and change.after is null then
        return null; -- it came and went in one transaction
    end if;
    way := facteur_trial.way_of(change);
    if way.missing is not null then
        return 'its key ' || way.missing || ' is not there any more';
    end if;
    if way.statement is not null then
        execute way.statement using change.before, change.after;
        get diagnostics affected = row_count;
    end if;
    if affected > 1 then
        raise 'several rows have its key by now';
    elsif affected = 0 and (change.before is not null or change.key is null) then
        return 'it is not found' || case when change.key is null then ', and the table has no key to know it by'
                                         else ': it was deleted, or has another key by now' end;
    end if;
    return 'its column ' || way.lost || ' is not there any more';
end $$;

-- The journal as changes; those that were taken back already stay as they are.
create function facteur_trial.sum_up() returns void
    language sql as $$
    with recursive version as (
        select j.id as row, j.*, true as first from facteur_trial.journal j
        where j.before is null or not exists (
            select from facteur_trial.journal p
            where p.transaction_id = j.transaction_id and p.leaf = j.leaf and p.after_at = j.before_at)
        union all
        select v.row, n.*, false from version v join facteur_trial.journal n
        on n.transaction_id = v.transaction_id and n.leaf = v.leaf and n.before_at = v.after_at
    ), known as (
        select v.*, v.after is not null and not exists (
            select from facteur_trial.journal n
            where n.transaction_id = v.transaction_id and n.leaf = v.leaf and n.before_at = v.after_at) as last
        from version v
    )
    insert into facteur_trial.changes (at, relation, key, before, after)
    select max(id), relation, key, (array_agg(before) filter (where first and before is not null))[1], (array_agg(after) filter (where last))[1]
    from known group by transaction_id, relation, key, case when key is null then known.row end
    on conflict do nothing
$$;

-- The tables that something is put back in, and all their partitions.
create view facteur_trial.touched as
select c.relation from facteur_trial.changes c
union select member.relid from facteur_trial.changes c cross join pg_partition_tree(c.relation) member;

-- The company's triggers keep still, in all partitions: they would note, forbid or number once more.
create function facteur_trial.silence() returns void
    language plpgsql as $$
declare
    entry record;
begin
    delete from facteur_trial.identified;
    insert into facteur_trial.identified
    select t.relation from facteur_trial.touched t join pg_class c on c.oid = t.relation
    where c.relkind = 'r' and c.relreplident = 'd' and exists (select from pg_publication)
      and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary);
    for entry in select * from facteur_trial.identified loop
        execute format('alter table only %s replica identity full', entry.relation);
    end loop;
    delete from facteur_trial.silenced;
    insert into facteur_trial.silenced
    select t.tgrelid, t.tgname, t.tgenabled from pg_trigger t
    where not t.tgisinternal and t.tgenabled <> 'D' and t.tgrelid in (select touched.relation from facteur_trial.touched);
    for entry in select * from facteur_trial.silenced loop
        execute format('alter table only %s disable trigger %I', entry.relation, entry.name);
    end loop;
end $$;

create function facteur_trial.let_speak() returns void
    language plpgsql as $$
declare
    entry record;
begin
    for entry in select * from facteur_trial.silenced loop
        execute format('alter table only %s enable %s trigger %I', entry.relation,
                       case entry.enabled when 'A' then 'always' when 'R' then 'replica' else '' end, entry.name);
    end loop;
    for entry in select * from facteur_trial.identified loop
        execute format('alter table only %s replica identity default', entry.relation);
    end loop;
end $$;

-- Take back what can be, the latest first; one that another row stands in the way of is tried again once others are gone, and of a row
-- nothing older before it. Gives whether any was.
create function facteur_trial.take_all_back() returns boolean
    language plpgsql as $$
declare
    change facteur_trial.changes;
    why_not text;
    progress boolean := false;
begin
    for change in select * from facteur_trial.changes where undone is null order by at desc loop
        continue when exists (
            select from facteur_trial.changes later
            where later.relation = change.relation and later.key = change.key and later.at > change.at and later.undone is null);
        begin
            why_not := facteur_trial.take_back(change);
            update facteur_trial.changes set undone = why_not is null, why = why_not where at = change.at;
            progress := true;
        exception when others then
            update facteur_trial.changes set why = sqlerrm where at = change.at;
        end;
    end loop;
    return progress;
end $$;

-- What was not put back, by tables: how many rows, some by their keys, and why.
create function facteur_trial.left_behind() returns table (relation regclass, words text)
    language sql stable set search_path = pg_catalog as $$
    with lacking as (
        select relation, coalesce(key::text, at::text) as row, min(why) as why,
               min((select string_agg(name || ' ' || value, ', ') from jsonb_each_text(key) part (name, value))) as named
        from facteur_trial.changes where undone is not true group by relation, coalesce(key::text, at::text)
    ), kept as (
        select relation, why, count(*) as rows, array_to_string((array_agg(named order by row) filter (where named is not null))[1:5], '; ') as named
        from lacking group by relation, why
    )
    select relation, string_agg(
        format('%s rows were not put back%s: %s', rows, ' (' || nullif(named, '') || case when rows > 5 then '; …' else '' end || ')', why), '; ')
    from kept group by relation
$$;

-- Take everything back in one transaction. Then the sequences, as far as no row says that somebody else has drawn from them. Gives a
-- line for each table, and one for each thing that stays.
create function facteur_trial.put_back() returns table (relation text, restored integer, removed integer, stays text)
    language plpgsql
    set search_path = pg_catalog set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 1
    set bytea_output = 'hex' set xmloption = 'content' set lc_monetary = 'C' as $$
#variable_conflict use_column
declare
    entry record;
begin
    set constraints all immediate;
    perform facteur_trial.unwatch();
    delete from facteur_trial.ways;
    delete from facteur_trial.journal j where not exists (select from pg_class c where c.oid = j.relation); -- its table was dropped
    for entry in select distinct j.relation from facteur_trial.journal j order by 1 loop
        execute format('lock table %s in share row exclusive mode', facteur_trial.alone(entry.relation));
    end loop;
    analyze facteur_trial.journal;
    perform facteur_trial.sum_up();
    analyze facteur_trial.changes;
    perform facteur_trial.silence();
    while facteur_trial.take_all_back() loop
    end loop;
    perform facteur_trial.let_speak();
    perform facteur_trial.rewind();
    return query
    select c.relation::text, (count(*) filter (where c.undone and c.before is not null))::integer,
           (count(*) filter (where c.undone and c.before is null and c.after is not null))::integer,
           (select l.words from facteur_trial.left_behind() l where l.relation = c.relation)
    from facteur_trial.changes c group by c.relation
    union all
    select c.sequence::text, 0, 0, 'counts on from ' || (facteur_trial.standing(c.sequence)).value
    from facteur_trial.counters c join facteur_trial.sequences s on s.sequence = c.sequence
    where s.drawn and not c.plain and (facteur_trial.standing(c.sequence)).value <> s.value
    order by 1;
end $$;

-- A sequence that numbers a column goes back to where it stood if no row has a later number; one that numbers none, or hands out several
-- at a time, counts on: somebody may hold numbers that no row shows yet.
create function facteur_trial.rewind() returns void
    language plpgsql as $$
declare
    counter record;
    later boolean;
begin
    for counter in
        select c.*, s.value, s.called from facteur_trial.counters c join facteur_trial.sequences s on s.sequence = c.sequence
        where c.plain and (s.drawn or c.relation in (select j.relation from facteur_trial.journal j))
    loop
        execute format('lock table %s in share row exclusive mode', counter.relation);
        execute format('select exists (select from %1$s where %2$I > $1 or %2$I = $1 and not $2)', counter.relation, counter.column_name)
            into later using counter.value, counter.called;
        if not later then
            perform setval(counter.sequence, counter.value, counter.called);
        end if;
    end loop;
end $$;
