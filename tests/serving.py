"""The service as clients meet it: a real server on a free port of this machine, over fake models in a real registry."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from service.app import create_app
from service.registry import Registry
from service.settings import Settings
from tests.fake_service import fake_model, fake_registry


@dataclass(frozen=True)
class Served:
    """`versions` are in the registry but not activated: the baseline answers."""

    address: tuple[str, int]
    client: httpx.Client
    registry: Registry
    versions: list[str]

    @property
    def url(self) -> str:
        return str(self.client.base_url)


@contextmanager
def serving(home: Path, names: tuple[str, ...] = ("first", "second"), **settings: Any) -> Iterator[Served]:
    registry, versions = fake_registry(home, names)
    app = create_app(Settings(home=home, **settings), registry, fake_model)
    with listening(app) as address, httpx.Client(base_url=f"http://127.0.0.1:{address[1]}", timeout=20) as client:
        yield Served(address, client, registry, versions)


@contextmanager
def listening(app: Any) -> Iterator[tuple[str, int]]:
    """As service/server.py runs it, but in a thread."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        ready = threading.Event()
        startup = server.startup

        async def announcing(sockets: list[socket.socket] | None = None) -> None:
            await startup(sockets)
            ready.set()

        server.startup = announcing  # type: ignore[method-assign]
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        assert ready.wait(10)
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join(10)
