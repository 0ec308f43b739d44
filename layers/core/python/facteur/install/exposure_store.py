"""The catalogue on who may create on the owner's path, or hold TRIGGER on a table of the company's that is written."""

from __future__ import annotations

from collections.abc import Sequence

from facteur.install.exposure import Exposure
from facteur.install.schema import MigratedDatabase

# A superuser and a member of the owner have its rights already; pg_database_owner is the database's owner, who could take them.
# A partition's triggers fire where its parent is written, and those of a table where a view of it is.
EXPOSED = """
with recursive written as (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where pg_catalog.format('%%I.%%I', n.nspname, c.relname) = any (%(tables)s::text[])
       or n.nspname || '.' || c.relname = any (%(names)s::text[])
       or c.relname::text = any (%(names)s::text[]) and quote_ident(n.nspname) = any (%(schemas)s::text[])
    union
    select part.oid from written w cross join lateral (
        select i.inhrelid as oid from pg_inherits i where i.inhparent = w.oid
        union all
        select d.refobjid from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
        where r.ev_class = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> w.oid) part
), given as (
    select 'create' as "right", n.nspname::text as name, quote_ident(n.nspname) as quoted, a.grantee
    from pg_namespace n cross join lateral (
        select grantee from aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) where privilege_type = 'CREATE'
        union select n.nspowner) a
    where quote_ident(n.nspname) = any (%(schemas)s::text[])
    union all
    select 'trigger', pg_catalog.format('%%I.%%I', n.nspname, c.relname), pg_catalog.format('%%I.%%I', n.nspname, c.relname), a.grantee
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
    where c.oid in (select oid from written) and c.relkind in ('r', 'p', 'v', 'f')
      and a.privilege_type = 'TRIGGER' and a.grantee <> c.relowner
), judged as (
    select distinct g."right", g.name, g.quoted, case when g.grantee = 0 then 'public' else r.rolname::text end as role
    from given g left join pg_roles r on r.oid = g.grantee
    where g.grantee = 0 or not r.rolsuper and r.rolname <> 'pg_database_owner'
                           and not pg_has_role(r.oid, (select oid from pg_roles where rolname = %(owner)s), 'member')
)
select "right", name, quoted, pg_catalog.array_agg(role order by role) as roles from judged group by 1, 2, 3 order by 1, 2
"""


def exposures(
    database: MigratedDatabase, owner: str, schemas: Sequence[str], tables: Sequence[str], names: Sequence[str] = ()
) -> tuple[Exposure, ...]:
    """Of these schemas and tables, by their quoted names; and of the tables that statements call by these names, in those schemas."""
    asked = {"owner": owner, "schemas": list(schemas), "tables": list(tables), "names": list(names)}
    return tuple(Exposure(row.right, row.name, row.quoted, tuple(row.roles)) for row in database.rows(EXPOSED, asked))
