"""The pages: rendered, escaped, guarded, and only for those who may look."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from house import ABOUT, Answer, Site, echo, get, go
from msgspec.structs import replace

from dragoman.config.schema import Access, ClientKey
from dragoman.config.secrets import Secret
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Record
from dragoman.observe.live import Live
from dragoman.policy.identity import Identity
from dragoman.server import pages
from dragoman.server.about import About
from dragoman.server.answer import Answer as Outgoing
from dragoman.server.app import App
from dragoman.server.door import Door
from dragoman.server.live import Feed
from dragoman.server.pages.journal import Body, Found, Journal, Kept
from dragoman.server.pages.render import Templates
from dragoman.server.pages.routes import POLICY, Pages
from dragoman.server.serve import Address, running
from dragoman.server.settings import ServerSettings
from dragoman.store.tables import exchanges

FOLDER = Path(pages.__file__).parent
KEY = "a-client-key-of-ada"
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}javascript:alert(1)"
COLUMNS = [column.name for column in exchanges.columns]


def row(name: str = "ex_1", **told: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(COLUMNS),
        "id": name,
        "began_at": 1.0e9,
        "client": "laptop",
        "status": 200,
        "stream": False,
        "total_s": 1.0,
        **told,
    }


def closed() -> About:
    return replace(ABOUT, closed=True, identify=Identity(Access(keys=(ClientKey(name="ada", key=Secret(KEY)),))).identify)


class Shelf:
    """A journal of given exchanges; remembers what it was asked for."""

    def __init__(
        self, *rows: dict[str, Any], bodies: Mapping[str, Body] | None = None, cursor: str | None = None, trouble: Exception | None = None
    ) -> None:
        self.rows = rows
        self.trouble = trouble
        self.held = bodies or {}
        self.cursor = cursor
        self.wanted: list[Mapping[str, Any]] = []
        self.summed: list[Mapping[str, Any]] = []
        self.total: Mapping[str, Any] | None = None
        self.beside: tuple[str | None, str | None] = (None, None)
        self.strangers: list[tuple[str, str, int]] = []

    def refused(self, error: GatewayError, asked: Outgoing, status: int, dialect: str) -> None:
        self.strangers.append((error.kind.value, asked.target.path, status))

    async def find(self, wanted: Mapping[str, Any]) -> Found:
        self.wanted.append(wanted)
        if self.trouble is not None:
            raise self.trouble
        return Found(self.rows, self.cursor)

    async def read(self, name: str) -> Kept | None:
        return next((Kept(each, self.held, *self.beside) for each in self.rows if each["id"] == name), None)

    async def sums(self, wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
        self.summed.append(wanted)
        return self.total

    def journal(self, live: Live) -> Journal:
        return Journal(self.find, self.read, live.running, live.find, self.sums)


class PagesSite(Site):
    """The served pages."""

    def __init__(self, address: Address, live: Live, shelf: Shelf) -> None:
        super().__init__(address)
        self.live, self.shelf = live, shelf


@contextlib.asynccontextmanager
async def site(*rows: dict[str, Any], about: About = ABOUT, heartbeat_s: float = 60.0, **shelved: Any) -> AsyncIterator[PagesSite]:
    live, shelf, door = Live(clock=lambda: 1.0e9 + 100), Shelf(*rows, **shelved), Door(lambda: about)

    async def load(assets: Mapping[str, str]) -> Templates:
        return Templates(assets)

    made = Pages(
        shelf.journal(live), Feed(live, door, heartbeat_s), door, lambda: about, load, clock=lambda: 1.0e9 + 100, refused=shelf.refused
    )
    settings = ServerSettings(port=0, shutdown_grace_s=5.0)
    app = App(lambda: "runtime", echo, lambda _: about, settings, further=made.further(live.close))
    async with running(app) as address:
        yield PagesSite(address, live, shelf)


class Seen(HTMLParser):
    """What a browser would see: elements with their attributes, and the text between."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def seen(answer: Answer) -> Seen:
    return Seen(answer.body.decode())


