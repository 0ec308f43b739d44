insert into {table} ({columns})
    select {values}
    where not exists (select from {table} h where h.{invoice} = {key}
                      and h.{code} = {code_value} and h.{at} = {at_value});