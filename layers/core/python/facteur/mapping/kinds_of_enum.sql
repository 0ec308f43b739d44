select pg_catalog.unnest(pg_catalog.enum_range(null::{type}))::text as value, null::text as label
