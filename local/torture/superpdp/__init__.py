"""SUPER PDP by its own API, as the torture knows it."""
