select {key}::text as value, {label} as label from {table}
