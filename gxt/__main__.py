"""`python -m gxt` is `gxt`."""

from gxt.cli.main import main

main()
