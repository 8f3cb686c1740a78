"""Mending what the checks find. Each step looks again with the store's lock held, and deletes no data."""
