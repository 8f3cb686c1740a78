"""The command line: the only place where typer is met. Thin commands: ask the operation, show its result."""
