select unnest(enum_range(null::{type}))::text as value, null::text as label
