select array[{tests}] as tells from {table} i
