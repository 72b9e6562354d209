"""The pages of a gateway: put together with its journal, its live feed and whoever may see them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from dragoman.app.asking import Asking
from dragoman.app.beside import beside
from dragoman.ir.errors import GatewayError, Kind
from dragoman.observe.live import Live
from dragoman.server.about import About
from dragoman.server.app import Further, Refused, tell_nobody
from dragoman.server.door import Door
from dragoman.server.live import Feed
from dragoman.server.pages.journal import Body, Found, Journal, Kept
from dragoman.server.pages.routes import Pages, Templates

_PATIENCE_S = 2.0


async def _not_kept(_: object) -> Any:
    message = "this gateway keeps no journal (`database: none`), so there is nothing to show; give `database` a place and start it anew"
    raise GatewayError(Kind.NOT_FOUND, message, source="client")


NO_JOURNAL = Journal(_not_kept, _not_kept)
"""Where nothing is kept."""


def pages(asking: Asking | None, live: Live, door: Door, about: Callable[[], About], refused: Refused = tell_nobody) -> Further:
    """The routes of the pages and of the live feed. asking: None where nothing is kept. refused: is told of logins with a wrong key."""
    journal = NO_JOURNAL if asking is None else journal_of(asking)
    journal = msgspec.structs.replace(journal, running=live.running, lately=live.find)
    return Pages(journal, Feed(live, door), door, about, _templates, refused=refused, beside=beside).further(live.close)


def journal_of(asking: Asking, patience_s: float = _PATIENCE_S) -> Journal:
    """The journal as the pages want it. patience_s: how long a list waits for its sums."""

    async def find(wanted: Mapping[str, Any]) -> Found:
        found = await asking.exchanges({name: str(value) for name, value in wanted.items()})
        return Found(found["exchanges"], found["next"])

    async def sums(wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
        try:
            async with asyncio.timeout(patience_s):
                asked = {name: str(value) for name, value in wanted.items() if name != "cursor"}
                return (await asking.usage(asked))["total"]
        except TimeoutError:
            return None

    async def read(name: str) -> Kept | None:
        try:
            fact = await asking.exchange(name)
        except GatewayError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            raise
        bodies = await asking.bodies(fact["id"])
        earlier, later = await asking.beside(fact)
        return Kept(fact, {side: Body(body.headers, body.data, body.whole) for side, body in bodies.items()}, earlier, later)

    return Journal(find, read, sums=sums)


async def _templates(assets: Mapping[str, str]) -> Templates:
    """Loaded when first wanted, in a thread: the library takes a tenth of a second, which no start shall wait for."""
    render = await asyncio.to_thread(importlib.import_module, "dragoman.server.pages.render")
    return render.Templates(assets)
