"""The demo: real invoices through the real template, on this machine alone. `make demo` runs it."""
