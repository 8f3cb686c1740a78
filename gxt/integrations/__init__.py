"""gxt in training frameworks: a callback for each. They use only what everybody can."""
