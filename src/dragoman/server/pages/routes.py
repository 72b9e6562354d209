"""The pages' table of paths: who may see them, under which policy a browser shows them, and what each is made of."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, quote, urlencode

from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.about import About
from dragoman.server.answer import Answer
from dragoman.server.app import Further, Refused, tell_nobody
from dragoman.server.beside import Beside
from dragoman.server.door import Door
from dragoman.server.inbound import read_body
from dragoman.server.live import PATH as LIVE
from dragoman.server.live import RUNNING, Feed
from dragoman.server.pages import assets
from dragoman.server.pages.exchange import SIDES, exchange
from dragoman.server.pages.journal import Journal
from dragoman.server.pages.question import OUTCOMES, PERIODS, read_question
from dragoman.wire.frame import Headers

logger = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
GUARDED: Headers = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)
_PAGE: Headers = (("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store"), *GUARDED)
_PLAIN: Headers = (
    ("content-type", "text/plain; charset=utf-8"),
    ("cache-control", "no-store"),
    *((name, f"{value}; sandbox" if name == "content-security-policy" else value) for name, value in GUARDED),
)
_FORM = "application/x-www-form-urlencoded"
_FORM_BYTES = 8 * 1024
_LOGS = "/logs/"
_HOME = "/logs"
_PART = "x-dragoman-part"
"""Header of whoever wants only one part of the list made anew."""
_ROWS = "rows"
_RUNNING = 50
"""Of those that are under way so many are shown."""


class Templates(Protocol):
    """What makes HTML of a template's name and its values."""

    def render(self, name: str, values: Mapping[str, Any]) -> bytes: ...


