"""What may be wrong with a repository's runs: each check looks at one subject, and only looks."""
