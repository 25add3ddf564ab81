"""Log lines as JSON on stderr, one object a line, without a text or a body in them.

Not structlog: importing it takes 0.2 s of the one second in which the service has to be ready (it imports rich), and
the standard library's logging is there anyway, with uvicorn's and Litestar's own lines.
"""

import logging
import sys
from datetime import UTC, datetime
from time import time
from typing import Any, TextIO

import msgspec

FIELDS = "fields"  # in `extra`: what a line says beyond its event

_encode = msgspec.json.Encoder(enc_hook=str).encode


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, FIELDS, {})
        if record.exc_info:
            fields = {**fields, "exception": self.formatException(record.exc_info)}
        return _line(record.created, record.levelname.lower(), record.name, record.getMessage(), fields)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that `often` knows where lines go."""


def often(logger: logging.Logger, event: str, fields: dict[str, Any]) -> None:
    """`logger.info(event, extra={FIELDS: fields})` for what happens with each request, at a third of the 30 µs: a
    record of logging looks for its caller, and nobody asks for that."""
    if not logger.isEnabledFor(logging.INFO):
        return
    handlers = logging.getLogger().handlers
    if len(handlers) == 1 and isinstance(handlers[0], _Handler):
        handlers[0].stream.write(_line(time(), "info", logger.name, event, fields) + "\n")
    else:
        logger.info(event, extra={FIELDS: fields})


def _line(at: float, level: str, logger: str, event: str, fields: dict[str, Any]) -> str:
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return _encode({"at": stamp, "level": level, "logger": logger, "event": event, **fields}).decode()


def log_to(stream: TextIO = sys.stderr, level: str = "info") -> None:
    """`warning` and above leave out the line that each request writes."""
    handler = _Handler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn.error").setLevel(max(root.level, logging.WARNING))  # its start-up lines say nothing new
