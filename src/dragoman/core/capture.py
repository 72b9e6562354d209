"""What was sent and received of an exchange, kept for the record by reference: nothing is copied, put together or looked at here."""

from __future__ import annotations

from types import CoroutineType
from typing import Any

from dragoman.core.exchange import Inbound, Outbound
from dragoman.core.runtime import Capture
from dragoman.ir.record import Bodies
from dragoman.wire.frame import Headers

HEADER = "x-dragoman-log"
"""By which a request asks for less to be kept of it than its key allows: `full`, `redacted` or `none`."""
_MODES = ("none", "redacted", "full")


class Captured:
    """The way to the client, which keeps what goes through it; and the other bodies of the exchange as they come to be.

    Of a provider's answer nothing is kept apart as long as its client gets the very same bytes. bodies: what goes into the record.
    said: what the client was told; room_bytes: how much more of it is kept. push_on: sends without keeping, for whoever keeps by itself.
    """

    __slots__ = ("_heard", "_heard_room_bytes", "_outbound", "bodies", "push_on", "room_bytes", "said")

    def __init__(self, capture: Capture, allowed: str | None, inbound: Inbound, outbound: Outbound) -> None:
        """allowed: what the client's key says; the request itself can only ask for less."""
        mode, wanted = allowed or capture.mode, inbound.headers.get(HEADER)
        self.said: list[bytes] = []
        self.room_bytes = self._heard_room_bytes = capture.body_bytes
        self._heard: list[bytes] | None = None
        self._outbound = outbound
        self.push_on = outbound.push
        self.bodies = Bodies(mode if wanted is None else _lesser(mode, wanted), inbound.body, self.said)
        self.bodies.client_request_headers = tuple(inbound.headers.items())

    # The client's side

    @property
    def started(self) -> bool:
        """As the outbound says."""
        return self._outbound.started

    # Plain functions that hand on what is to be awaited: a coroutine around another one costs more than all else that is done here.

    def start(self, status: int, headers: Headers) -> CoroutineType[Any, Any, None]:
        """Send the status line and headers."""
        self.bodies.client_response_headers = headers
        return self._outbound.start(status, headers)

    def write(self, chunk: bytes) -> CoroutineType[Any, Any, None]:
        """Send a piece of the body."""
        if chunk:
            self._keep(chunk)
        return self._outbound.write(chunk)

    def push(self, chunk: bytes) -> bool:
        """Send a piece of the body without waiting."""
        self._keep(chunk)
        return self.push_on(chunk)

    def finish(self) -> CoroutineType[Any, Any, None]:
        """End the body properly."""
        return self._outbound.finish()

    def whole(self, status: int, headers: Headers, body: bytes) -> CoroutineType[Any, Any, None]:
        """Send an answer that is there in full."""
        self.bodies.client_response_headers = headers
        self._keep(body)
        return self._outbound.whole(status, headers, body)

    def _keep(self, piece: bytes) -> None:
        room_bytes = self.room_bytes
        if room_bytes > 0:
            self.said.append(piece if len(piece) <= room_bytes else piece[:room_bytes])
        self.room_bytes = room_bytes - len(piece)

    # The provider's side

    def asked(self, headers: Headers, body: bytes) -> None:
        """A provider is being asked; what another one was asked before, and said, gives way to it."""
        bodies = self.bodies
        bodies.provider_request = None if body is bodies.client_request else body
        bodies.provider_request_headers = headers
        bodies.provider_response = self._heard = []
        bodies.provider_response_headers = ()

    def head_came(self, headers: Headers) -> None:
        """It begins to answer."""
        self.bodies.provider_response_headers = headers

    def hear(self, piece: bytes) -> None:
        """A piece of its answer, which may be something else than what the client gets."""
        room_bytes = self._heard_room_bytes
        if self._heard is not None and room_bytes > 0 and piece:
            self._heard.append(piece if len(piece) <= room_bytes else piece[:room_bytes])
            self._heard_room_bytes = room_bytes - len(piece)

    def same(self) -> None:
        """The client gets the very bytes of the provider's answer, from the first on."""
        self._heard = self.bodies.provider_response = None

    def same_so_far(self) -> bool:
        """Whether that is so up to here, seen that each byte for the client is the provider's or a sign of life of ours."""
        if self._heard is not None and sum(map(len, self._heard)) != sum(map(len, self.said)):
            return False
        self.same()
        return True

    def differs(self) -> None:
        """From here on the client gets something else; up to here it was the same."""
        if self._heard is None:
            self._heard = self.bodies.provider_response = self.said.copy()
            self._heard_room_bytes = self.room_bytes


def _lesser(allowed: str, wanted: str) -> str:
    """Of two modes the one that keeps less. A word that is none may have been meant to keep nothing."""
    wanted = wanted.strip().lower()
    return _MODES[min(_MODES.index(allowed), _MODES.index(wanted) if wanted in _MODES else 0)]
