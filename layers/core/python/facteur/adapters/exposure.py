"""The catalogue on who may create on the owner's path, or hold TRIGGER on the company's table."""

from __future__ import annotations

from collections.abc import Sequence

from facteur.install.exposure import Exposure
from facteur.install.schema import MigratedDatabase

# A superuser and a member of the owner have its rights already; pg_database_owner is the database's owner, who could take them.
EXPOSED = """
with given as (
    select 'create' as "right", n.nspname::text as name, quote_ident(n.nspname) as quoted, a.grantee
    from pg_namespace n cross join lateral (
        select grantee from aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) where privilege_type = 'CREATE'
        union select n.nspowner) a
    where quote_ident(n.nspname) = any (%(schemas)s::text[])
    union all
    select 'trigger', format('%%I.%%I', n.nspname, c.relname), format('%%I.%%I', n.nspname, c.relname), a.grantee
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
    where format('%%I.%%I', n.nspname, c.relname) = any (%(tables)s::text[]) and a.privilege_type = 'TRIGGER' and a.grantee <> c.relowner
), judged as (
    select distinct g."right", g.name, g.quoted, case when g.grantee = 0 then 'public' else r.rolname::text end as role
    from given g left join pg_roles r on r.oid = g.grantee
    where g.grantee = 0 or not r.rolsuper and r.rolname <> 'pg_database_owner'
                           and not pg_has_role(r.oid, (select oid from pg_roles where rolname = %(owner)s), 'member')
)
select "right", name, quoted, array_agg(role order by role) as roles from judged group by 1, 2, 3 order by 1, 2
"""


def exposures(
    database: MigratedDatabase, owner: str, schemas: Sequence[str], tables: Sequence[str]
) -> tuple[Exposure, ...]:
    """Of these schemas and tables, by their quoted names."""
    asked = {"owner": owner, "schemas": list(schemas), "tables": list(tables)}
    return tuple(Exposure(row.right, row.name, row.quoted, tuple(row.roles)) for row in database.rows(EXPOSED, asked))
