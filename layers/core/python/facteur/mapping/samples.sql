(select i.{key}::text as id, ({number})::text as number, {status} as status, {kind} as kind, true as goes
 from {table} i{join} where {goes} order by i.{key} desc limit 3)
union all
(select i.{key}::text, ({number})::text, {status}, {kind}, false
 from {table} i{join} where not {goes} order by {finished} desc, i.{key} desc limit 3)
