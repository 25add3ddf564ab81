"""Where a request comes from: models are changed from this machine alone as long as there are no keys."""

from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

from litestar import Request

from service.api.problems import ProblemError

# whoever sends one of these speaks for somebody else; so does every X-Forwarded-*
_FORWARDED = {"forwarded", "true-client-ip", "via", "x-client-ip", "x-cluster-client-ip", "x-real-ip"}
_FORWARDED |= {"cf-connecting-ip", "x-original-forwarded-for"}


def must_come_from_this_machine(request: Request[Any, Any, Any]) -> None:
    """Not from a proxy on this machine, which speaks for others; nor from a page of somebody else in a browser here.

    A proxy is known by its headers, by a Host that is not ours or by HTTP/1.0, nginx's default. If it speaks HTTP/1.1,
    adds no header and puts our own address into Host, it can't be told from a client here: it has to block the paths.
    """
    scope = request.scope
    sent = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    hosts = [value for name, value in sent if name == "host"]
    origins = [value for name, value in sent if name == "origin"]
    client = scope["client"]
    if (
        client is None
        or not _is_loopback(client[0])
        or scope["http_version"] in {"0.9", "1.0"}
        or any(name in _FORWARDED or name.startswith("x-forwarded-") for name, _ in sent)
        or len(hosts) != 1
        or not _is_loopback(_part(f"//{hosts[0]}", "hostname"))  # a name that somebody made point here is not ours
        or len(origins) > 1
        or any(_part(origin, "netloc") != hosts[0] for origin in origins)
        or any(name == "sec-fetch-site" and value not in {"none", "same-origin"} for name, value in sent)
    ):
        raise ProblemError("forbidden", "models are changed from this machine alone, under a loopback address")


def must_not_come_from_a_foreign_page(request: Request[Any, Any, Any]) -> None:
    """A browser tells whose page sends; a CMS's server sends neither header. Without keys, any page that somebody in
    the newsroom looks at could write here otherwise.

    A page may also come from a name that its owner has since made point here (DNS rebinding): then Origin and Host
    agree, so a browser is believed under an address, under localhost and under the names of the setting `hosts` alone.
    """
    sent = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.scope["headers"]]
    hosts = [value for name, value in sent if name == "host"]
    if not any(name in {"origin", "sec-fetch-site"} for name, _ in sent):
        return
    if any(name == "origin" and _part(value, "netloc") not in hosts for name, value in sent) or any(
        name == "sec-fetch-site" and value not in {"none", "same-origin"} for name, value in sent
    ):
        raise ProblemError("foreign-page", "send this from the newsroom's own server, not from a page of another site")
    for host in hosts:
        name = _part(f"//{host}", "hostname")
        if not _is_address(name) and name not in request.app.state.hosts:
            detail = f"editors' pages are not known to be served as {name[:64]}: name it in RUBRICATOR_HOSTS"
            raise ProblemError("foreign-page", detail)


def _part(url: str, name: Literal["hostname", "netloc"]) -> str:
    try:
        return getattr(urlsplit(url), name) or ""
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
