select pg_catalog.count(*)::bigint as documents, pg_catalog.string_agg(distinct pg_catalog.concat_ws(', ', {kinds}), '; ') as kinds
from facteur.invoice_source s join {table} i on i.{key}::text operator(pg_catalog.=) s.invoice_id::text
where s.ready and not coalesce({named}, false)
