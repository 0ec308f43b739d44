"""The switches by who reads them; settings.py joins them."""
