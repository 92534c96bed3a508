"""The command line as a user meets it: a process, its streams and its exit status."""

import os
import subprocess
import sys

Done = subprocess.CompletedProcess[str]


def gantool(*arguments: object, **options: object) -> Done:
    command = [sys.executable, "-c", "from gantool_cli.main import main; main()", *map(str, arguments)]
    defaults: dict[str, object] = {"stdin": subprocess.DEVNULL, "env": {**os.environ, "COLUMNS": "200"}}
    return subprocess.run(command, capture_output=True, text=options.pop("text", True), **{**defaults, **options})  # type: ignore
