"""Facteur deposits finished invoices exactly once with a French e-invoicing platform and follows their life cycle."""

__version__ = "0.1.0"
