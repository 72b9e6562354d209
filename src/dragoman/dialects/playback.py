"""An answer that was kept, played back as the events that it was made of: for whoever reads it when it is long over."""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.dialects.contract import Dialect, Quirks
from dragoman.ir.events import Event


def play(spoken: Dialect, body: bytes, *, stream: bool) -> Iterator[Event]:
    """The events of an answer, as far as it came. stream: it was asked for as one; some providers answer with one body all the same.

    Raises GatewayError and WireError where it is no answer of this dialect, after the events of what was one; how a stream ended, well or
    not, stands among its events.
    """
    if not stream or body.lstrip()[:1] == b"{":
        yield from spoken.read_response(body, Quirks())
        return
    framer, reader = spoken.framer(), spoken.reader(Quirks())
    for frame in framer.feed(body):
        yield from reader.feed(frame)
    for frame in framer.close():
        yield from reader.feed(frame)
    yield from reader.close()
