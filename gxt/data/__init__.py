"""The only place where DVC is met: its cache, its formats, its remotes."""
