select array[{tests}] as fits from {table} i
