"""The service: a socket, the app behind it in one process or several, a line when it is ready, a clean end."""

import gc
import logging
import signal
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from service.http import HTTP, address, doors
from service.inference import kernel
from service.log import log_to
from service.settings import Settings

if TYPE_CHECKING:
    from litestar.types import ASGIApp

SWITCH = (
    0.001  # seconds after which the thread that writes the store has to let the answers go on; Python's own is 5 ms
)
YOUNG = 20_000  # new objects before the collector looks at them

_log = logging.getLogger(__name__)


class CannotListenError(Exception):
    """The address can't be had; the message says why and what to do."""


def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Raises CannotListenError, or ArtifactError when no model can be loaded."""
    log_to(level=settings.log_level)
    sys.setswitchinterval(SWITCH)
    listener = _bind(settings.host, settings.port)
    if kernel.library is None:
        _log.warning("the compiled loops are missing: answers take twice as long; install again to have them compiled")
    gc.disable()  # nothing of what is imported and loaded now is garbage: saves a tenth of the start
    if settings.workers == 1:
        _run(_loaded(settings), listener)
        return
    from service import workers

    with TemporaryDirectory(prefix="rubricator-", dir=workers.memory()) as shared:
        workers.run(_loaded(settings, Path(shared)), listener, settings.workers)


def _loaded(settings: Settings, shared: Path | None = None) -> "ASGIApp":
    """`shared`: where several workers tell each other what they counted."""
    from service.app import create_app

    app = create_app(settings, shared=shared)
    gc.freeze()  # nor do forks then copy what they never change
    gc.enable()
    gc.set_threshold(YOUNG)  # an article makes some thousand objects, nearly all dead when it is answered
    return app


def _run(app: "ASGIApp", listener: socket.socket) -> None:
    import uvicorn

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(f"listening on {address(listener)}", flush=True)  # noqa: T201

    # uvicorn raises the signal again after its clean end; by then it has done its work
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    Announcing(uvicorn.Config(app, **HTTP)).run(doors(listener))


def _bind(host: str, port: int) -> socket.socket:
    """Before anything slow: a port that is taken is told at once."""
    try:
        [(family, kind, protocol, _, found), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(found)
    except (OSError, UnicodeError) as error:  # a..b is no name that could be looked up
        reason = getattr(error, "strerror", None) or error
        remedy = "choose another with --host and --port (0 picks a free one)"
        raise CannotListenError(f"can't listen on {host}:{port} ({reason}): {remedy}") from error
    return listener
