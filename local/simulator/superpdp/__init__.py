"""The wire of SUPER PDP's own API (/v1.beta) over the ledger."""