class Pages:
    """Answers as HTML. `templates` gives what renders, when first wanted: loading it takes a tenth of a second. `refused` is told of logins
    with a wrong key; beside: how pages are made."""

    def __init__(
        self,
        journal: Journal,
        feed: Feed,
        door: Door,
        about: Callable[[], About],
        templates: Callable[[Mapping[str, str]], Awaitable[Templates]],
        *,
        refused: Refused = tell_nobody,
        beside: Beside = asyncio.to_thread,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._feed = feed
        self._door = door
        self._about = about
        self._load = templates
        self._templates: Templates | None = None
        self._refused = refused
        self._beside = beside
        self._clock = clock
        self._assets = assets.load()

    def further(self, stop: Callable[[], None]) -> Further:
        """The routes, for the application."""
        return Further(
            exact={
                ("GET", LIVE): self._feed.answer,
                ("GET", RUNNING): self._feed.running,
                ("GET", _HOME): self._page(self._list),
                ("GET", "/login"): self._page(self._login_form, is_open=True),
                ("POST", "/login"): self._page(self._log_in, is_open=True),
                ("POST", "/logout"): self._page(self._log_out, is_open=True),
            },
            below=((_LOGS, self._page(self._below_logs)), (assets.MOUNT, self._asset)),
            stop=stop,
        )

    def _page(self, answer: Callable[[Answer], Awaitable[None]], *, is_open: bool = False) -> Callable[[Answer], Awaitable[None]]:
        async def on_page(asked: Answer) -> None:
            try:
                if not is_open:
                    self._door.enter(asked.address, asked.headers)
                await answer(asked)
            except GatewayError as error:
                if asked.started:
                    raise
                if error.kind is Kind.AUTHENTICATION and not is_open:
                    await self._send_to_login(asked)
                else:
                    await self._show(asked, "trouble.html", {"error": error}, status=error.honest_status)

        return on_page

    # The pages

    async def _list(self, asked: Answer) -> None:
        question = read_question(asked.target.query)
        wanted = question.wanted(self._clock())
        found = await self._journal.find(wanted)
        sums = await self._journal.sums(wanted) if asked.headers.get(_PART) != _ROWS and (found.exchanges or question.cursor) else None
        about = self._about()
        running = question.among(self._journal.running(), self._clock())
        values = {
            "question": question,
            "found": found,
            "sums": sums,
            "running": running[:_RUNNING],
            "more_running": len(running) - _RUNNING,
            "periods": [(word, words) for word, (words, _) in PERIODS.items()],
            "outcomes": list(OUTCOMES.items()),
            "providers": about.providers,
            "models": tuple(dict.fromkeys(row.get("model") or "" for row in found.exchanges)),
            "agents": tuple(dict.fromkeys(row.get("agent") or "" for row in found.exchanges)),
            "kinds": [("", "any"), *((kind.value, kind.value.replace("_", " ")) for kind in Kind)],
        }
        await self._show(asked, "logs.html", values)

    async def _below_logs(self, asked: Answer) -> None:
        name, _, rest = asked.target.path.removeprefix(_LOGS).partition("/")
        kept = await self._journal.read(name)
        if kept is None and not rest and (fact := self._journal.lately(name)) is not None:
            await self._show(asked, "running.html", {"fact": fact})
            return
        if kept is None or (rest and rest not in SIDES):
            raise GatewayError(Kind.NOT_FOUND, f"no exchange `{name[:100]}` is on record, or not any more", source="client")
        if rest:
            await self._raw(asked, kept.bodies[rest].data if rest in kept.bodies else None)
            return
        shows_all = "all" in parse_qs(asked.target.query, keep_blank_values=True)
        # In a thread, as below: a long conversation takes tens of milliseconds, which every stream would wait for.
        await self._show(asked, "exchange.html", await self._beside(exchange, kept, shows_all=shows_all))

    async def _raw(self, asked: Answer, body: bytes | None) -> None:
        if body is None:
            raise GatewayError(Kind.NOT_FOUND, "this body was not kept, or is not any more", source="client")
        await asked.whole(200, _PLAIN, body)

    async def _asset(self, asked: Answer) -> None:
        asset = self._assets.get(asked.target.path.removeprefix(assets.MOUNT))
        if asset is None:
            raise GatewayError(Kind.NOT_FOUND, f"there is no `{asked.target.path[:100]}` here", source="client")
        await asked.whole(200, (*asset.headers, *GUARDED), asset.body)

    # The door

    async def _login_form(self, asked: Answer) -> None:
        if not self._door.asks:
            await asked.whole(303, (("location", _HOME),), b"")
            return
        await self._show(asked, "login.html", {"next": _local(_first(asked.target.query, "next")), "error": None})

    async def _log_in(self, asked: Answer) -> None:
        form = await _form(asked)
        goal = _local(_first(form, "next"))
        try:
            headers = self._door.log_in(_first(form, "key").strip(), is_secure=asked.headers.get("origin", "").startswith("https://"))
        except GatewayError as error:
            logger.warning("a login from `%s` was refused", asked.address)
            self._refused(error, asked, error.honest_status, "")
            values = {"next": goal, "error": "This key is not known here." if _first(form, "key") else "Type a client key."}
            await self._show(asked, "login.html", values, status=error.honest_status)
            return
        await asked.whole(303, (("location", goal), ("cache-control", "no-store"), *headers), b"")

    async def _log_out(self, asked: Answer) -> None:
        await _form(asked)
        headers = self._door.log_out(asked.headers)
        await asked.whole(303, (("location", "/login"), ("cache-control", "no-store"), *headers), b"")

    async def _send_to_login(self, asked: Answer) -> None:
        target = asked.target
        goal = quote(target.path) + (f"?{target.query}" if target.query else "")
        await asked.whole(303, (("location", f"/login?{urlencode({'next': goal})}"), ("cache-control", "no-store")), b"")

    async def _show(self, asked: Answer, name: str, values: Mapping[str, Any], status: int = 200) -> None:
        if self._templates is None:
            self._templates = await self._load({name: asset.address for name, asset in self._assets.items()})
        shared = {"version": self._about().version, "asks": self._door.asks, "path": asked.target.path}
        body = await self._beside(self._templates.render, name, {**shared, **values})
        await asked.whole(status, _PAGE, body)


async def _form(asked: Answer) -> str:
    """The fields of a form. Raises GatewayError(invalid_request) for what no form of ours sends."""
    if asked.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise GatewayError(Kind.INVALID_REQUEST, f"this takes a form (`{_FORM}`)", source="client", status=415)
    return (await read_body(asked.read, asked.headers, _FORM_BYTES)).decode("utf-8", "replace")


def _first(query: str, name: str) -> str:
    return parse_qs(query).get(name, [""])[0]


def _local(goal: str) -> str:
    """A path of ours to go on to; never another site's."""
    is_ours = goal == _HOME or goal.startswith((f"{_HOME}?", _LOGS))
    return goal if is_ours and goal.isascii() and goal.isprintable() and "\\" not in goal else _HOME
