"""A database's catalogue, as `facteur init` looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from facteur.install.exposure_store import exposures
from facteur.install.model import Column, Found, Reference, Table
from facteur.install.schema import NARROW, MigratedDatabase


class Looking:
    """A database's catalogue, by Postgres' own functions, whatever lies on the owner's path.

    No lock is taken on any table of the company's, and no row of one is read.
    """

    TABLES = """
        with recursive tree as (
            select oid as root, oid from pg_class where relkind in ('r', 'p') and not relispartition
            union all select tree.root, inhrelid from pg_inherits join tree on inhparent = tree.oid
        ), sizes as (
            select tree.root, sum(case when l.relkind = 'p' then 0
                                 when l.reltuples < 0 then pg_stat_get_live_tuples(l.oid) else l.reltuples end)::bigint as rows,
                   sum(l.relpages::bigint * current_setting('block_size')::integer)::bigint as bytes, count(*)::integer - 1 as partitions
            from tree join pg_class l on l.oid = tree.oid group by tree.root
        )
        select n.nspname || '.' || c.relname as name, format('%%I.%%I', n.nspname, c.relname) as quoted, c.relkind = 'p' as partitioned,
               sizes.partitions, pg_has_role(c.relowner, 'usage') as owned, sizes.rows, sizes.bytes,
               (select jsonb_agg(jsonb_build_object(
                    'name', a.attname, 'quoted', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod), 'kind', t.typname,
                    'length', case when t.typname in ('varchar', 'bpchar') and a.atttypmod > 4 then a.atttypmod - 4 end,
                    'not_null', a.attnotnull, 'has_default', a.atthasdef or a.attidentity <> '',
                    'enum', t.typtype = 'e',
                    'indexed', exists (select from pg_index x where x.indrelid = c.oid and x.indisvalid and x.indpred is null
                                       and x.indkey[0] = a.attnum),
                    'values', case when replace(lower(a.attname), '_', '') = any (%(status_columns)s) then to_jsonb(array(
                        select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid
                        union select btrim(v) from tree join pg_class l on l.oid = tree.oid join pg_namespace ln on ln.oid = l.relnamespace
                        join pg_stats s on s.schemaname = ln.nspname and s.tablename = l.relname, unnest(s.most_common_vals::text::text[]) v
                        where tree.root = c.oid and s.attname = a.attname)) else '[]' end
                ) order by a.attnum)
                from pg_attribute a join pg_type t on t.oid = a.atttypid
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
               array(select a.attname::text from pg_index x join pg_attribute a on a.attrelid = c.oid and a.attnum = any (x.indkey)
                     where x.indrelid = c.oid and x.indisprimary order by array_position(x.indkey::smallint[], a.attnum)) as primary_key,
               (select coalesce(jsonb_agg(jsonb_build_object(
                    'column', a.attname, 'table', rn.nspname || '.' || r.relname, 'target', ra.attname)), '[]')
                from pg_constraint k join pg_class r on r.oid = k.confrelid join pg_namespace rn on rn.oid = r.relnamespace
                join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
                join pg_attribute ra on ra.attrelid = r.oid and ra.attnum = k.confkey[1]
                where k.conrelid = c.oid and k.contype = 'f' and cardinality(k.conkey) = 1) as refs,
               array(select g.tgname::text from pg_trigger g join pg_proc p on p.oid = g.tgfoid
                     where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled <> 'D' and g.tgtype & 20 <> 0
                       and p.pronamespace is distinct from to_regnamespace('facteur') order by 1) as triggers
        from pg_class c join pg_namespace n on n.oid = c.relnamespace join sizes on sizes.root = c.oid
        where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'facteur')
        order by 1
    """
    SITUATION = """
        select to_regclass('facteur.invoice_source') is not null as mapped, to_regclass('facteur.installation') is not null as migrated,
               has_database_privilege(current_database(), 'create') as may_create, current_user::text as role,
               array_remove(array_remove(string_to_array(current_setting('facteur.path'), ', '), 'pg_catalog'), 'pg_temp') as search_path,
               array(select pubname::text from pg_publication where puballtables order by 1) as of_all_tables,
               (select coalesce(jsonb_object_agg(name, publications), '{}') from (
                   select schemaname || '.' || tablename as name, jsonb_agg(pubname order by pubname) as publications
                   from pg_publication_tables group by 1) published) as published
    """
    INSTALLED = """
        select (select count(*)::integer from facteur.submissions) as submissions,
               coalesce((select each ->> 'table' from facteur.installation, jsonb_array_elements(added) with ordinality listed (each, n)
                         where each ->> 'what' = 'source' order by n desc limit 1), 'invoicing.invoices') as source,
               coalesce((select each ->> 'key' from facteur.installation, jsonb_array_elements(added) with ordinality listed (each, n)
                         where each ->> 'what' = 'source' order by n desc limit 1), 'id') as source_key,
               array(select each ->> 'table' from facteur.installation, jsonb_array_elements(added) each where each ->> 'what' = 'table')
               as own_tables
    """

    # Of these columns, those that no view behind the mapping asks.
    UNREAD = """
        with recursive views as (
            select to_regclass('facteur.invoice_source')::oid as id
            union
            select d.refobjid from views v join pg_rewrite r on r.ev_class = v.id
            join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
            join pg_class c on c.oid = d.refobjid and c.relkind in ('v', 'm')
        )
        select array(
            select a.attname::text from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
            where n.nspname operator(pg_catalog.||) '.' operator(pg_catalog.||) c.relname = %(table)s::text
              and a.attname = any (%(columns)s::name[])
              and not exists (select from views v join pg_rewrite r on r.ev_class = v.id join pg_depend d on d.objid = r.oid
                              where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
                                and d.refobjid = a.attrelid and d.refobjsubid = a.attnum)) as columns
    """

    def __init__(self, database: MigratedDatabase) -> None:
        self._database = database

    def look(self, status_columns: Sequence[str]) -> Found:
        """What the catalogue shows, in a read-only transaction. `status_columns` are names whose known values are wanted."""
        with self._database.transaction():
            self._database.rows(NARROW)
            self._database.rows("set transaction read only")
            now = self._database.row(self.SITUATION)
            known = self._database.row(self.INSTALLED) if now.migrated else None
            tables = self._database.rows(self.TABLES, {"status_columns": list(status_columns)})
            exposed = exposures(self._database, now.role, now.search_path, [row.quoted for row in tables])
        return Found(
            tuple(_table(row) for row in tables), now.mapped, known.submissions if known else 0, known.source if known else None,
            tuple(known.own_tables) if known else (), now.may_create, now.role, tuple(now.search_path), known.source_key if known else None,
            exposed,
            tuple(now.of_all_tables), {name: tuple(each) for name, each in now.published.items()},
        )  # fmt: skip

    def unread(self, table: str, columns: Sequence[str]) -> list[str]:
        """Of a table's columns, those that no view behind the mapping asks."""
        return list(self._database.row(self.UNREAD, {"table": table, "columns": list(columns)}).columns)


def _table(row: Any) -> Table:
    columns = tuple(Column(**each | {"values": tuple(each["values"])}) for each in row.columns or [])
    references = tuple(Reference(**each) for each in row.refs)
    return Table(
        row.name, row.quoted, row.partitions, row.partitioned, row.owned, row.rows, row.bytes, columns,
        tuple(row.primary_key), references, tuple(row.triggers),
    )  # fmt: skip
