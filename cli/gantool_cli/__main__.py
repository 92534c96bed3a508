"""`python -m gantool_cli`."""

from gantool_cli.main import main

main()
