"""Paths find their handlers, and what has none is told so in a sentence."""

from __future__ import annotations

import pytest
from house import ABOUT, BODY, Answer, Held, echo, get, go, house, identify_ada, post
from msgspec.structs import replace

from dragoman.core.exchange import Inbound
from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.answer import Answer as Outgoing

CLOSED = replace(ABOUT, closed=True, identify=identify_ada)
KEY = "Authorization: Bearer ada-key"


@pytest.mark.parametrize("mount", ["/openai", "/openai/v1", "/v1"])
@pytest.mark.parametrize(("path", "dialect"), [("/responses", "responses"), ("/chat/completions", "chat")])
def test_every_mount_leads_to_the_exchange_in_the_dialect_of_its_path(mount: str, path: str, dialect: str) -> None:
    async def story() -> None:
        async with house() as it:
            answer = await it.ask(post(f"{mount}{path}?api-version=7"))

            assert answer.status == 200
            assert answer.json == {"dialect": dialect, "mount": mount, "path": path, "query": "api-version=7", "size": 13}

    go(story())


def test_doubled_and_trailing_slashes_are_harmless() -> None:
    async def story() -> None:
        async with house() as it:
            answers = [await it.ask(post("/openai//responses")), await it.ask(post("/v1/responses/"))]

            assert [answer.status for answer in answers] == [200, 200]

    go(story())


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost:8080/v1/models?a=b", 200),
        ("http://[::1]:8080/v1/models", 200),
        ("http://127.0.0.1", 200),
        ("http://evil.example/v1/models", 403),
        ("http://evil.example:8080/v1/models", 403),
    ],
)
def test_a_target_with_a_host_is_asked_by_that_name_whatever_the_header_says(target: str, status: int) -> None:
    async def story() -> None:
        async with house() as it:
            assert (await it.ask(get(target))).status == status

    go(story())


