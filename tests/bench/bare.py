"""A bare ASGI application over the same engine, under the same server: what a framework and our care cost on top.

    python -m tests.bench.bare MODEL

It reads a body, decodes an article, annotates and encodes; no routes, no checks, no metrics, no problems.
"""

import gc
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from service.inference.annotator import load
from service.inference.article import Article
from service.server import YOUNG


def application(model: Path) -> Any:
    annotator = load(model)
    decode = msgspec.json.Decoder(Article).decode
    encode = msgspec.json.Encoder().encode

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        [annotation] = annotator.annotate([decode(body)])
        content = encode(annotation)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return answer


class Announcing(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets
        print(f"listening on http://127.0.0.1:{sockets[0].getsockname()[1]}", flush=True)


if __name__ == "__main__":
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        application(Path(sys.argv[1])),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    gc.freeze()
    gc.set_threshold(YOUNG)
    Announcing(config).run([listener])
