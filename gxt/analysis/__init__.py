"""The only place where pandas is met."""