def test_a_failure_is_logged_with_the_path_as_it_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        raise RuntimeError

    async def story() -> None:
        async with house(fail) as it:
            assert (await it.ask(post("/v1/%72esponses?key=secret"))).status == 500

    go(story())

    assert [record.getMessage() for record in caplog.records] == ["`POST /v1/%72esponses` failed inside the gateway"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/chat/completions/", "/v1//chat/completions"])
def test_what_is_refused_at_a_models_path_is_counted_however_many_slashes_it_has(path: str) -> None:
    async def story() -> None:
        async with house() as it:
            answer = await it.ask(post(path, kind="text/plain"))

            assert (answer.status, it.app.refusals) == (415, {"invalid_request": 1})

    go(story())


async def turn_away(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
    """As an exchange refuses strangers; it tells how much of their bodies it got."""
    assert "authorization" not in inbound.headers
    await outbound.whole(401, (), b"%d" % len(inbound.body))


@pytest.mark.parametrize("header", ["Content-Length: 50000000", "Transfer-Encoding: chunked"])
def test_a_strangers_body_is_not_waited_for(header: str) -> None:
    head = f"POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{header}\r\n".encode()

    async def story() -> None:
        async with house(turn_away, about=CLOSED) as it:
            answer = await it.ask(head + b"\r\n")

            assert (answer.status, answer.headers["connection"], answer.body, it.app.refusals) == (401, "close", b"0", {})

    go(story())


def test_a_strangers_packed_body_is_not_unpacked() -> None:
    async def story() -> None:
        async with house(turn_away, about=CLOSED) as it:
            answers = [await it.ask(post("/v1/responses", b"no gzip", "Content-Encoding: gzip", *key)) for key in ((), (KEY,))]

            assert [answer.status for answer in answers] == [401, 400]


def test_a_stranger_is_an_exchange_that_is_refused_however_its_request_is_cut() -> None:
    whole = post("/v1/responses", b"{}")

    async def story() -> None:
        async with house(turn_away, about=CLOSED) as it:
            for first in (len(whole), len(whole) - 1, len(whole) - 2):
                client = await it.client()
                answer = await client.ask(whole[:first])

                assert (answer.status, it.app.refusals) == (401, {})
                client.close()

    go(story())


def test_the_exchange_gets_the_request_as_it_came() -> None:
    seen: list[Inbound] = []

    async def keep(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        seen.append(inbound)
        await echo(runtime, inbound, outbound)

    async def story() -> None:
        async with house(keep) as it:
            await it.ask(post("/v1/responses", b"{}", "X-Two: a", "x-two: b"))

    go(story())

    headers = {"host": "localhost", "content-type": "application/json", "content-length": "2", "x-two": "a, b"}
    assert seen == [Inbound("responses", "/v1", "/responses", "", headers, b"{}", "127.0.0.1", 12.0)]


def test_models_are_listed_as_openai_lists_them() -> None:
    async def story() -> None:
        async with house() as it:
            answer = await it.ask(get("/openai/models"))

            coder = {"id": "demo/coder", "object": "model", "created": 0, "owned_by": "demo"}
            assert answer.json == {
                "object": "list",
                "data": [coder, {"id": "gpt-4", "object": "model", "created": 0, "owned_by": "openai"}],
            }
            assert (await it.ask(get("/v1/models/demo/coder"))).json == coder

    go(story())


def test_a_model_that_is_not_listed_is_not_found() -> None:
    async def story() -> None:
        async with house() as it:
            answer = await it.ask(get("/v1/models/nobody"))

            assert answer.status == 404
            assert answer.message == "no model `nobody` is listed; `GET /v1/models` lists them"

    go(story())


def test_health_tells_an_open_gateways_state() -> None:
    async def story() -> None:
        async with house() as it:
            answer = await it.ask(get("/health"))

            told = {"status": "ok", "name": "dragoman", "version": "1.2.3", "providers": ["demo"], "keys_needed": False}
            assert answer.json == {**told, "running": 0, "uptime_s": 12.0}

    go(story())


def test_health_tells_strangers_only_that_it_is_up() -> None:
    async def story() -> None:
        async with house(about=CLOSED) as it:
            assert (await it.ask(get("/health"))).json == {"status": "ok"}
            assert (await it.ask(get("/health", KEY))).json["providers"] == ["demo"]

    go(story())


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-4", "/api/runs/r1"])
def test_where_keys_are_configured_the_lists_need_one(path: str) -> None:
    async def story() -> None:
        async with house(about=replace(CLOSED, run=lambda run: {"run": run})) as it:
            assert (await it.ask(get(path))).status == 401
            assert (await it.ask(get(path, KEY))).status == 200

    go(story())


@pytest.mark.parametrize(
    ("request_bytes", "from_elsewhere"),
    [
        (b"GET /api/config", 403),
        (b"GET /api/config/revisions", 403),
        (b"POST /api/config/reload", 403),
        (b"POST /api/config/rollback", 403),
        (b"POST /api/health/reset", 403),
        (b"GET /api/health", 400),
        (b"GET /api/models", 400),
        (b"POST /api/route", 400),
    ],
)
def test_without_client_keys_only_the_gateways_own_machine_looks_at_its_config_and_changes_it(
    request_bytes: bytes, from_elsewhere: int
) -> None:
    async def story() -> None:
        said = request_bytes + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
        proxied = b"X-Forwarded-For: 192.168.0.7\r\n"
        async with house() as it:
            here, elsewhere = await it.ask(said + b"\r\n"), await it.ask(said + proxied + b"\r\n")
        async with house(about=CLOSED) as it:
            with_a_key = await it.ask(said + proxied + KEY.encode() + b"\r\n\r\n")

        assert elsewhere.status == from_elsewhere
        assert here.status == with_a_key.status != 403

    go(story())


@pytest.mark.parametrize("body", [b"[]", b'{"headers": "\xff"}', b'{"headers":' + b"[" * 100_000 + b"]" * 100_000 + b"}"], ids=range(3))
def test_a_question_that_cannot_be_read_is_refused(body: bytes) -> None:
    async def story() -> None:
        async with house() as it:
            answer = await it.ask(post("/api/route", body))

            assert answer.status == 400
            assert answer.message.startswith("the body of `POST /api/route` is not as it must be: ")

    go(story())


def test_the_sums_of_a_run_are_told_and_unknown_runs_are_not_found() -> None:
    async def story() -> None:
        async with house(about=replace(ABOUT, run={"r1": {"turns": 3}}.get)) as it:
            assert (await it.ask(get("/api/runs/r1"))).json == {"turns": 3}
            assert (await it.ask(get("/api/runs/r2"))).message == "no run `r2` is remembered"

    go(story())


def test_the_front_page_says_where_to_point_a_client() -> None:
    async def story() -> None:
        async with house() as it:
            answer = await it.ask(get("/", host="localhost:8080"))

            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert b"http://localhost:8080/openai " in answer.body

    go(story())


def test_head_is_answered_without_a_body() -> None:
    async def story() -> None:
        async with house() as it:
            client = await it.client()
            await client.send(get("/", method="HEAD") + get("/health"))

            head = await client.answer(head_only=True)
            assert (head.status, head.headers["content-type"]) == (200, "text/plain; charset=utf-8")
            assert (await client.answer()).json["status"] == "ok"

    go(story())


def test_an_unknown_path_is_told_the_nearest_known_one() -> None:
    async def story() -> None:
        async with house() as it:
            answer = await it.ask(post("/openai/v1/chat/completion"))

            assert answer.status == 404
            assert answer.message == "there is no `POST /openai/v1/chat/completion` here; did you mean `/openai/v1/chat/completions`?"

    go(story())


def test_a_wrong_method_is_told_the_right_ones() -> None:
    async def story() -> None:
        async with house() as it:
            answer = await it.ask(get("/v1/responses"))

            assert (answer.status, answer.headers["allow"]) == (405, "POST")
            assert answer.message == "`/v1/responses` takes POST, not GET"
            assert (await it.ask(post("/v1/models/x"))).headers["allow"] == "GET, HEAD"

    go(story())


def test_a_websocket_upgrade_is_refused_with_426_and_the_connection_closed() -> None:
    async def story() -> None:
        async with house() as it:
            client = await it.client()
            answer = await client.ask(get("/openai/responses", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"))

            assert (answer.status, answer.headers["upgrade"]) == (426, "HTTP/1.1")
            assert answer.message == "the gateway does not speak WebSocket; send a POST to the same path"
            assert await client.is_closed()

    go(story())


def test_an_error_raised_by_a_handler_is_worded_in_the_dialect() -> None:
    async def full(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        raise GatewayError(Kind.OVERLOADED, "all of them are busy")

    async def story() -> None:
        async with house(full) as it:
            answer = await it.ask(post())

            assert (answer.status, answer.message) == (503, "all of them are busy")

    go(story())


def test_a_bug_becomes_an_internal_error_without_its_words() -> None:
    async def break_down(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        raise ValueError("the key is sk-secret")

    async def story() -> None:
        async with house(break_down) as it:
            answer = await it.ask(post())

            assert (answer.status, answer.message) == (500, "the gateway failed on this request; its log says why")

    go(story())


def test_a_bug_after_the_answer_began_cuts_it() -> None:
    async def break_down(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
        await outbound.start(200, ())
        await outbound.write(b"half")
        raise ValueError

    async def story() -> None:
        async with house(break_down) as it:
            client = await it.client()
            await client.send(post())

            assert (await client.answer(head_only=True)).status == 200
            assert await client.reader.read() == b"4\r\nhalf\r\n"

    go(story())


def test_running_exchanges_are_counted() -> None:
    seen: list[Answer] = []

    async def story() -> None:
        async def look(runtime: str, inbound: Inbound, outbound: Outgoing) -> None:
            seen.append(await it.ask(get("/health")))
            await echo(runtime, inbound, outbound)

        async with house(look) as it:
            await it.ask(post())
            seen.append(await it.ask(get("/health")))

    go(story())

    assert [answer.json["running"] for answer in seen] == [1, 0]


def test_one_exchange_too_many_is_told_to_come_back() -> None:
    async def story() -> None:
        held = Held()

        async with house(held.handle, max_running=1) as it:
            first = await it.client()
            await first.send(post())
            await held.began.wait()

            refused = await it.ask(post())
            assert refused.status == 503
            assert refused.message == "the gateway carries 1 exchanges already, its limit (`server.max_running`); try again in a moment"
            held.go_on.set()
            assert (await first.answer()).status == 200
            assert (await first.ask(post())).status == 200

    go(story())


def test_one_whose_body_came_slowly_finds_the_gateway_full_too() -> None:
    async def story() -> None:
        held = Held()

        async with house(held.handle, max_running=1) as it:
            slow, first = await it.client(), await it.client()
            await slow.send(post("/v1/responses", b"", "Expect: 100-continue").replace(b"Length: 0", b"Length: 13"))
            assert await slow.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            await first.send(post())
            await held.began.wait()

            refused = await slow.ask(BODY)

            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            held.go_on.set()
            assert (await first.answer()).status == 200

    go(story())
