"""Files of a page, every byte of it served from here."""

import asyncio
from pathlib import Path

from litestar import Response

from service.api.openapi import HTML
from service.api.problems import ProblemError

_KINDS = {".css": "text/css", ".html": HTML, ".js": "text/javascript", ".svg": "image/svg+xml"}


class Files:
    """Those of a folder, not of folders in it, under the content security policy of their page."""

    def __init__(self, folder: Path, address: str, policy: str) -> None:
        self._folder, self._address = folder, address
        self._headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",  # a page of one version with a script of another would not work
        }

    async def answer(self, name: str) -> Response[bytes]:
        """Raises a ProblemError where there is none of this name."""
        path = next((path for path in self._folder.iterdir() if path.name == name and path.suffix in _KINDS), None)
        if path is None:
            raise ProblemError("not-found", f"there is nothing at {self._address}/{name[:200]}")
        content = await asyncio.to_thread(path.read_bytes)
        return Response(content, media_type=_KINDS[path.suffix], headers=self._headers)
