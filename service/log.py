"""Log lines as JSON on stderr, one object a line, without a text or a body in them.

Not structlog: importing it takes 0.2 s of the one second in which the service has to be ready (it imports rich), and
the standard library's logging is there anyway, with uvicorn's and Litestar's own lines.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

FIELDS = "fields"  # in `extra`: what a line says beyond its event

_encode = msgspec.json.Encoder(enc_hook=str).encode


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line).decode()


def log_to(stream: TextIO = sys.stderr, level: str = "info") -> None:
    """`warning` and above leave out the line that each request writes."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn.error").setLevel(max(root.level, logging.WARNING))  # its start-up lines say nothing new
