"""`rubricator serve`."""

from typing import Annotated

import typer

from service.commands import terminal


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="0 picks a free one.  [default: 8000]", min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer.  [default: 1]", min=1)] = None,
) -> None:
    """Answer over HTTP until SIGTERM or Ctrl-C."""
    from msgspec.structs import replace

    from service.server import serve as serve_until_told

    settings = terminal.settings()
    given = {"host": host, "port": port, "workers": workers}
    serve_until_told(replace(settings, **{name: value for name, value in given.items() if value is not None}))
