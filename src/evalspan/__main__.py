"""`python -m evalspan` is the command `evalspan`."""

from evalspan.cli import main

main()
