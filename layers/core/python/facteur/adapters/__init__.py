"""The only modules that talk to Postgres, AWS, and platforms."""
