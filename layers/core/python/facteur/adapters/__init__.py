"""The only modules that talk to Postgres and AWS."""
