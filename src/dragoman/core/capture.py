"""What was sent and received of an exchange, kept for the record by reference: nothing is copied, put together or looked at here."""

from __future__ import annotations

from collections.abc import Callable
from types import CoroutineType
from typing import Any

from dragoman.core.exchange import Inbound, Outbound
from dragoman.core.pieces import Pieces
from dragoman.core.runtime import Capture
from dragoman.ir.kept import FULL, NOTHING, REDACTED
from dragoman.ir.record import Bodies
from dragoman.wire.frame import Headers
from dragoman.wire.splice import Splice

HEADER = "x-dragoman-log"
"""By which a request asks for less to be kept of it than its key allows: `full`, `redacted` or `none`."""
_MODES = (NOTHING, REDACTED, FULL)
"""From the least to the most."""


class Captured:
    """The way to the client, which keeps what goes through it; and the other bodies of the exchange as they come to be.

    Of a provider's answer nothing is kept apart as long as its client gets the very same bytes. bodies: what goes into the record.
    said: what the client was told; hear: takes a piece of the provider's answer, which may be something else. push_on: sends without
    keeping, for whoever keeps by itself.
    """

    __slots__ = ("_capture", "_heard", "_outbound", "bodies", "hear", "push_on", "said")

    def __init__(self, capture: Capture, allowed: str | None, inbound: Inbound, outbound: Outbound) -> None:
        """allowed: what the client's key says; the request itself can only ask for less."""
        mode, wanted = allowed or capture.mode, inbound.headers.get(HEADER)
        self._capture = capture
        self.said = Pieces(capture)
        self._heard: Pieces | None = None
        self.hear: Callable[[bytes], None] = _nothing
        self._outbound = outbound
        self.push_on = outbound.push
        self.bodies = Bodies(mode if wanted is None else _lesser(mode, wanted), inbound.body, self.said.pieces)
        self.bodies.client_request_headers = tuple(inbound.headers.items())

    def over(self) -> None:
        """The exchange is over, however it ended: what was left out is told, and nothing of it counts as under way any more. Whoever takes
        the bodies over counts them as its own."""
        said, heard = self.said, self._heard
        if said.is_cut or (heard is not None and heard.is_cut):
            self._tell_cut()
        said.let_go()
        if heard is not None:
            heard.let_go()
        self.hear = _nothing  # What was to begin with would hold on to this object itself.

    def _tell_cut(self) -> None:
        sides = [("client_response", self.said)] + [("provider_response", heard) for heard in (self._heard,) if heard is not None]
        self.bodies.cut = tuple([pieces.cut(side) for side, pieces in sides if pieces.is_cut])
        if any(pieces.is_crowded for _, pieces in sides):
            self._capture.room.cut += 1

    # The client's side

    @property
    def started(self) -> bool:
        """As the outbound says."""
        return self._outbound.started

    @property
    def disconnected(self) -> bool:
        """Likewise."""
        return self._outbound.disconnected

    # Plain functions that hand on what is to be awaited: a coroutine around another one costs more than all else that is done here.

    def start(self, status: int, headers: Headers) -> CoroutineType[Any, Any, None]:
        """Send the status line and headers."""
        self.bodies.client_response_headers = headers
        return self._outbound.start(status, headers)

    def write(self, chunk: bytes) -> CoroutineType[Any, Any, None]:
        """Send a piece of the body."""
        if chunk:
            self.said.add(chunk)
        return self._outbound.write(chunk)

    def push(self, chunk: bytes) -> bool:
        """Send a piece of the body without waiting."""
        self.said.add(chunk)
        return self.push_on(chunk)

    def finish(self) -> CoroutineType[Any, Any, None]:
        """End the body properly."""
        return self._outbound.finish()

    def whole(self, status: int, headers: Headers, body: bytes) -> CoroutineType[Any, Any, None]:
        """Send an answer that is there in full."""
        self.bodies.client_response_headers = headers
        self.said.add(body)
        return self._outbound.whole(status, headers, body)

    # The provider's side

    def asked(self, headers: Headers, body: bytes, splice: Splice | None = None) -> None:
        """A provider is being asked, with this body, into which the splice is put on its way; what another one was asked before, and said,
        gives way to it."""
        bodies = self.bodies
        bodies.splice = splice
        bodies.provider_request = None if splice is not None or body is bodies.client_request else body
        bodies.provider_request_headers = headers
        bodies.provider_response_headers = ()
        if self._heard is not None:
            self._heard.let_go()
        # Most whole answers are the client's, too: then no piece is heard.
        self._heard = _SILENCE
        self.hear, bodies.provider_response = self._begin, []

    def head_came(self, headers: Headers) -> None:
        """It begins to answer."""
        self.bodies.provider_response_headers = headers

    def same(self) -> None:
        """The client gets the very bytes of the provider's answer, from the first on."""
        self._hear_in(None)

    def same_so_far(self) -> bool:
        """Whether that is so up to here, seen that each byte for the client is the provider's or a sign of life of ours."""
        if self._heard is not None and self._heard.whole_bytes != self.said.whole_bytes:
            return False
        self.same()
        return True

    def differs(self) -> None:
        """From here on the client gets something else; up to here it was the same."""
        if self._heard is None:
            self._hear_in(self.said.copy())

    def _begin(self, piece: bytes) -> None:
        """The first piece of an answer that is kept apart."""
        self._hear_in(Pieces(self._capture))
        self.hear(piece)

    def _hear_in(self, pieces: Pieces | None) -> None:
        if self._heard is not None:
            self._heard.let_go()
        self._heard = pieces
        if pieces is None:
            self.hear, self.bodies.provider_response = _nothing, None
        else:
            self.hear, self.bodies.provider_response = pieces.add, pieces.pieces


_SILENCE = Pieces(Capture())
"""A provider has said nothing yet."""


def _nothing(_: bytes) -> None:
    """What comes is kept elsewhere."""


def _lesser(allowed: str, wanted: str) -> str:
    """Of two modes the one that keeps less. A word that is none may have been meant to keep nothing."""
    wanted = wanted.strip().lower()
    return _MODES[min(_MODES.index(allowed), _MODES.index(wanted) if wanted in _MODES else 0)]
