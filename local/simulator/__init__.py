"""A stand-in for the Iopole operator API: a real HTTP server with a ledger, which fails on demand."""
