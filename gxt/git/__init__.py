"""The only place where git is met: processes, objects, refs, snapshots. Knows nothing of runs."""
