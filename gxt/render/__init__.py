"""Results as people see them: lines and tables for a terminal or a pipe, CSV, Markdown, JSON."""
