"""The company's database: the only package that knows psycopg2."""
