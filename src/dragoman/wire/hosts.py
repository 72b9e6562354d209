"""Names and addresses of hosts."""

from __future__ import annotations

import re
from ipaddress import ip_address

_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+(?:%[a-z0-9._-]+)?")
"""A name (with the underscores that some private networks use) or an IPv6 address, perhaps with its zone."""


def is_loopback(host: str) -> bool:
    """Whether a name or address (in lower case, without brackets and port) can only mean this machine: `localhost`, names below it,
    127.0.0.0/8 or ::1."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def ascii_host(host: str) -> str:
    """A name or address (an IPv6 one without brackets) as it goes over the wire: in lower case, ASCII. Raises ValueError for what is no
    legal one."""
    try:
        name = host.lower() if host.isascii() else host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise ValueError("not a legal name of a host") from error
    if _HOST.fullmatch(name) is None:
        raise ValueError("not a legal name of a host")
    return name
