"""The version of the program; the format of what it stores has a version of its own."""

__version__ = "0.1.0"
