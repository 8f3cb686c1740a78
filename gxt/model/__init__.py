"""The domain: values and pure functions. No files, no processes, no clock."""
