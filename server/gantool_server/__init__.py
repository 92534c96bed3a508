"""gantool over HTTP: a page for the browser, and calls for other programs.

import gantool_server
app = gantool_server.app(gantool_server.Settings())   # for any ASGI server
"""

from gantool_server.app import Server as Server
from gantool_server.app import app as app
from gantool_server.running import run as run
from gantool_server.settings import Settings as Settings

__all__ = ["Server", "Settings", "app", "run"]
