select coalesce(found.value, known.value) as value, known.label, coalesce(found.documents, 0) as documents
from (select i.{column}::text as value, count(*) as documents from {table} i group by 1) found
full join ({known}) known on known.value = found.value
order by documents desc, value limit {most}
