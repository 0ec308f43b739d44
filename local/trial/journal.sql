-- What a trial changes in the company's tables, and how it is taken back. All of it lies in this schema, so that a trial that was killed
-- can be put back by the next one.
create schema facteur_trial;

-- Every row that a session of Facteur's wrote, whole and as Postgres itself writes it: by a write-back, or by a trigger of the company's
-- that ran with it. Of a partitioned table, the partition.
create table facteur_trial.journal (
    id        bigint generated always as identity primary key,
    relation  regclass not null,
    operation text not null,
    before    text,
    after     text,
    undone    boolean, -- true: as it was before; false: there is no such row any more, or `why` says what kept it
    why       text
);

-- Triggers that keep still while it is taken back, and how they were.
create table facteur_trial.silenced (relation regclass not null, name name not null, enabled "char" not null);

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

-- A row's text must be read as it was written, whatever a session has set; and it runs with its owner's rights, because a trigger of the
-- company's may run with somebody else's.
create function facteur_trial.note() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 1
    set bytea_output = 'hex' set xmloption = 'content' as $$
begin
    insert into facteur_trial.journal (relation, operation, before, after)
    values (tg_relid, tg_op, case when tg_op <> 'INSERT' then old::text end, case when tg_op <> 'DELETE' then new::text end);
    return null;
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

-- How a row is found: by its primary key, else by all that it says. `side` is the row of the journal that it has to be by now.
create function facteur_trial.found_by(relation regclass, side text) returns text
    language sql stable as $$
    select coalesce(
        (select string_agg(
            case when base.typnamespace = 'pg_catalog'::regnamespace or base.typtype = 'e'
                 then format('t.%1$I operator(pg_catalog.=) (j.%2$s).%1$I', a.attname, side)
                 else format('t.%1$I::text operator(pg_catalog.=) (j.%2$s).%1$I::text', a.attname, side) end, ' and ')
         from pg_index i cross join unnest(i.indkey) key (attnum)
         join pg_attribute a on a.attrelid = i.indrelid and a.attnum = key.attnum
         join pg_type type on type.oid = a.atttypid join pg_type base on base.oid = coalesce(nullif(type.typbasetype, 0), type.oid)
         where i.indrelid = relation and i.indisprimary),
        format('t.ctid operator(pg_catalog.=) (select same.ctid from only %s same where same::text operator(pg_catalog.=) (j.%s)::text limit 1)', relation, side))
$$;

-- The statement that takes one entry back; $1 is the row before, $2 the row after. A column that somebody has written since keeps what
-- it says, for that is not the trial's.
create function facteur_trial.inverse(relation regclass, operation text) returns text
    language sql stable as $$
    with named as (
        select c.reltype::regtype as row_type,
               string_agg(format('%I', a.attname), ', ' order by a.attnum) as columns,
               string_agg(format('(j.b).%I', a.attname), ', ' order by a.attnum) as former,
               string_agg(format(
                   '%1$I = case when (j.b).%1$I::text is distinct from (j.a).%1$I::text and t.%1$I::text is not distinct from (j.a).%1$I::text'
                   ' then (j.b).%1$I else t.%1$I end', a.attname), ', ' order by a.attnum) filter (where a.attidentity <> 'a') as restored
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        where c.oid = relation group by c.oid
    )
    select case operation
        when 'INSERT' then format('delete from only %s t using (select $2::%s as a) j where %s', relation, row_type, facteur_trial.found_by(relation, 'a'))
        when 'DELETE' then format('insert into %s (%s) overriding system value select %s from (select $1::%s as b) j', relation, columns, former, row_type)
        else format('update only %1$s t set %2$s from (select $1::%3$s as b, $2::%3$s as a) j where %4$s',
                    relation, restored, row_type, facteur_trial.found_by(relation, 'a'))
    end from named
$$;

-- Take every entry back, the latest first, without the company's triggers: they would note, forbid or number once more. Then the
-- sequences, as far as no row says that somebody else has drawn from them. Gives a line for each table, and one for each thing that stays.
create function facteur_trial.put_back() returns table (relation text, restored integer, removed integer, stays text)
    language plpgsql
    set search_path = pg_catalog set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set extra_float_digits = 1
    set bytea_output = 'hex' set xmloption = 'content' as $$
#variable_conflict use_column
declare
    entry record;
    affected bigint;
begin
    set constraints all immediate;
    perform facteur_trial.unwatch();
    for entry in select distinct j.relation from facteur_trial.journal j join pg_class c on c.oid = j.relation order by 1 loop
        execute format('lock table only %s in share row exclusive mode', entry.relation);
    end loop;
    delete from facteur_trial.silenced;
    insert into facteur_trial.silenced
    select t.tgrelid, t.tgname, t.tgenabled from pg_trigger t
    where not t.tgisinternal and t.tgenabled <> 'D' and t.tgrelid in (select j.relation from facteur_trial.journal j);
    for entry in select * from facteur_trial.silenced loop
        execute format('alter table only %s disable trigger %I', entry.relation, entry.name);
    end loop;
    for entry in
        select j.*, facteur_trial.inverse(j.relation, j.operation) as statement
        from facteur_trial.journal j join pg_class c on c.oid = j.relation where j.undone is null order by j.id desc
    loop
        begin
            execute entry.statement using entry.before, entry.after;
            get diagnostics affected = row_count;
            update facteur_trial.journal set undone = affected > 0 where id = entry.id;
        exception when others then
            update facteur_trial.journal set undone = false, why = sqlerrm where id = entry.id;
        end;
    end loop;
    for entry in select * from facteur_trial.silenced loop
        execute format('alter table only %s enable %s trigger %I', entry.relation,
                       case entry.enabled when 'A' then 'always' when 'R' then 'replica' else '' end, entry.name);
    end loop;
    perform facteur_trial.rewind();
    return query
    select j.relation::text, (count(*) filter (where j.undone and j.operation <> 'INSERT'))::integer,
           (count(*) filter (where j.undone and j.operation = 'INSERT'))::integer,
           case when count(j.why) > 0 then count(j.why) || ' rows keep what the trial wrote: ' || min(j.why) end
    from facteur_trial.journal j group by j.relation
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
        where c.plain and (s.drawn or c.relation in (select coalesce(pg_partition_root(j.relation), j.relation) from facteur_trial.journal j))
    loop
        execute format('lock table %s in share row exclusive mode', counter.relation);
        execute format('select exists (select from %1$s where %2$I > $1 or %2$I = $1 and not $2)', counter.relation, counter.column_name)
            into later using counter.value, counter.called;
        if not later then
            perform setval(counter.sequence, counter.value, counter.called);
        end if;
    end loop;
end $$;
