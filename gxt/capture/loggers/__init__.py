"""What loggers other than gxt write, read beside them: one module a format, none of their libraries."""
