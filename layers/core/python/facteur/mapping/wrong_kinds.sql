select count(*)::bigint as documents, string_agg(distinct concat_ws(', ', {kinds}), '; ') as kinds
from facteur.invoice_source s join {table} i on i.{key}::text operator(pg_catalog.=) s.invoice_id::text
where s.ready and not coalesce({named}, false)
