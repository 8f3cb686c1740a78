"""What loggers other than gxt write, read while they write it: one module a format, none of their libraries."""