def form(path: str, fields: Mapping[str, str], *headers: str, kind: str = "application/x-www-form-urlencoded") -> bytes:
    body = urlencode(fields).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_the_list_shows_exchanges_and_leads_to_each() -> None:
    async def story() -> None:
        async with site(
            row(model="m-1", provider="p", input_tokens=1000, output_tokens=5, cost_pico=2 * 10**10), row("ex_2", asked="m-2")
        ) as it:
            answer = await it.ask(get("/logs"))
            page = seen(answer)

            assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert [link["href"] for link in page.all("a") if (link["href"] or "").startswith("/logs/")] == ["/logs/ex_1", "/logs/ex_2"]
            assert all(word in page.text for word in ("m-1", "m-2", "1.0k / 5", "$0.0200", "1.00 s"))

    go(story())


def test_an_empty_journal_says_what_to_do() -> None:
    async def story() -> None:
        async with site() as it:
            assert "No exchange yet." in seen(await it.ask(get("/logs"))).text
            assert "No exchange is like that." in seen(await it.ask(get("/logs?model=x"))).text

    go(story())


def test_filters_of_the_address_are_asked_for_and_kept_in_the_form() -> None:
    async def story() -> None:
        async with site(row()) as it:
            named = "model=m%26m&provider=p&client=c&user=u&team=t&agent=a&session=s"
            query = f"text=two+words&since=1h&{named}&status=failed&error=timeout&cursor=abc&nonsense=1"
            page = seen(await it.ask(get(f"/logs?{query}")))

            assert it.shelf.wanted == [
                {
                    "text": "two words", "model": "m&m", "provider": "p", "client": "c", "user": "u", "team": "t", "agent": "a",
                    "session": "s", "error": "timeout", "after": 1.0e9 + 100 - 3600, "status": "failed", "cursor": "abc",
                }
            ]  # fmt: skip
            typed = {field["name"]: field.get("value") for field in page.all("input") if field.get("value")}
            names = {"model": "m&m", "provider": "p", "client": "c", "user": "u", "team": "t", "agent": "a", "session": "s"}
            assert typed == {"text": "two words", **names}
            assert [each["value"] for each in page.all("option") if "selected" in each] == ["1h", "failed", "timeout"]

    go(story())


SUMS = {
    "exchanges": 12345, "failed": 2, "input_tokens": 5_800_000, "cache_hit_rate": 0.934, "output_tokens": 26_000, "cost_pico": 4 * 10**12,
    "unpriced": 3, "left": 1, "first_token_s": 4.0, "first_tokens": 8,
}  # fmt: skip


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            {},
            "12 345 exchanges 2 failed (1 left by the client) 5.8M tokens in, 93 % cached 26k out $4.0000 and 3 without a price "
            "first token after 0.50 s Save as CSV, JSONL, Parquet",
        ),
        (
            {"exchanges": 1, "failed": 0, "cache_hit_rate": None, "unpriced": 1, "cost_pico": 0, "first_tokens": 0},
            "1 exchange 5.8M tokens in 26k out cost not known Save as CSV, JSONL, Parquet",
        ),
        (
            {"exchanges": 1, "failed": 0, "input_tokens": 0, "output_tokens": 0, "unpriced": 0, "cost_pico": 0, "first_tokens": 0},
            "1 exchange 0 tokens in, 93 % cached 0 out cost not known Save as CSV, JSONL, Parquet",
        ),
    ],
)
def test_above_the_list_all_that_it_finds_is_added_up(told: dict[str, Any], words: str) -> None:
    async def story() -> None:
        async with site(row(), cursor="next") as it:
            it.shelf.total = {**SUMS, **told}
            page = seen(await it.ask(get("/logs?model=m&since=1h&cursor=abc")))

            assert words in " ".join(page.text.split())
            assert it.shelf.summed == it.shelf.wanted
            assert [link["href"] for link in page.all("a") if "download" in link] == [
                f"/api/exchanges?model=m&since=1h&format={form}" for form in ("csv", "jsonl", "parquet")
            ]

    go(story())


@pytest.mark.parametrize(
    ("rows", "query", "headers", "is_summed"),
    [
        ((row(),), "", (), True),
        ((), "", (), False),
        ((), "?cursor=beyond", (), True),
        ((row(),), "", ("x-dragoman-part: rows",), False),
    ],
)
def test_sums_are_made_where_they_are_wanted(rows: tuple[Any, ...], query: str, headers: tuple[str, ...], is_summed: bool) -> None:
    async def story() -> None:
        async with site(*rows) as it:
            page = seen(await it.ask(get(f"/logs{query}", *headers)))

            assert bool(it.shelf.summed) is is_summed
            assert "Save as" not in page.text

    go(story())


