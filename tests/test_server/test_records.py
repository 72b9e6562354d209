"""The journal over HTTP: what is asked of it, in which form it answers, and who may ask."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import pytest
from house import ABOUT, Site, echo, get, go
from msgspec.structs import replace

from dragoman.config.schema import Access, ClientKey
from dragoman.config.secrets import Secret
from dragoman.ir.errors import GatewayError, Kind
from dragoman.policy.identity import Identity
from dragoman.server.about import About
from dragoman.server.app import App, Further
from dragoman.server.door import Door
from dragoman.server.records import Journal, Records
from dragoman.server.serve import running
from dragoman.server.settings import ServerSettings

KEY = "a-client-key-of-ada"


class Kept:
    """A journal of numbers; remembers what it was asked, and how much of an export was fetched."""

    def __init__(self, pages: int = 2, fails_after: int | None = None) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.pages, self.fails_after, self.fetched = pages, fails_after, 0

    async def exchanges(self, given: Mapping[str, str]) -> dict[str, Any]:
        return self._told("exchanges", given)

    async def exchange(self, name: str, *, bodies: bool = False) -> dict[str, Any]:
        return self._told("exchange", (name, bodies))

    async def usage(self, given: Mapping[str, str]) -> dict[str, Any]:
        return self._told("usage", given)

    async def sessions(self, given: Mapping[str, str]) -> dict[str, Any]:
        return self._told("sessions", given)

    async def session(self, name: str) -> dict[str, Any]:
        return self._told("session", name)

    async def export(self, given: Mapping[str, str]) -> AsyncGenerator[Sequence[Mapping[str, Any]]]:
        self._told("export", given)
        for page in range(self.pages):
            if page == self.fails_after:
                raise GatewayError(Kind.TIMEOUT, "it took too long")
            self.fetched += 1
            yield [{"id": f"ex_{page}", "status": 200}]

    def _told(self, what: str, given: Any) -> dict[str, Any]:
        self.asked.append((what, given))
        return {"told": what}


@contextlib.asynccontextmanager
async def site(journal: Journal | None, about: About = ABOUT) -> AsyncGenerator[Site]:
    further = Records(journal, Door(lambda: about)).beside(Further())
    app = App(lambda: "runtime", echo, lambda _: about, ServerSettings(port=0, shutdown_grace_s=5.0), further=further)
    async with running(app) as address:
        yield Site(address)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/api/exchanges?model=a%20b&limit=3", ("exchanges", {"model": "a b", "limit": "3"})),
        ("/api/exchanges?format=json", ("exchanges", {})),
        ("/api/exchanges/ex_1", ("exchange", ("ex_1", False))),
        ("/api/exchanges/ex%2F1/?bodies=true", ("exchange", ("ex/1", True))),
        ("/api/exchanges/50%2525", ("exchange", ("50%25", False))),
        ("/api/exchanges?status=200&model=m&status=404", ("exchanges", {"status": "200,404", "model": "m"})),
        ("/api/usage?by=model", ("usage", {"by": "model"})),
        ("/api/sessions?agent=codex", ("sessions", {"agent": "codex"})),
        ("/api/sessions/s%201", ("session", "s 1")),
        ("/api/sessions/100%2541", ("session", "100%41")),
    ],
)
def test_each_path_asks_its_question(path: str, asked: tuple[str, Any]) -> None:
    async def story() -> None:
        kept = Kept()
        async with site(kept) as it:
            answer = await it.ask(get(path))

            assert (answer.status, answer.json) == (200, {"told": asked[0]})
            assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
            assert kept.asked == [asked]

    go(story())


@pytest.mark.parametrize(
    ("name", "kind", "body"),
    [
        ("jsonl", "application/x-ndjson", b'{"id":"ex_0","status":200}\n{"id":"ex_1","status":200}\n'),
        ("csv", "text/csv; charset=utf-8", b"id,status\r\nex_0,200\r\nex_1,200\r\n"),
    ],
)
def test_an_export_is_a_file_of_all_pages(name: str, kind: str, body: bytes) -> None:
    async def story() -> None:
        kept = Kept()
        async with site(kept) as it:
            answer = await it.ask(get(f"/api/exchanges?format={name}&model=m"))

            assert (answer.status, answer.body, answer.headers["content-type"]) == (200, body, kind)
            assert answer.headers["content-disposition"] == f'attachment; filename="exchanges.{name}"'
            assert kept.asked == [("export", {"model": "m"})]

    go(story())


def test_an_export_of_nothing_is_an_empty_file() -> None:
    async def story() -> None:
        async with site(Kept(pages=0)) as it:
            answer = await it.ask(get("/api/exchanges?format=jsonl"))

            assert (answer.status, answer.body) == (200, b"")

    go(story())


def test_the_head_of_an_export_fetches_nothing() -> None:
    async def story() -> None:
        kept = Kept()
        async with site(kept) as it:
            client = await it.client()
            await client.send(get("/api/exchanges?format=parquet", method="HEAD"))
            answer = await client.answer(head_only=True)
            client.close()

            assert (answer.status, answer.headers["content-type"]) == (200, "application/vnd.apache.parquet")
            assert (kept.asked, kept.fetched) == ([], 0)

    go(story())


def test_an_export_that_fails_at_once_says_why_and_one_that_fails_midway_is_cut_so_that_nobody_takes_it_for_whole() -> None:
    async def story() -> None:
        async with site(Kept(fails_after=0)) as it, site(Kept(fails_after=1)) as later:
            at_once = await it.ask(get("/api/exchanges?format=jsonl"))
            client = await later.client()
            await client.send(get("/api/exchanges?format=jsonl"))
            data = b""
            with contextlib.suppress(ConnectionError):
                while more := await client.reader.read(65_536):
                    data += more

            assert (at_once.status, at_once.message) == (504, "it took too long")
            assert not data.endswith(b"0\r\n\r\n")

    go(story())


def test_a_form_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    async def story() -> None:
        async with site(Kept()) as it:
            answer = await it.ask(get("/api/exchanges?format=xml"))

            assert (answer.status, answer.message) == (400, "`format` takes `json`, `jsonl`, `csv`, `parquet`, not `xml`")

    go(story())


@pytest.mark.parametrize("path", ["/api/exchanges", "/api/exchanges/ex_1", "/api/usage", "/api/sessions", "/api/sessions/s"])
def test_only_who_has_a_key_may_ask_where_there_are_keys(path: str) -> None:
    async def story() -> None:
        kept = Kept()
        about = replace(ABOUT, closed=True, identify=Identity(Access(keys=(ClientKey(name="ada", key=Secret(KEY)),))).identify)
        async with site(kept, about) as it:
            stranger = await it.ask(get(path))
            asked_by_stranger = list(kept.asked)
            known = await it.ask(get(path, f"Authorization: Bearer {KEY}"))

            assert (stranger.status, asked_by_stranger, known.status) == (401, [], 200)

    go(story())


@pytest.mark.parametrize("path", ["/api/exchanges", "/api/exchanges/ex_1", "/api/usage", "/api/sessions", "/api/sessions/s"])
def test_a_gateway_without_a_journal_says_so(path: str) -> None:
    async def story() -> None:
        async with site(None) as it:
            answer = await it.ask(get(path))

            assert (answer.status, "this gateway keeps no journal" in answer.message) == (404, True)

    go(story())
