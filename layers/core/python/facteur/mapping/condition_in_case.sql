explain (verbose, format json) select case when
{condition}
then 1 end from {table} i