def test_the_next_page_keeps_the_filters() -> None:
    async def story() -> None:
        async with site(row(), cursor="c&2") as it:
            page = seen(await it.ask(get("/logs?model=a+b&cursor=c1")))
            paging = {link["rel"]: link["href"] for link in page.all("a") if "rel" in link}

            assert paging == {"first": "/logs?model=a+b", "next": "/logs?model=a+b&cursor=c%262"}

    go(story())


def hostile_row() -> dict[str, Any]:
    words = {name: HOSTILE for name, column in exchanges.columns.items() if str(column.type) == "TEXT"}
    told: dict[str, Any] = {
        **words,
        "decision": {
            **dict.fromkeys(("model", "found", "rule", "tier", "moved", "session"), HOSTILE),
            "passed": [{"rule": HOSTILE, "fails": HOSTILE}],
            "places": [{"seat": HOSTILE, "why": HOSTILE, "standing": "open", "trouble": HOSTILE}],
            "never": [HOSTILE],
        },
        "warnings": [[HOSTILE, HOSTILE]],
        "cost_parts": {HOSTILE: 1},
        "attempts": [{"provider": HOSTILE, "model": HOSTILE, "error": HOSTILE, "began_s": 0.0, "ended_s": 1.0, "status": 500}],
        "tools": [
            {
                **dict.fromkeys(("name", "call_id", "command", "arguments", "result_exchange_id"), HOSTILE),
                "is_error": True,
                "result_bytes": 1,
                "result_tokens": 1,
            }
        ],
        "dialect_in": "responses",
    }
    return row(**{**told, "id": "ex_1"})


def hostile_bodies() -> dict[str, Body]:
    talk = json.dumps(
        {
            "model": HOSTILE,
            "input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": HOSTILE}]},
                {"type": "function_call", "call_id": HOSTILE, "name": HOSTILE, "arguments": HOSTILE},
                {"type": "function_call_output", "call_id": HOSTILE, "output": HOSTILE},
            ],
            "tools": [{"type": "function", "name": HOSTILE}],
        }
    ).encode()
    return {
        "client_request": Body(((HOSTILE, HOSTILE),), talk, 5),
        "client_response": Body((), HOSTILE.encode(), 5),
        "provider_request": Body((), b"\xff\x00" + HOSTILE.encode(), 5),
    }


@pytest.mark.parametrize(
    "path", ["/logs", "/logs/ex_1", f"/logs?{urlencode({'text': HOSTILE, 'model': HOSTILE, 'status': HOSTILE, 'cursor': HOSTILE})}"]
)
def test_nothing_that_others_said_becomes_markup(path: str) -> None:
    async def story() -> None:
        async with site(hostile_row(), bodies=hostile_bodies(), cursor=HOSTILE) as it:
            it.shelf.beside = HOSTILE, HOSTILE
            answer = await it.ask(get(path))
            page = seen(answer)

            assert answer.status == 200
            assert "alert(1)" in page.text
            assert all((script["src"] or "").startswith("/static/") for script in page.all("script"))
            assert [image["src"] for image in page.all("img") if not (image["src"] or "").startswith("/static/")] == []
            named = {name for _, attributes in page.elements for name in attributes}
            assert [name for name in named if name.startswith("on") or name == "style"] == []
            links = [attributes[name] or "" for _, attributes in page.elements for name in ("href", "src", "action") if name in attributes]
            assert [link for link in links if not re.match(r"/(logs|static/|login)|[#?]|/$", link)] == []
            assert "49" not in re.findall(r"onerror=alert\(1\)>(\d+)", page.text)

    go(story())


def test_the_exchange_shows_the_conversation_the_tools_the_time_the_way_and_the_bodies() -> None:
    async def story() -> None:
        async with site(hostile_row(), bodies=hostile_bodies()) as it:
            page = seen(await it.ask(get("/logs/ex_1")))
            headings = [part["id"] for part in page.all("section")]

            assert headings == ["conversation", "tools", "time", "routing", "tokens", "facts", "raw"]
            assert "javascript:alert(1)" in page.text
            assert len(page.all("svg")) == 2

    go(story())


