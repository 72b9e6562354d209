"""A listener on the line between Codex and its gateways: passes every byte on and keeps the heads of the answers."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Generator
from urllib.parse import urlsplit

_HEAD = re.compile(rb"HTTP/1\.1 \d{3}[^\r\n]*\r\n(.*?)\r\n\r\n", re.S)


class Wiretap:
    """One address for any number of gateways, one after the other: `lead` says which is meant from now on."""

    def __init__(self, server: socket.socket) -> None:
        self.address = f"http://127.0.0.1:{server.getsockname()[1]}"
        self._target = ("127.0.0.1", 9)
        self._answers: list[bytearray] = []

    def lead(self, gateway: str) -> None:
        """Connect to this gateway from now on."""
        parts = urlsplit(gateway)
        assert parts.hostname is not None and parts.port is not None
        self._target = (parts.hostname, parts.port)

    def heads(self) -> list[dict[str, str]]:
        """The headers of every answer so far, connection by connection."""
        return [
            dict(line.decode().lower().partition(": ")[::2] for line in head.split(b"\r\n"))
            for answer in list(self._answers)
            for head in _HEAD.findall(bytes(answer))
        ]

    def join(self, client: socket.socket) -> None:
        """Carry one connection, both ways, until both sides are done."""
        answer = bytearray()
        self._answers.append(answer)
        with client, socket.create_connection(self._target) as gateway:
            back = threading.Thread(target=_carry, args=(gateway, client, answer))
            back.start()
            _carry(client, gateway, bytearray())
            back.join()


def _carry(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            kept += data
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def wiretap() -> Generator[Wiretap]:
    """A wiretap on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        tap, is_over = Wiretap(server), threading.Event()

        def accept() -> None:
            while not is_over.is_set():
                with contextlib.suppress(TimeoutError):
                    client, _ = server.accept()
                    threading.Thread(target=tap.join, args=(client,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield tap
        finally:
            is_over.set()
            thread.join()
