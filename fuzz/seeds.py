"""Where the fuzzer starts: inputs made by ourselves, of every shape that a target is meant to read."""

from __future__ import annotations

import asyncio
import json
from urllib.request import Request, urlopen

from dragoman.simulator.app import serve
from dragoman.simulator.script import read_script

_SCRIPT = read_script(
    "rules: [{reply: [{reasoning: Think.}, {text: 'Hello «far» side.'}, {call: {name: look, arguments: {at: [1, null]}}}]}]"
)
_SAID = {"role": "user", "content": "hi"}
_ASKED = {
    "responses": ("/v1/responses", {"model": "gpt-5.5", "input": [_SAID]}),
    "chat": ("/v1/chat/completions", {"model": "gpt-4", "messages": [_SAID]}),
    "messages": ("/v1/messages", {"model": "claude-opus-5-5", "max_tokens": 99, "messages": [_SAID]}),
}
_CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
_PLAIN = {
    "sse": [b"\x03data: {}\n\n", b"\x01event: a\r\ndata: b\r\ndata: c\r\n\r\n: x\n\n", b"\x02\xef\xbb\xbfdata:x\r\rid: 1\rdata\n\n"],
    "jsonarray": [b'\x02[{"a":"}\\""},\r\n{"b":[1,{}]}]', b'\x01{"a":{}}', b"\x05[1,{}]"],
    "splice": [b'{"model":"a","x":[1,{"model":2}]}', b' { "mod\\u0065l" : "a\\"b" , "gone":1}', b'{"gone":1,"gone2":{"gone":[]}}', b"{}"],
    "answer": [
        b"\x05HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"\x02HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n0\r\nt: u\r\n\r\n",
        b"\x09HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200\r\nkeep-alive: timeout=5\r\n\r\nrest",
    ],
}


def seeds(target: str) -> list[bytes]:
    """The first inputs of a target."""
    kind, _, dialect = target.partition("-")
    return _PLAIN[target] if target in _PLAIN else asyncio.run(_said(dialect, is_stream=kind == "read"))


async def _said(dialect: str, *, is_stream: bool) -> list[bytes]:
    """What the simulated provider says in a dialect."""
    if dialect == "generate":
        method = "streamGenerateContent?alt=sse" if is_stream else "generateContent"
        path, body = f"/v1beta/models/gemini-3.7-flash:{method}", _CONTENTS
    else:
        path, body = _ASKED[dialect]
        body = {**body, "stream": is_stream}
    async with serve(_SCRIPT) as address:
        return [await asyncio.to_thread(_ask, f"{address}{path}", json.dumps(body).encode())]


def _ask(url: str, body: bytes) -> bytes:
    with urlopen(
        Request(url, body, {"content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "k"}), timeout=20
    ) as answer:
        return answer.read()
