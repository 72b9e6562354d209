"""Opening the sockets to listen on, with an error that helps when that fails."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.settings import ServerSettings
from dragoman.wire.hosts import is_loopback

BACKLOG = 2048
"""Connections that may wait to be accepted."""
_LISTENING = "0A"


def check_exposure(settings: ServerSettings, *, closed: bool) -> None:
    """Raises GatewayError(config) if anybody on the network could spend the provider keys."""
    if closed or is_loopback(settings.host):
        return
    raise GatewayError(
        Kind.CONFIG,
        f"refusing to listen on `{settings.host}` without client keys: everybody who reaches it could spend your provider keys; "
        "add `access.keys` to the configuration, or listen on 127.0.0.1, or pass `--open` if that is what you want",
    )


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """A listening socket for each address of `host`, all on one port. Raises GatewayError(config)."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a legal name"
        raise GatewayError(Kind.CONFIG, f"cannot listen on `{host}`: the name has no address ({why})") from error
    opened: list[socket.socket] = []
    for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
        try:
            opened.append(_open(family, (address[0], opened[0].getsockname()[1] if opened else port)))
        except OSError as error:
            if opened and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue
            for listener in opened:
                listener.close()
            raise _cannot_listen(host, port, error) from error
    return opened


def _open(family: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> GatewayError:
    if error.errno == errno.EADDRINUSE:
        holder = find_holder(port)
        told = f"port {port} on `{host}` is taken" + (f" by {holder}" if holder else " by another program")
        return GatewayError(Kind.CONFIG, f"{told}; stop it, or choose another port with `--port {port + 1}`")
    if error.errno in (errno.EACCES, errno.EPERM):
        return GatewayError(Kind.CONFIG, f"no permission to listen on port {port}; choose one above 1023, as `--port 8080`")
    return GatewayError(Kind.CONFIG, f"cannot listen on `{host}` port {port}: {error.strerror or error}")


def find_holder(port: int, proc: Path = Path("/proc")) -> str | None:
    """Who listens on a port, as `name` (pid n); None where that cannot be seen (other users' programs, other systems)."""
    inodes = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening_inodes(proc / "net" / table, port)}
    if not inodes:
        return None
    for process in proc.glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                return f"`{(process / 'comm').read_text().strip()}` (pid {process.name})"
        except OSError:
            continue
    return None


def _listening_inodes(table: Path, port: int) -> list[str]:
    """The format is described at https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt."""
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if len(row) > 9 and row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port]
