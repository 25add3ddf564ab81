"""Where a request comes from: models are changed from this machine alone as long as there are no keys."""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from litestar import Request

from service.api.problems import ProblemError

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def must_come_from_this_machine(request: Request[Any, Any, Any]) -> None:
    """Not from a proxy on this machine, which speaks for others; nor from a page of somebody else in a browser here."""
    client, headers = request.scope["client"], request.headers
    host = headers.get("host", "")
    origin = headers.get("origin")
    if (
        client is None
        or not _is_loopback(client[0])
        or not _is_loopback(_hostname(f"//{host}"))  # a name that somebody made point here is not ours
        or any(name in headers for name in _FORWARDED)
        or (origin is not None and urlsplit(origin).netloc != host)
        or headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}
    ):
        raise ProblemError("forbidden", "models are changed from this machine alone, under a loopback address")


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
