"""How the server speaks HTTP, in one process as in several."""

import socket
from typing import Any, Final

DRAIN = 20  # seconds that running requests get after SIGTERM
DOORS = 32
KEEP_ALIVE = 75  # seconds; longer than a proxy in front keeps its own connections, so that it never meets a closed one

# uvicorn's settings, in one process as in several. granian costs 120 µs more a request, h11 a third of the rate.
HTTP: Final[dict[str, Any]] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "none",
    "lifespan": "on",
    "log_config": None,
    "access_log": False,
    "proxy_headers": False,  # whoever claims to come from this machine has to
    "server_header": False,
    "timeout_keep_alive": KEEP_ALIVE,
    "timeout_graceful_shutdown": DRAIN,
}


def doors(listener: socket.socket) -> list[socket.socket]:
    """The socket, to be listened on several times: libuv takes one connection from each at every turn of its loop, so
    that of 256 which come at once the last would wait for as many slices of work."""
    return [listener, *(listener.dup() for _ in range(DOORS - 1))]


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
