"""The command line: thin commands. Ask the operation, show its result."""
