"""A client that does not read: the provider is paused, and the gateway's memory stays where it was. A real process, real sockets."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from machine import DRAGOMAN, Machine
from patience import PATIENCE_S

pytestmark = pytest.mark.journey

EVENT = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'
    % (b"x" * 4000)
)
MOST_TAKEN = 24 * 1024 * 1024
"""What kernel buffers and the gateway may take before the provider has to wait. The provider would send for ever."""


class Flood:
    """A provider that streams as fast as it is let, until its client leaves or it has sent far too much."""

    def __init__(self) -> None:
        self.sent = 0
        self.waits = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            # The whole request is small: it has arrived once its end has.
            received = b""
            while b"flood me" not in received:
                received += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            chunk = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
            # Nobody takes a byte for two seconds: the brakes are on.
            connection.settimeout(2)
            try:
                while self.sent < 20 * MOST_TAKEN:
                    connection.sendall(chunk)
                    self.sent += len(chunk)
            except (TimeoutError, ConnectionError):
                pass
            self.waits.set()


def resident_bytes(pid: int) -> int:
    """Memory of a process, by Linux's own count."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@contextmanager
def served(machine: Machine, port: int, dialect: str) -> Generator[tuple[int, str]]:
    """A gateway before the flood: its process id and address."""
    provider = {"kind": "openai-compatible", "base_url": f"http://127.0.0.1:{port}/v1", "dialect": "chat", "key_optional": True}
    (machine.work / "dragoman.yaml").write_text(str({"providers": {"flood": provider}}).replace("True", "true"))
    process = subprocess.Popen(
        [*DRAGOMAN, "serve", "--port", "0"], env=machine.env, cwd=machine.work, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        address = next(line.split()[1] for line in process.stderr if line.strip().startswith("address"))
        yield process.pid, address.removesuffix("/openai/v1")
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("chat/completions", b'"messages":[{"role":"user","content":"flood me"}]'),
        ("responses", b'"input":[{"role":"user","content":"flood me"}]'),
    ],
)
def test_client_that_does_not_read_pauses_the_provider(machine: Machine, path: str, question: bytes) -> None:
    flood = Flood()
    with served(machine, flood.port, path) as (pid, address):
        before = resident_bytes(pid)
        body = b'{"model":"flood/m","stream":true,%b}' % question
        with socket.create_connection((urlsplit(address).hostname, urlsplit(address).port)) as client:
            head = f"POST /v1/{path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)

            assert flood.waits.wait(PATIENCE_S)
            assert flood.sent < MOST_TAKEN
            assert resident_bytes(pid) - before < MOST_TAKEN
