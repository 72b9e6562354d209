"""Exchanges to be kept, as the gateway hands them to the journal: small ones, and those of agents whose conversations go on.

The agents are Codex by shape: developer messages, a user's, then turns of reasoning (encrypted), a call of a tool and what came of it;
the same tools behind it all each time, and `client_metadata` that is different in each request.
"""

from __future__ import annotations

import base64
import json
import random
import time
import uuid
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from dragoman.ir.record import Attempt, Bodies, Record
from dragoman.ir.usage import Usage
from dragoman.routing.decision import Decision
from dragoman.wire.frame import Headers
from dragoman.wire.splice import Outline

_WORDS = tuple((Path(__file__).parent.parent / "docs" / "routing.md").read_text().split())
_SMALL = 3900
_KINDS = 64
_TOOLS = 25
_COMMANDS = ("rg -n def src", "sed -n 1,200p src/main.py", "python -m pytest -q", "git diff --stat", "ls -la")


class Codex:
    """One conversation: `first` bytes at the beginning, `growth` more with each request. `dice`: what is said is drawn from it."""

    def __init__(self, dice: random.Random, first: int = 60_000, growth: int = 3_700) -> None:
        self._dice = dice
        self._growth = growth
        self.name = str(uuid.UUID(int=dice.getrandbits(128)))
        self._tools = [tool(dice, number) for number in range(_TOOLS)]
        self.tools = _json(self._tools)
        self.items = [_json(_message("developer", text(dice, size))) for size in (14_000, 3_000, 1_500)]
        self.items.append(_json(_message("user", text(dice, 2_000))))
        self.step = 0
        while sum(map(len, self.items)) + len(self.tools) + 1_000 < first:
            self.go_on()

    def go_on(self) -> None:
        """One more step: the model thought, called a tool, and here is what came of it."""
        self.step += 1
        dice, call = self._dice, f"call_{self._dice.getrandbits(96):024x}"
        sealed = base64.b64encode(dice.randbytes(800)).decode()
        command = json.dumps({"cmd": dice.choice(_COMMANDS), "workdir": f"/home/ada/project-{dice.randrange(9)}", "yield_time_ms": 1000})
        said = f"Exit code: 0\nWall time: 0.{dice.randrange(1000):03} seconds\nOutput:\n{text(dice, self._growth - 2_000)}"
        self.items += [
            _json({"type": "reasoning", "id": f"rs_{dice.getrandbits(64):x}", "summary": [], "content": None, "encrypted_content": sealed}),
            _json({"type": "function_call", "id": f"fc_{call}", "name": "exec_command", "arguments": command, "call_id": call}),
            _json({"type": "function_call_output", "call_id": call, "output": said}),
        ]
        if self.step % 8 == 0:
            self.items.append(_json(_message("user", text(dice, 200))))

    def compact(self) -> None:
        """What was said so far gives way to a summary, which is sealed."""
        summary = {"type": "compaction", "encrypted_content": base64.b64encode(self._dice.randbytes(6_000)).decode()}
        self.items = [*self.items[:4], _json(summary)]

    def change_tools(self) -> None:
        """A server of tools has come, or some went: those before and behind stay."""
        tools = [tool(self._dice, self.step * 100 + number) for number in range(3)]
        self._tools[5:8] = tools
        self.tools = _json(self._tools)

    def sub_agent(self, dice: random.Random) -> Codex:
        """An agent of the same session that begins with the same instructions and tools, and has something else to do."""
        made = Codex(dice, 0, self._growth)
        made.name, made.tools, made._tools = self.name, self.tools, list(self._tools)
        made.items = [*self.items[:3], _json(_message("user", text(dice, 2_000)))]
        return made

    def ask(self, model: str = "gpt-5.5") -> bytes:
        """The request of the moment."""
        turn = {"session_id": self.name, "thread_id": self.name, "turn_id": str(uuid.UUID(int=self._dice.getrandbits(128)))}
        metadata = {"x-codex-turn-metadata": json.dumps({**turn, "request_kind": "turn"}), "x-codex-window-id": f"{self.name}:{self.step}"}
        return (
            b'{"model":"%b","input":[%b],"tools":%b,"tool_choice":"auto","parallel_tool_calls":true,"reasoning":{"effort":"medium"},'
            b'"store":false,"stream":true,"include":["reasoning.encrypted_content"],"prompt_cache_key":"%b","text":{"verbosity":"low"},'
            b'"client_metadata":%b}'
        ) % (model.encode(), b",".join(self.items), self.tools, self.name.encode(), _json(metadata))

    def headers(self) -> Headers:
        """What comes with it."""
        turn = json.dumps({"session_id": self.name, "turn_id": str(uuid.UUID(int=self.step)), "request_kind": "turn"})
        return (
            ("host", "127.0.0.1:8080"), ("authorization", "Bearer dgm-of-ada-0123456789"), ("content-type", "application/json"),
            ("accept", "text/event-stream"), ("originator", "codex_exec"), ("version", "0.169.0"),
            ("user-agent", "codex_exec/0.169.0 (Debian 12.0.0; x86_64) unknown (codex_exec; 0.169.0)"), ("session-id", self.name),
            ("thread-id", self.name), ("x-client-request-id", self.name), ("x-codex-window-id", f"{self.name}:{self.step}"),
            ("x-codex-turn-metadata", turn), ("x-codex-beta-features", "remote_compaction_v2"),
        )  # fmt: skip

    def answer(self) -> list[bytes]:
        """The stream that answers: what the model says in pieces, and a call."""
        dice, call = self._dice, f"call_{self._dice.getrandbits(96):024x}"
        item = {"type": "function_call", "id": f"fc_{call}", "call_id": call, "name": "exec_command", "arguments": '{"cmd":"git status"}'}
        said = [{"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": f"{word} "} for word in _WORDS[:30]]
        events = [
            {"type": "response.created", "response": {"id": f"resp_{call}", "object": "response", "status": "in_progress"}},
            *said,
            {"type": "response.output_item.done", "output_index": 1, "item": item},
            {
                "type": "response.completed",
                "response": {
                    "id": f"resp_{call}",
                    "output": [_message("assistant", " ".join(_WORDS[: dice.randrange(20, 40)])), item],
                    "usage": {"input_tokens": 90_000, "output_tokens": 60, "total_tokens": 90_060},
                },
            },
        ]
        return [b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), _json(event)) for event in events]