@pytest.mark.parametrize(
    ("beside", "links"),
    [
        ((None, None), {}),
        (("ex_0", None), {"prev": "/logs/ex_0"}),
        ((None, "ex_2"), {"next": "/logs/ex_2"}),
        (("ex_0", "ex_2"), {"prev": "/logs/ex_0", "next": "/logs/ex_2"}),
    ],
)
def test_one_exchange_leads_to_those_beside_it_in_its_session(beside: tuple[str | None, str | None], links: dict[str, str]) -> None:
    async def story() -> None:
        async with site(row(session="s 1")) as it:
            it.shelf.beside = beside
            page = seen(await it.ask(get("/logs/ex_1")))

            assert {link["rel"]: link["href"] for link in page.all("a") if "rel" in link} == links

    go(story())


def test_what_would_not_be_seen_is_shown() -> None:
    async def story() -> None:
        async with site(row(model="safe\u202etxt.exe\x1b[31m\x00")) as it:
            page = await it.ask(get("/logs"))

            assert "safe⟨202E⟩txt.exe⟨1B⟩[31m⟨00⟩" in page.body.decode()

    go(story())


def test_a_raw_body_is_plain_text_that_no_browser_runs() -> None:
    async def story() -> None:
        async with site(row(), bodies={"client_request": Body((), b"<script>alert(1)</script>", 25)}) as it:
            answer = await it.ask(get("/logs/ex_1/client_request"))
            gone = await it.ask(get("/logs/ex_1/client_response"))

            assert (answer.status, answer.body) == (200, b"<script>alert(1)</script>")
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"] == f"{POLICY}; sandbox"
            assert gone.status == 404

    go(story())


@pytest.mark.parametrize("path", ["/logs/ex_9", "/logs/ex_1/elsewhere", "/logs/%00", "/static/../render.py", "/static/none.js"])
def test_what_is_not_there_is_a_page_too(path: str) -> None:
    async def story() -> None:
        async with site(row()) as it:
            answer = await it.ask(get(path))

            assert answer.status == 404
            if path.startswith("/logs"):
                assert answer.headers["content-security-policy"] == POLICY

    go(story())


def test_trouble_with_the_journal_is_told_on_the_page() -> None:
    async def story() -> None:
        async with site(trouble=GatewayError(Kind.OVERLOADED, "the database is <away>")) as it:
            answer = await it.ask(get("/logs"))

            assert (answer.status, answer.headers["content-security-policy"]) == (503, POLICY)
            assert "the database is <away>" in seen(answer).text

    go(story())


def test_every_page_is_under_the_strict_policy_and_kept_nowhere() -> None:
    async def story() -> None:
        async with site(row(), about=closed()) as it:
            answer = await it.ask(get("/login"))

            assert answer.headers["content-security-policy"] == POLICY
            assert "unsafe" not in POLICY
            assert POLICY.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "same-origin")

    go(story())


def test_static_files_are_there_under_the_names_that_pages_use() -> None:
    async def story() -> None:
        async with site(row()) as it:
            page = seen(await it.ask(get("/logs")))
            addresses = {
                value
                for tag in ("script", "link", "img")
                for each in page.all(tag)
                for name in ("src", "href")
                if (value := each.get(name))
            }
            answers = {address: await it.ask(get(address)) for address in addresses}

            assert len(addresses) >= 5
            assert {answer.status for answer in answers.values()} == {200}
            assert {answer.headers["cache-control"] for answer in answers.values()} == {"public, max-age=31536000, immutable"}

    go(story())


# What is under way

UNDER_WAY = Record("ex_5", 1.0e9 + 90, client="laptop", agent="codex", session="s-1", asked=HOSTILE, provider="p", model="m")


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ("", True), ("?model=m", True), ("?model=x,m&provider=p&client=laptop&session=s-1&since=1h", True),
        ("?model=x", False), ("?status=ok", False), ("?error=timeout", False), ("?text=hello", False), ("?cursor=c", False),
        ("?after=2001-09-09T01:48:10", True), ("?after=2001-09-09T01:48:11", False), ("?before=2001-09-09T01:48:10", False),
    ],
)  # fmt: skip
def test_what_is_under_way_stands_above_the_list_where_it_is_asked_for(query: str, is_there: bool) -> None:
    async def story() -> None:
        async with site(row()) as it:
            it.live.begin(UNDER_WAY)
            page = seen(await it.ask(get(f"/logs{query}")))

            assert [line["data-id"] for line in page.all("tr") if "data-id" in line] == [*(["ex_5"] if is_there else []), "ex_1"]
            assert ("10.0 s" in page.text) is is_there

    go(story())


