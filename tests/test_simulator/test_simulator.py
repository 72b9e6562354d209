"""The simulator over real connections: routes, keys, records, keep-alive; and scripts and the command line."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from click.testing import CliRunner
from desk import ask, fast, perform

from dragoman.cli.simulate import simulate
from dragoman.simulator.app import Simulator, serve
from dragoman.simulator.listener import Asked
from dragoman.simulator.script import Script, ScriptError, default_script, read_script

HELLO = {"model": "m", "messages": [{"role": "user", "content": "say hello"}]}


async def converse(simulator: Simulator, *requests: bytes) -> list[tuple[int, Any]]:
    """Send requests over one connection, each after the answer before it; gives statuses and JSON bodies."""
    heard: list[tuple[int, Any]] = []
    async with serve(simulator=simulator) as address:
        host, port = address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for request in requests:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            size = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length"))
            body = await reader.readexactly(size)
            heard.append((int(head.split()[1]), json.loads(body) if body else None))
        writer.close()
    return heard


def get(path: str, **headers: str) -> bytes:
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nhost: x\r\n{fields}\r\n".encode()


def post(path: str, body: Any, **headers: str) -> bytes:
    raw = json.dumps(body).encode()
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nhost: x\r\n{fields}content-length: {len(raw)}\r\n\r\n".encode() + raw


@pytest.mark.parametrize("prefix", ["", "/v1", "/openai/v1"])
def test_paths_with_and_without_prefix(prefix: str) -> None:
    requests = [
        post(f"{prefix}/chat/completions", HELLO),
        post(f"{prefix}/responses", {"model": "m", "input": "hi"}),
        get(f"{prefix}/models"),
    ]

    answers = asyncio.run(converse(fast(), *requests))

    assert [status for status, _ in answers] == [200, 200, 200]
    assert [body["object"] for _, body in answers] == ["chat.completion", "response", "list"]


def test_chunked_request_body_is_read() -> None:
    raw = json.dumps(HELLO).encode()
    request = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    request += b"5\r\n" + raw[:5] + b"\r\n%x\r\n" % (len(raw) - 5) + raw[5:] + b"\r\n0\r\n\r\n"

    assert asyncio.run(converse(fast(), request))[0][0] == 200


def test_unknown_path_is_refused_as_openai_does() -> None:
    answers = asyncio.run(converse(fast(), get("/v1/nothing")))

    assert answers == [
        (404, {"error": {"message": "Invalid URL (GET /v1/nothing)", "type": "invalid_request_error", "param": None, "code": None}})
    ]


def test_dialect_that_is_not_spoken_is_not_found() -> None:
    assert asyncio.run(converse(fast(dialects=("chat",)), post("/v1/responses", {"model": "m", "input": "hi"})))[0][0] == 404


def test_websocket_is_turned_down() -> None:
    assert asyncio.run(converse(fast(), get("/v1/responses", upgrade="websocket")))[0][0] == 426


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": "Bearer sk-right"}, 200, None),
        ({"authorization": "Bearer sk-wrong"}, 401, "invalid_api_key"),
        ({"api-key": "sk-right"}, 200, None),
        ({}, 401, None),
    ],
)
def test_required_key(headers: dict[str, str], status: int, code: str | None) -> None:
    simulator = fast(key="sk-right")

    assert perform(simulator, "chat", HELLO, **headers).status == status
    assert ask(simulator, "chat", HELLO, **headers).get("error", {}).get("code") == code


def test_refused_key_is_not_repeated_in_full() -> None:
    assert "sk-1234567890abcdefghij" not in str(ask(fast(key="k"), "chat", HELLO, authorization="Bearer sk-1234567890abcdefghij"))


def test_only_listed_models_are_answered_where_the_script_says_so() -> None:
    simulator = fast(Script(models=("a",), only_listed=True))

    assert perform(simulator, "chat", {**HELLO, "model": "b"}).status == 404
    assert perform(simulator, "responses", {"model": "b", "input": "hi"}).status == 400
    assert perform(simulator, "chat", {**HELLO, "model": "a"}).status == 200


def test_requests_and_stats_are_kept() -> None:
    simulator = fast(read_script("rules: [{name: first, match: {user: hello}, reply: [{text: hi}]}]"))
    requests = [post("/v1/chat/completions?a=b", HELLO, authorization="Bearer k"), get("/_simulator/requests"), get("/_simulator/stats")]

    _, (_, kept), (_, stats) = asyncio.run(converse(simulator, *requests))

    record = kept[0]
    assert (record["path"], record["query"], record["headers"]["authorization"], record["body"]) == (
        "/v1/chat/completions",
        "a=b",
        "Bearer k",
        HELLO,
    )
    assert (record["rule"], record["kind"], record["user"], record["done"]) == ("first", "turn", "say hello", True)
    assert (stats["requests"], stats["streams"], stats["aborted"], stats["violations"]) == (1, 0, 0, [])


def test_records_are_bounded() -> None:
    simulator = fast()

    for _ in range(300):
        perform(simulator, "chat", HELLO)

    assert (len(simulator.records.requests()), simulator.records.stats()["requests"]) == (200, 300)


def test_garbage_instead_of_http_closes_the_connection() -> None:
    async def shout() -> bytes:
        async with serve(simulator=fast()) as address:
            host, port = address.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"what is this\r\n\r\n")
            try:
                return await reader.read()
            except ConnectionResetError:
                return b""
            finally:
                writer.close()

    assert asyncio.run(shout()) == b""


def test_closing_the_server_ends_what_still_runs() -> None:
    simulator = fast(read_script("rules: [{fault: {stall: {at: head}}}]"))

    async def hang() -> bytes:
        async with serve(simulator=simulator) as address:
            host, port = address.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(post("/v1/chat/completions", HELLO))
            while not simulator.records.last:
                await asyncio.sleep(0)
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    assert asyncio.run(asyncio.wait_for(hang(), 120)) == b""


def test_rules_match_on_what_they_say() -> None:
    simulator = fast(
        read_script("""