class Load:
    """Makes records without end. `decision`: how each was routed. asked: of some, the digests of what the client and the provider were
    sent."""

    def __init__(self, decision: Decision | None = None, sessions: int = 30, turns: int = 200) -> None:
        self._dice = random.Random(1)
        self._decision = decision
        self._made = 0
        self._turns = turns
        self.asked: dict[str, tuple[bytes, bytes]] = {}
        self._small = [_json({"messages": [_message("user", text(self._dice, _SMALL))]}) for _ in range(_KINDS)]
        self._answers = [_json({"choices": [{"message": {"role": "assistant", "content": text(self._dice, 700)}}]}) for _ in range(_KINDS)]
        # Each is somewhere else in its life, so that they take the same memory at any time.
        self._sessions = [self._session(turns * number // sessions) for number in range(sessions)]

    def small(self) -> Record:
        """One of 4 KB."""
        number = self._next()
        body, answer = self._small[number % _KINDS], self._answers[number % _KINDS]
        record = self._record(number, "chat", body, len(answer))
        client = (
            ("host", "127.0.0.1:8080"), ("authorization", "Bearer dgm-of-ada-0123456789"), ("content-type", "application/json"),
            ("user-agent", "OpenAI/Python 3.54.0"), ("accept", "application/json"), ("x-stainless-lang", "python"),
        )  # fmt: skip
        record.bodies = _relayed(b'{"model":"fast","n":%d,%b' % (number, body[1:]), [answer])
        self._heads(record, client)
        return record

    def long(self) -> Record:
        """The next request of a session."""
        return next(self._sessions[self._dice.randrange(len(self._sessions))])

    def sent(self, body: bytes) -> bytes:
        """What a provider is sent: the name that the model has there, else all as it came."""
        return b'{"model":"gpt-5.5"%b' % body[len(b'{"model":"fast"') :]

    def _session(self, first: int) -> Iterator[Record]:
        while True:
            talk = Codex(self._dice)
            for _ in range(first):
                talk.go_on()
            for turn in range(first, self._turns):
                number = self._next()
                body, answer = talk.ask("fast"), talk.answer()
                record = self._record(number, "responses", body, sum(map(len, answer)))
                record.agent, record.agent_version, record.session, record.turn = "codex", "0.169.0", talk.name, f"turn-{turn // 8}"
                record.stream, record.stop_reason = True, "completed"
                record.bodies = _relayed(body, answer)
                self._heads(record, talk.headers())
                if number % 97 == 0:
                    self.asked[record.id] = digest(body), digest(self.sent(body))
                yield record
                talk.go_on()
            first = 0

    def _record(self, number: int, dialect: str, body: bytes, answer_bytes: int) -> Record:
        usage = Usage(1000 + number % 1000, 50, 800, None, 10, None, {"usage": {"service_tier": "default"}})
        tried = Attempt("openai", "gpt-5.5", 0.001, "main", 0.002, 0.01, 0.5, 200, usage=usage)
        return Record(
            id=f"ex_{number:032x}", began_at=time.time(), client="ada", team="red", user="ada@example.com", address="127.0.0.1",
            dialect=dialect, upstream_dialect=dialect, path="/responses", asked="fast", provider="openai", model="gpt-5.5",
            answered="gpt-5.5-2026-04-01", lane="relay", status=200, usage=usage, attempts=[tried], bytes_in=len(body),
            bytes_out=answer_bytes, first_token_s=0.1, total_s=0.5, own_s=0.0004, stop_reason="stop", decision=self._decision,
        )  # fmt: skip

    def _heads(self, record: Record, client: Headers) -> None:
        bodies = record.bodies
        assert bodies is not None
        told = (("content-type", "application/json"), ("date", "Sat, 21 Nov 2026 21:21:21 GMT"), ("x-request-id", f"req_{record.id[3:]}"))
        bodies.client_request_headers = client
        bodies.client_response_headers = (*told, ("x-dragoman-exchange", record.id), ("x-dragoman-provider", "openai"))
        bodies.provider_request_headers = (
            ("host", "api.openai.com"), ("authorization", "Bearer sk-proj-of-the-gateway-0123456789"), ("content-type", "application/json"),
            ("user-agent", "dragoman/0.1"), ("accept", "application/json"),
        )  # fmt: skip
        bodies.provider_response_headers = (
            *told, ("openai-processing-ms", "480"), ("openai-version", "2020-10-01"), ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6ms"), ("strict-transport-security", "max-age=31536000"), ("cf-ray", f"{record.id[-16:]}-FRA"),
        )  # fmt: skip

    def _next(self) -> int:
        self._made += 1
        return self._made


def _relayed(body: bytes, answer: list[bytes]) -> Bodies:
    """As the gateway holds them: what it found in the body, and how it was changed on its way."""
    outline = Outline(body)
    place = outline.place("model")
    assert place is not None
    return Bodies("redacted", body, answer, splice=(*place, b'"gpt-5.5"'), outline=outline)


def digest(body: bytes) -> bytes:
    """By which a body is known again."""
    return blake2b(body, digest_size=16).digest()


def text(dice: random.Random, size: int) -> str:
    """So many letters of prose and code."""
    return " ".join(dice.choices(_WORDS, k=size // 5))[:size]


def tool(dice: random.Random, number: int) -> dict[str, object]:
    """One that an agent offers."""
    properties = {name: {"type": "string", "description": text(dice, 90)} for name in ("cmd", "workdir", "justification")}
    schema = {"type": "object", "properties": properties, "required": ["cmd"], "additionalProperties": False}
    return {"type": "function", "name": f"tool_{number}", "description": text(dice, 400), "strict": False, "parameters": schema}


def _message(role: str, said: str) -> dict[str, object]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": said}]}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
