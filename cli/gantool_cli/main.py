"""The way into the `gantool` command and out of it: whatever ends it is at most a line, and an exit status.

Nothing but `sys` is imported before `main` runs, since an interruption of imports up here would be a traceback.
"""

import sys


def main() -> None:
    """Run the command line and exit: 0 all done, 1 some failed, 2 a wrong call, 128 and its number for a signal."""
    status: int | str | None
    try:
        from gantool_cli import console, stopping

        stopping.listen()
        console.hold()
        from gantool_cli.app import run

        status = run(sys.argv[1:])
    except (KeyboardInterrupt, SystemExit) as end:
        from gantool_cli import console, stopping

        status = end.code if isinstance(end, SystemExit) else stopping.STOPPED
        if isinstance(end, KeyboardInterrupt) or status in stopping.KILLED:
            stopping.told()
    stopping.no_longer()
    console.settle()
    sys.exit(status)
