"""Telling a newsroom's own address how a job ended: signed as Standard Webhooks have it, to public addresses alone.

The name is looked up once and the connection goes to the very address that was judged: a name that points elsewhere a
moment later (DNS rebinding) leads nowhere. No redirect is followed.
"""

import http.client
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from string import punctuation
from threading import Timer
from urllib.parse import SplitResult, quote, urlsplit

TIMEOUT = 10.0  # seconds
ALTOGETHER = 30.0  # seconds: whoever answers a letter at a time would hold up all jobs
LONGEST = 2000  # characters of a URL
LOCAL = ip_network("64:ff9b:1::/48")  # a network's own gateway to IPv4, RFC 8215
# what carries an IPv4 address in its last 32 bits: a gateway's (NAT64, RFC 6052), and the old «compatible» form
CARRIERS = (ip_network("64:ff9b::/96"), ip_network("::/96"))
# seconds before each further attempt, as the specification suggests: https://github.com/standard-webhooks
BACK_OFF = (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)


class CallbackError(Exception):
    """Says what is wrong with the address, or what came of the attempt."""


def check(url: str, *, private: bool) -> None:
    """Raises CallbackError for what could never be called; looks up the name."""
    _addresses(url, private=private)


def send(url: str, id_: str, body: bytes, secret: str, *, private: bool) -> None:
    """`secret` is `whsec_…`, as Standard Webhooks write it. Raises CallbackError unless it is answered with 2xx."""
    from standardwebhooks import Webhook

    (address, port), *_ = _addresses(url, private=private)
    now = datetime.now(UTC)
    parts = urlsplit(url)
    target = quote(f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", safe=punctuation)
    headers = {
        "Content-Type": "application/json",
        "Host": _host(parts),
        "User-Agent": "rubricator",
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, now, body.decode()),
    }
    try:
        connection = _connection(parts.scheme, parts.hostname or "", address, port)
        patience = Timer(ALTOGETHER, _hang_up, [connection])
        patience.start()
        try:
            connection.request("POST", target, body, headers)
            status = connection.getresponse().status
        finally:
            patience.cancel()
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise CallbackError(f"{parts.netloc} can't be reached: {error}") from error
    if not 200 <= status < 300:
        raise CallbackError(f"{parts.netloc} answered {status}")


def is_secret(secret: str) -> bool:
    from standardwebhooks import Webhook

    try:
        Webhook(secret)
    except Exception:  # noqa: BLE001 - of several kinds
        return False
    return True


def _connection(scheme: str, host: str, address: str, port: int) -> http.client.HTTPConnection:
    """To this address, with the certificate of the host."""
    if scheme == "http":
        return http.client.HTTPConnection(address, port, timeout=TIMEOUT)
    connection = http.client.HTTPSConnection(address, port, timeout=TIMEOUT)
    plain = socket.create_connection((address, port), TIMEOUT)
    try:
        connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise
    return connection


def _hang_up(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError, AttributeError):  # it has ended meanwhile
        connection.sock.shutdown(socket.SHUT_RDWR)


def _host(parts: SplitResult) -> str:
    """As a header has it: «сайт.рф» is xn--80aswg.xn--p1ai there."""
    if parts.netloc.isascii():
        return parts.netloc
    name = (parts.hostname or "").encode("idna").decode()
    return f"{name}:{parts.port}" if parts.port else name


def _addresses(url: str, *, private: bool) -> Sequence[tuple[str, int]]:
    if len(url) > LONGEST or not url.isprintable():
        raise CallbackError(f"a callback is a URL of at most {LONGEST} printable characters")
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError as error:
        raise CallbackError(f"the callback is no URL: {error}") from error
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise CallbackError("a callback begins with https:// or http:// and has a host")
    if parts.username is not None or parts.password is not None:
        raise CallbackError("a callback holds no password: it is signed")
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CallbackError(f"the host {parts.hostname[:100]} is not known: {error}") from error
    addresses = [(str(address), port) for *_, (address, *_) in found]
    if not private and any(not _is_public(address) for address, _ in addresses):
        host = parts.hostname[:100]
        raise CallbackError(f"{host} is of this machine or network: RUBRICATOR_CALLBACKS_PRIVATE allows those")
    return addresses


def _is_public(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.is_site_local or found in LOCAL:
            return False
        found = _carried(found) or found
    return found.is_global and not found.is_multicast


def _carried(address: IPv6Address) -> IPv4Address | None:
    """Where a router or a gateway would lead it."""
    if any(address in one for one in CARRIERS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
