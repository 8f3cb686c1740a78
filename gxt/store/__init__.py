"""Runs in git: the experiments ref, its notes, the journals of live runs, the disposable index."""
