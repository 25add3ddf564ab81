"""Several processes on one port. gunicorn forks them from this one, which has loaded the model, and replaces those that
die: a further one costs 35 MB, where uvicorn's own, started from scratch, cost 62, and granian's 120 µs more a request.
"""

import logging
import os
import socket
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from litestar.types import ASGIApp
from uvicorn_worker import UvicornWorker

from service.http import DRAIN, HTTP, address, doors

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - for files that are touched each second, where there is such a thing


def memory() -> str | None:
    """A folder that is no disk; None for the system's own temporary one."""
    return str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None


class _Log(Logger):
    """gunicorn's own lines go where all others go, as JSON."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self.error_log.propagate = True
        self.error_log.setLevel(max(logging.getLogger().level, logging.WARNING))
        self._access_log_enabled = False


class _Worker(UvicornWorker):  # type: ignore[misc] # it has no types
    CONFIG_KWARGS = HTTP
    listening = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        logging.getLogger("uvicorn.error").propagate = True

    async def _serve(self) -> None:
        self.sockets: list[Any] = doors(self.sockets[0])
        await super()._serve()

    async def callback_notify(self) -> None:
        """The first time when the server has begun to listen; of all workers the first one tells it."""
        await super().callback_notify()
        if not self.listening and self.age == 1:
            print(f"listening on {address(self.sockets[0])}", flush=True)  # noqa: T201
        self.listening = True


class _Workers(BaseApplication):
    def __init__(self, app: ASGIApp, listener: socket.socket, count: int) -> None:
        self._app = app
        self._values = {
            "bind": f"fd://{listener.fileno()}",
            "workers": count,
            "worker_class": _Worker,
            "worker_tmp_dir": memory(),
            "preload_app": True,
            "graceful_timeout": DRAIN,
            "logger_class": _Log,
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._values.items():
            self.cfg.set(name, value)

    def load(self) -> ASGIApp:  # type: ignore[override] # the framework types the scope more closely
        return self._app


def run(app: ASGIApp, listener: socket.socket, count: int) -> None:
    """Until SIGTERM or SIGINT. The app may have no threads yet: they would not be there after the fork."""
    _Workers(app, listener, count).run()
