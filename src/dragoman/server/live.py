"""`GET /api/live`: the live feed as server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html

`begun` for each exchange that begins, `exchange` for each that ends; `lost` for one who reads too slowly and `end` at shutdown, after which
the stream is over. `GET /api/exchanges/running`: what is under way at this moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.observe.live import FILTERS, Live
from dragoman.server.answer import Answer
from dragoman.server.door import Door
from dragoman.wire.frame import Headers

PATH = "/api/live"
RUNNING = "/api/exchanges/running"
HEARTBEAT_S = 15.0
_HEADERS: Headers = (
    ("content-type", "text/event-stream"),
    ("cache-control", "no-store"),
    ("x-accel-buffering", "no"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
)
_JSON: Headers = (("content-type", "application/json"), ("cache-control", "no-store"))
_OPENING = b"retry: 2000\n: what begins and ends from now on\n\n"
_BEAT = b": still here\n\n"


class Feed:
    """Answers with the live feed."""

    def __init__(self, live: Live, door: Door, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._live = live
        self._door = door
        self._heartbeat_s = heartbeat_s

    async def answer(self, asked: Answer) -> None:
        """Tell of exchanges until the client leaves, is too slow, or the gateway stops."""
        self._door.enter(asked.address, asked.headers)
        wanted = _wanted(asked.target.query)
        if asked.method == "HEAD":
            await asked.whole(200, _HEADERS, b"")
            return
        listener = self._live.listen(wanted)
        try:
            await asked.start(200, _HEADERS)
            await asked.write(_OPENING)
            while not listener.is_over and self._may_stay(asked):
                await asked.write(await listener.next(self._heartbeat_s) or _BEAT)
            await asked.write(await listener.next(0))
            await asked.finish()
        finally:
            self._live.leave(listener)

    async def running(self, asked: Answer) -> None:
        """Tell what is under way, the newest first."""
        self._door.enter(asked.address, asked.headers)
        await asked.whole(200, _JSON, msgspec.json.encode({"running": self._live.running()}))

    def _may_stay(self, asked: Answer) -> bool:
        """Whether it would still be let in: a login ends, a key is taken out of the config."""
        try:
            self._door.enter(asked.address, asked.headers)
        except GatewayError:
            return False
        return True


def _wanted(query: str) -> Mapping[str, str]:
    """Raises GatewayError(invalid_request) for a filter that there is not."""
    wanted = dict(parse_qsl(query))
    for name in wanted:
        if name not in FILTERS:
            message = f"the live feed has no filter `{name[:100]}`; it has {', '.join(f'`{one}`' for one in FILTERS)}"
            raise GatewayError(Kind.INVALID_REQUEST, message, source="client")
    return wanted
