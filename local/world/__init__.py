"""The one world: Postgres, AWS, the platform's levers and the company's table, for tests, torture, bench and demo. No pytest."""