def test_of_many_that_are_under_way_the_newest_are_shown_and_the_others_counted() -> None:
    async def story() -> None:
        async with site(row()) as it:
            for number in range(53):
                it.live.begin(replace(UNDER_WAY, id=f"ex_{number}"))
            page = seen(await it.ask(get("/logs")))
            names = [line["data-id"] for line in page.all("tr") if "data-id" in line]

            assert (names[0], names[-2], len(names)) == ("ex_52", "ex_3", 51)
            assert "and 3 more are under way" in page.text

    go(story())


def test_an_exchange_that_is_under_way_has_a_page_until_it_is_on_record() -> None:
    async def story() -> None:
        async with site(row()) as it:
            record = replace(UNDER_WAY, total_s=10.0)
            it.live.begin(record)
            running = await it.ask(get("/logs/ex_5"))
            it.live.record(record)
            ended = await it.ask(get("/logs/ex_5"))

            assert (running.status, ended.status) == (200, 200)
            assert (seen(running).all("p")[-1].get("data-id"), "alert(1)" in seen(running).text) == ("ex_5", True)
            assert all((script["src"] or "").startswith("/static/") for script in seen(running).all("script"))
            assert "It has just ended" in seen(ended).text
            assert (await it.ask(get("/logs/ex_5/client_request"))).status == 404

    go(story())


def test_what_is_under_way_is_told_over_http_to_who_may_ask() -> None:
    async def story() -> None:
        async with site() as it, site(about=closed()) as locked:
            it.live.begin(UNDER_WAY)
            told = json.loads((await it.ask(get("/api/exchanges/running"))).body)["running"]

            assert [(fact["id"], fact["model"], fact["running_s"]) for fact in told] == [("ex_5", "m", 10.0)]
            assert (await locked.ask(get("/api/exchanges/running"))).status == 401

    go(story())


# The door


def test_who_has_no_key_is_sent_to_the_login_page_and_back() -> None:
    async def story() -> None:
        async with site(row(), about=closed()) as it:
            sent = await it.ask(get("/logs?model=a%20b&since=1h"))
            wanted = "/logs?model=a%20b&since=1h"
            page = seen(await it.ask(get(sent.headers["location"])))
            hidden = next(field for field in page.all("input") if field["name"] == "next")
            entered = await it.ask(form("/login", {"key": KEY, "next": hidden["value"] or ""}))
            cookie = f"Cookie: {entered.headers['set-cookie'].partition(';')[0]}"

            assert sent.status == 303
            assert (entered.status, entered.headers["location"]) == (303, wanted)
            assert (await it.ask(get("/logs", cookie))).status == 200
            assert (await it.ask(get("/logs/ex_1", cookie))).status == 200
            await it.ask(form("/logout", {}, cookie))
            assert (await it.ask(get("/logs", cookie))).status == 303

    go(story())


def test_the_cookie_opens_the_pages_and_nothing_that_costs() -> None:
    async def story() -> None:
        async with site(row(), about=closed()) as it:
            entered = await it.ask(form("/login", {"key": KEY}))
            cookie = f"Cookie: {entered.headers['set-cookie'].partition(';')[0]}"

            assert (await it.ask(get("/v1/models", cookie))).status == 401

    go(story())


def test_a_wrong_key_is_told_and_not_shown() -> None:
    async def story() -> None:
        async with site(about=closed()) as it:
            answer = await it.ask(form("/login", {"key": "wrong-secret"}))

            assert answer.status == 401
            assert "set-cookie" not in answer.headers
            assert b"wrong-secret" not in answer.body
            assert it.shelf.strangers == [("authentication", "/login", 401)]
            assert "This key is not known here." in seen(answer).text

    go(story())


@pytest.mark.parametrize(
    "goal", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/logs\r\nx: y", "/logsx", "/v1/models"]
)
def test_after_the_login_nobody_is_sent_elsewhere(goal: str) -> None:
    async def story() -> None:
        async with site(about=closed()) as it:
            assert (await it.ask(form("/login", {"key": KEY, "next": goal}))).headers["location"] == "/logs"

    go(story())


