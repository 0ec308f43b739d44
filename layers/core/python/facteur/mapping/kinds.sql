select coalesce(found.value, known.value) as value, known.label, coalesce(found.documents, 0) as documents
from (select i.{column}::text as value, pg_catalog.count(*) as documents from {table} i group by 1) found
full join ({known}) known on known.value operator(pg_catalog.=) found.value
order by documents desc, value limit {most}
