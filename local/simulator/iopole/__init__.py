"""The wire of Iopole's operator API over the ledger."""
