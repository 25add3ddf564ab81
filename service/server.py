"""The service in this process: a socket, the app behind it, a line when it is ready, a clean end."""

import gc
import logging
import signal
import socket

from service.inference import kernel
from service.log import log_to
from service.settings import Settings

DRAIN = 20  # seconds that running requests get after SIGTERM
YOUNG = 20_000  # new objects before the collector looks at them
KEEP_ALIVE = 75  # seconds; longer than a proxy in front keeps its own connections, so that it never meets a closed one


_log = logging.getLogger(__name__)


class CannotListenError(Exception):
    """The address can't be had; the message says why and what to do."""


def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Raises CannotListenError, or ArtifactError when no model can be loaded."""
    log_to(level=settings.log_level)
    listener = _bind(settings.host, settings.port)
    if kernel.library is None:
        _log.warning("the compiled loops are missing: answers take twice as long; install again to have them compiled")
    gc.disable()  # nothing of what is imported and loaded now is garbage: saves a tenth of the start
    import uvicorn

    from service.app import create_app

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(f"listening on {_address(listener)}", flush=True)  # noqa: T201

    config = uvicorn.Config(
        create_app(settings),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # whoever claims to come from this machine has to
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=DRAIN,
    )
    gc.freeze()
    gc.enable()
    gc.set_threshold(YOUNG)  # an article makes some thousand objects, nearly all dead when it is answered
    # uvicorn raises the signal again after its clean end; by then it has done its work
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    Announcing(config).run([listener])


def _bind(host: str, port: int) -> socket.socket:
    """Before anything slow: a port that is taken is told at once."""
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, UnicodeError) as error:  # a..b is no name that could be looked up
        reason = getattr(error, "strerror", None) or error
        remedy = "choose another with --host and --port (0 picks a free one)"
        raise CannotListenError(f"can't listen on {host}:{port} ({reason}): {remedy}") from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
