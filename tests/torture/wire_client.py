"""A client that knows HTTP/1.1 from its RFC and nothing of the gateway: sends bytes as told, reads answers strictly."""

from __future__ import annotations

import json
import socket
from typing import Any

import msgspec

PATIENCE_S = 240.0


class Told(msgspec.Struct, frozen=True):
    """One answer. `whole`: it came to its proper end."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """What the error says, in any of the dialects' shapes."""
        return self.json["error"]["message"]


class Caller:
    """One connection. Every wait has an end, which fails the test."""

    def __init__(self, host: str, port: int) -> None:
        self.sock = socket.create_connection((host, port), PATIENCE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._held = b""

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Send; a gateway that has hung up already is no error here."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def ask(self, data: bytes) -> Told:
        """Send, and read one answer."""
        self.send(data)
        return self.answer()

    def answer(self) -> Told:
        """The next answer that is no interim one."""
        while True:
            status, headers = self._head()
            if status >= 200:
                break
        try:
            return Told(status, headers, self._body(status, headers))
        except EOFError as cut:
            return Told(status, headers, cut.args[0], whole=False)

    def interim(self) -> int:
        """The status of an interim answer."""
        return self._head()[0]

    def end_sending(self) -> None:
        """Half-close."""
        self.sock.shutdown(socket.SHUT_WR)

    def rest(self) -> bytes:
        """Everything until the gateway closes; a reset counts as a close."""
        pieces = [self._held]
        self._held = b""
        while piece := self._receive():
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Leave."""
        self.sock.close()

    def _receive(self) -> bytes:
        try:
            return self.sock.recv(65_536)
        except ConnectionResetError:
            return b""

    def _more(self) -> None:
        piece = self._receive()
        if not piece:
            raise EOFError(b"")
        self._held += piece

    def _head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self._held:
            self._more()
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1"
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            assert colon and name == name.strip() and name.lower() not in headers, line
            headers[name.lower()] = value.strip()
        assert not {"content-length", "transfer-encoding"} <= headers.keys()
        return int(status), headers

    def _body(self, status: int, headers: dict[str, str]) -> bytes:
        if status in (204, 304):
            return b""
        if "content-length" in headers:
            return self._take(int(headers["content-length"]))
        if "transfer-encoding" not in headers:
            return self.rest()
        body = b""
        try:
            while size := int(self._line(), 16):
                body += self._take(size)
                assert self._line() == b""
            assert self._line() == b""
        except EOFError as cut:
            raise EOFError(body + cut.args[0]) from cut
        return body

    def _take(self, size: int) -> bytes:
        try:
            while len(self._held) < size:
                self._more()
        except EOFError:
            raise EOFError(self._held) from None
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def _line(self) -> bytes:
        while b"\r\n" not in self._held:
            self._more()
        line, _, self._held = self._held.partition(b"\r\n")
        return line


def get(path: str = "/health", *headers: str) -> bytes:
    """A GET."""
    return _head("GET", path, headers) + b"\r\n"


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A POST of JSON with its length."""
    return _head("POST", path, ("content-type: application/json", f"content-length: {len(body)}", *headers)) + b"\r\n" + body


def chunked(path: str, *headers: str) -> bytes:
    """The head of a POST of JSON in chunks."""
    return _head("POST", path, ("content-type: application/json", "transfer-encoding: chunked", *headers)) + b"\r\n"


def _head(method: str, path: str, headers: tuple[str, ...]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")