rules:
  - {match: {dialect: responses}, reply: [{text: dialect}]}
  - {match: {model: "x-*"}, reply: [{text: model}]}
  - {match: {user_matches: "^ab+c$"}, reply: [{text: regex}]}
  - {match: {headers: {X-Who: "ad*"}}, reply: [{text: "header {{headers.x-who}}"}]}
  - {match: {system: be brief}, reply: [{text: system}]}
  - {match: {round: 1, result: sunny}, reply: [{text: "result {{result}} of {{turn}}"}]}
  - {match: {turn: 2}, reply: [{text: turn}]}
  - {match: {stream: true}, reply: [{text: stream}]}
  - {match: {tool: "f*"}, reply: [{call: {name: foo}}]}
  - {reply: [{text: "none: {{user}} {{unknown}}"}]}
""")
    )
    user = {"role": "user", "content": "hi"}
    call = {"id": "c", "type": "function", "function": {"name": "foo", "arguments": "{}"}}
    called = [user, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": "sunny"}]

    def said(messages: list[Any], headers: dict[str, str] | None = None, **options: Any) -> str:
        body = {"model": "m", "messages": messages, **options}
        message = ask(simulator, "chat", body, **(headers or {}))["choices"][0]["message"]
        return message["content"] or message["tool_calls"][0]["function"]["arguments"]

    assert ask(simulator, "responses", {"model": "m", "input": "hi"})["output"][0]["content"][0]["text"] == "dialect"
    assert said([user], model="x-1") == "model"
    assert said([{"role": "user", "content": "abbc"}]) == "regex"
    assert said([user], {"x-who": "ada"}) == "header ada"
    assert said([{"role": "system", "content": "please be brief"}, user]) == "system"
    assert said([user, {"role": "assistant", "content": "a"}, user]) == "turn"
    assert said(called) == "result sunny of 2"
    assert said([*called[:2], {**called[2], "content": "rain"}]) == "turn"
    assert said([user], tools=[{"type": "function", "function": {"name": "foo"}}]) == "{}"
    assert said([user]) == "none: hi {{unknown}}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules: [{fault: {stat: 500}}]", "`stat` - at `$.rules[0].fault`"),
        ("rules: [{match: {turn: two}}]", "at `$.rules[0].match.turn`"),
        ("rules: [{reply: [{text: a, commentary: b}]}]", "exactly one of"),
        ("rules: [{fault: {error: no_such}}]", "no_such"),
        ("rules: [{match: {user_matches: '('}}]", "user_matches"),
        ("rules: [{", "is not YAML"),
        ("[]", "begin it with `rules:`"),
        ("just words", "begin it with `rules:`"),
    ],
)
def test_wrong_script_is_refused_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ScriptError) as caught:
        read_script(text)

    assert told in str(caught.value)


def test_printed_default_script_is_the_default_script() -> None:
    printed = CliRunner().invoke(simulate, ["--print-default-script"])

    assert (printed.exit_code, read_script(printed.output)) == (0, default_script())


def test_errors_are_listed() -> None:
    assert "rate_limit                  429" in CliRunner().invoke(simulate, ["--list-errors"]).output


def test_missing_script_is_told() -> None:
    ran = CliRunner().invoke(simulate, ["--script", "nowhere.yaml"])

    assert (ran.exit_code, "script `nowhere.yaml` cannot be read" in ran.output) == (1, True)


def test_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = CliRunner().invoke(simulate, ["--port", str(taken.getsockname()[1])])

    assert (ran.exit_code, "Address already in use; choose another with --host and --port" in ran.output) == (1, True)


def test_own_request_is_no_record() -> None:
    simulator = fast()

    asyncio.run(simulator.answer(Asked("GET", "/_simulator/stats", "", {}, b"")))

    assert simulator.records.stats()["requests"] == 0