@pytest.mark.parametrize(
    ("headers", "kind", "status"),
    [
        (("Origin: https://evil.example",), "application/x-www-form-urlencoded", 403),
        (("Sec-Fetch-Site: cross-site",), "application/x-www-form-urlencoded", 403),
        ((), "text/plain", 415),
    ],
)
def test_no_other_site_logs_anybody_in(headers: tuple[str, ...], kind: str, status: int) -> None:
    async def story() -> None:
        async with site(about=closed()) as it:
            answer = await it.ask(form("/login", {"key": KEY}, *headers, kind=kind))

            assert (answer.status, "set-cookie" in answer.headers) == (status, False)

    go(story())


def test_without_keys_there_is_nothing_to_log_in_to() -> None:
    async def story() -> None:
        async with site() as it:
            assert (await it.ask(get("/login"))).headers["location"] == "/logs"

    go(story())


# The live feed


def test_the_feed_tells_of_what_ends_and_says_goodbye() -> None:
    async def story() -> None:
        async with site() as it:
            client = await it.client()
            await client.send(get("/api/live?status=200"))
            head = await client.reader.readuntil(b"\n\n\r\n")
            it.live.record(Record("ex_7", 1.0, status=200))
            it.live.record(Record("ex_8", 1.0, status=500))
            event = await client.reader.readuntil(b"\n\n\r\n")
            it.live.close()
            rest = await client.reader.readuntil(b"0\r\n\r\n")

            assert b"content-type: text/event-stream" in head
            assert b"id: ex_7\n" in event
            assert b"ex_8" not in event + rest
            assert b"event: end\n" in rest

    go(story())


def test_a_silent_feed_shows_that_it_lives() -> None:
    async def story() -> None:
        async with site(heartbeat_s=0.0) as it:
            client = await it.client()
            await client.send(get("/api/live"))
            await client.reader.readuntil(b": still here\n\n")
            client.close()

    go(story())


def test_a_listener_that_leaves_is_forgotten() -> None:
    async def story() -> None:
        async with site() as it:
            client = await it.client()
            await client.send(get("/api/live"))
            await client.reader.readuntil(b"\n\n\r\n")
            assert len(it.live) == 1
            client.close()
            other = await it.client()
            while len(it.live):
                await other.ask(get("/health"))

    go(story())


def test_the_feed_is_behind_the_same_door() -> None:
    async def story() -> None:
        async with site(about=closed()) as it:
            entered = await it.ask(form("/login", {"key": KEY}))
            cookie = f"Cookie: {entered.headers['set-cookie'].partition(';')[0]}"

            assert (await it.ask(get("/api/live"))).status == 401
            assert (await it.ask(get("/api/live", cookie, method="HEAD"))).status == 200

    go(story())


def test_who_logs_out_hears_nothing_more() -> None:
    async def story() -> None:
        async with site(about=closed(), heartbeat_s=0.0) as it:
            entered = await it.ask(form("/login", {"key": KEY}))
            cookie = f"Cookie: {entered.headers['set-cookie'].partition(';')[0]}"
            client = await it.client()
            await client.send(get("/api/live", cookie))
            await client.reader.readuntil(b": still here\n\n")
            await it.ask(form("/logout", {}, cookie))
            rest = await client.reader.readuntil(b"\r\n0\r\n\r\n")

            assert rest.endswith(b"0\r\n\r\n")
            assert len(it.live) == 0

    go(story())


def test_the_feed_names_the_filters_that_it_has() -> None:
    async def story() -> None:
        async with site() as it:
            answer = await it.ask(get("/api/live?modell=x"))

            assert answer.status == 400
            assert answer.message.startswith("the live feed has no filter `modell`; it has `model`, `provider`")

    go(story())


# What templates may not do


@pytest.mark.parametrize("path", sorted((FOLDER / "templates").glob("*.html")), ids=lambda path: path.name)
def test_templates_hold_no_script_no_style_and_no_way_around_escaping(path: Path) -> None:
    source = path.read_text()

    assert re.findall(r"\|\s*safe|autoescape|<style|\sstyle=|\son\w+=|javascript:", source) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)", source) == []


def test_no_script_makes_markup_of_text() -> None:
    for path in (FOLDER / "static").glob("*.js"):
        assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", path.read_text()) == [], (
            path.name
        )
