"""A provider that does on the wire what a test says, by the name of the model asked for. Blocking sockets, a thread per connection."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Generator

OPENING = b'{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}'
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE = json.dumps(
    {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}],
    }
).encode()
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE)


def event(text: str) -> bytes:
    """One delta of a stream, as an HTTP chunk."""
    return chunk(
        b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":%b}}]}\n\n'
        % json.dumps(text).encode()
    )


def chunk(data: bytes) -> bytes:
    """An HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


END = (
    chunk(
        b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    )
    + chunk(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)


class Peer:
    """The provider's end of one connection. `head` and `body` are of the latest request."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.head = b""
        self.body = b""
        self._held = b""

    def request(self) -> bool:
        """Read the next request. False: the gateway left."""
        while b"\r\n\r\n" not in self._held:
            if not self._more():
                return False
        self.head, _, self._held = self._held.partition(b"\r\n\r\n")
        found = re.search(rb"\r\ncontent-length: (\d+)", self.head)
        size = int(found[1]) if found else 0
        while len(self._held) < size:
            if not self._more():
                return False
        self.body, self._held = self._held[:size], self._held[size:]
        return True

    def send(self, *pieces: bytes) -> None:
        """Send; a gateway that has hung up is no error here."""
        with contextlib.suppress(OSError):
            for piece in pieces:
                self.sock.sendall(piece)

    def reset(self) -> None:
        """Break the connection with an RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def left(self) -> None:
        """Wait until the gateway leaves."""
        while self._more():
            pass

    def _more(self) -> bool:
        try:
            piece = self.sock.recv(65_536)
        except OSError:
            return False
        self._held += piece
        return bool(piece)


Script = Callable[[Peer], object]
"""Answers one request that has been read. True: the connection goes on."""


class BadProvider:
    """Listens; `on` says what happens to which model. Whatever has no script is answered well."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, greet: Script | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.heads: list[bytes] = []
        self._scripts: dict[str, Script] = {}
        self._peers: set[Peer] = set()
        self._tls = tls
        self._greet = greet
        self._accepting = threading.Thread(target=self._accept, name="bad provider", daemon=True)
        self._accepting.start()

    def on(self, model: str, script: Script) -> str:
        """What happens to requests for this model; returns its name."""
        self._scripts[model] = script
        return model

    def hang_up(self) -> None:
        """Close every connection that lies idle or runs."""
        for peer in list(self._peers):
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Listen no more."""
        # Who is still at `accept` when its descriptor is closed may go on with the next socket that gets this number: another provider's.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        self.hang_up()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        peer = Peer(sock)
        self._peers.add(peer)
        try:
            if self._greet is not None and not self._greet(peer):
                return
            if self._tls is not None:
                peer.sock = self._tls.wrap_socket(peer.sock, server_side=True)
            while peer.request():
                self.heads.append(peer.head)
                found = re.search(rb'"model":\s*"([^"]+)"', peer.body)
                if not self._scripts.get(found[1].decode() if found else "", answer_well)(peer):
                    return
        except OSError:
            pass
        finally:
            self._peers.discard(peer)
            with contextlib.suppress(OSError):
                peer.sock.close()


def answer_well(peer: Peer) -> bool:
    """What a sound provider does."""
    is_stream = re.search(rb'"stream":\s*true', peer.body)
    peer.send(STREAM + event("fi") + event("ne") + END if is_stream else OK)
    return True


@contextlib.contextmanager
def bad_provider(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, greet: Script | None = None) -> Generator[BadProvider]:
    """A provider for as long as the block lasts."""
    provider = BadProvider(host, tls, greet)
    try:
        yield provider
    finally:
        provider.close()
