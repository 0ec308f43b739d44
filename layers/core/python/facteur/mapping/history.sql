insert into {table} ({columns})
    select {values}
    where not exists (select from {table} h where h.{invoice} operator(pg_catalog.=) {key}
                      and h.{code} operator(pg_catalog.=) {code_value}
                      and h.{at} operator(pg_catalog.=) {at_value});