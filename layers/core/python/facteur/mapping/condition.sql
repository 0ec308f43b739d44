explain (verbose, format json) select 1 from {table} i where (
{condition}
)
