"""The error table as values: what goes wrong with a provider, over which of them, and what Codex's user must read of it."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import msgspec

Body = dict[str, Any]

EVERY = ("relay", "responses", "chat", "messages", "generate")
"""The providers: OpenAI's API relayed, the same translated, and the other three dialects."""
OPENAI = ("relay", "responses")
TWO = ("relay", "responses", "chat")
WORDS = "one two three four five six seven eight nine ten"


class Own(msgspec.Struct, frozen=True):
    """A fault of the gateway's own. name: the model asked for. gateway: which of the bench's. key: the client's key."""

    name: str
    what: str
    says: tuple[str, ...]
    gateway: str = "open"
    key: str = "a-client-key"
    requests: int = 1


class Sdk(msgspec.Struct, frozen=True):
    """A fault as the official SDK of OpenAI tells it: the row of that name, asked for whole or as a stream. more: as in Row. late: its
    last request may come so late that the gateway asks once more; how soon the SDK sends it is chance."""

    name: str
    stream: bool = False
    what: str = ""
    more: str = ""
    late: bool = False


class Known(msgspec.Struct, frozen=True):
    """What is known of the raw provider from an earlier measurement, where a run would take too long or never ends."""

    requests: str
    shown: str


class Row(msgspec.Struct, frozen=True):
    """One fault.

    name: the model that has it. rule: what the simulator does. says: what Codex's user must read, `{provider}` being its name. fatal:
    asking again cannot help. patience_s: how long the raw run may last from its first request on; `settings` are Codex's for it. more: why
    ours may take more requests than the raw provider.
    """

    name: str
    what: str
    rule: Body
    says: tuple[str, ...]
    over: tuple[str, ...] = OPENAI
    fatal: bool = True
    known: Known | None = None
    patience_s: float = 720.0
    settings: str = ""
    more: str = ""


def error(name: str, **more: Any) -> Body:
    return {"fault": {"error": name, **more}}


def status(code: int, body: Any = None, **headers: str) -> Body:
    fault: Body = {"status": code, "headers": {name.replace("_", "-"): value for name, value in headers.items()}}
    return {"fault": fault if body is None else {**fault, "body": body}}


def told(message: str, code: str | None = None, category: str = "invalid_request_error", **more: Any) -> Body:
    return {"error": {"message": message, "type": category, "param": None, "code": code, **more}}


def in_stream(code: str, message: str = "") -> Body:
    return spoken({"in_stream": code, **({"in_stream_message": message} if message else {})})


def spoken(fault: Body, **more: Any) -> Body:
    return {"reply": [{"text": WORDS}], "fault": fault, **more}


def later(fault: Body, **more: Any) -> Body:
    """The same a while after the words: they have reached the client when it happens, even where the machine stood still for a moment."""
    return spoken({**fault, "stall": {"at": {"before_end": True}, "for_s": 3.0}}, **more)


def slowly(code: str, message: str = "") -> Body:
    return later(in_stream(code, message)["fault"])


def spelled(*frames: Body, done: str = "") -> Body:
    """A stream, frame by frame."""
    body = "".join(f"data: {json.dumps(frame, separators=(',', ':'))}\n\n" for frame in frames) + done
    return {"fault": {"status": 200, "body": body, "content_type": "text/event-stream"}}


REFUSAL = {"type": "refusal", "refusal": "I will not help with that."}
REFUSING = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [REFUSAL]}
RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": []}
PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
REFUSED = spelled(
    {"type": "response.created", "sequence_number": 0, "response": {**RESPONSE, "status": "in_progress"}},
    {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": {**REFUSING, "content": []}},
    {"type": "response.content_part.added", "sequence_number": 2, **PLACE, "part": {"type": "refusal", "refusal": ""}},
    {"type": "response.refusal.delta", "sequence_number": 3, **PLACE, "delta": REFUSAL["refusal"]},
    {"type": "response.refusal.done", "sequence_number": 4, **PLACE, "refusal": REFUSAL["refusal"]},
    {"type": "response.content_part.done", "sequence_number": 5, **PLACE, "part": REFUSAL},
    {"type": "response.output_item.done", "sequence_number": 6, "output_index": 0, "item": REFUSING},
    {"type": "response.completed", "sequence_number": 7, "response": {**RESPONSE, "status": "completed", "output": [REFUSING]}},
)
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
REFUSED_CHAT = spelled(
    {**CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant", "refusal": REFUSAL["refusal"]}, "finish_reason": None}]},
    {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    done="data: [DONE]\n\n",
)
HTML = "<html><head><title>Hotel Wi-Fi</title></head><body>Please log in.</body></html>"
_FAR = int(time.time()) + 10_700
"""Nearly three hours from when this is read, and more than two of them from whenever it is asked for on a slow machine: told as 3 h."""
LATER = formatdate(_FAR, usegmt=True)
ROWS: tuple[Row, ...] = (
    # ---- refused for good --------------------------------------------------------------------------------------------------
    Row("invalid-key", "key refused", error("invalid_key"), ("`{provider}`", "refused the key", "providers.{provider}.keys"), EVERY),
    Row("no-permission", "403", error("permission"), ("`{provider}`", "ermission"), EVERY),
    Row("region", "403, country not supported", error("region"), ("`{provider}`", "not supported"), EVERY),
    Row("no-model", "model unknown", error("model_not_found"), ("`{provider}`", "no-model"), EVERY),
    Row("no-model-403", "403, code `model_not_found`", status(403, told("No access.", "model_not_found")), ("`{provider}`", "No access.")),
    Row("long", "context overflow", error("context_length"), ("ran out of room",), EVERY),
    Row("quota", "quota spent", error("quota"), ("`{provider}`", "quota"), TWO),
    Row("credit", "credit spent (Anthropic's 400)", error("quota"), ("`{provider}`", "credit balance"), ("messages",)),
    Row(
        "usage-limit",
        "429, type `usage_limit_reached`",
        status(429, told("The usage limit has been reached", None, "usage_limit_reached", resets_at=_FAR)),
        ("`{provider}`", "usage limit"),
    ),
    Row("payment", "402", error("payment_required"), ("`{provider}`", "redit"), TWO),
    Row("invalid-prompt", "400, code `invalid_prompt`", error("invalid_prompt"), ("`{provider}`", "usage policy")),
    Row("bad-request", "400, another code", error("invalid_request"), ("`{provider}`", "Invalid value"), TWO),
    Row("bad-request-own", "400", error("invalid_request"), ("`{provider}`",), ("messages", "generate")),
    Row(
        "bad-request-text",
        "400, not JSON",
        {"fault": {"status": 400, "body": "Bad things happened.", "content_type": "text/plain"}},
        ("`{provider}`", "HTTP 400", "Bad things happened."),
        EVERY,
    ),
    Row("not-found-html", "404, a web page", status(404, HTML), ("`{provider}`", "web page", "base_url"), EVERY),
    Row("too-large", "413", error("too_large"), ("`{provider}`", "413"), TWO),
    Row("unprocessable", "422", error("mistral_validation"), ("`{provider}`", "Extra inputs"), TWO),
    Row("policy", "content policy, 400", error("content_policy"), ("`{provider}`", "safety system"), TWO),
    # ---- limits ------------------------------------------------------------------------------------------------------------
    Row("limit-2", "rate limit, 2 s", error("rate_limit"), ("`{provider}`", "ate limit"), ("relay", "chat", "messages"), fatal=False),
    Row("limit-info", "rate limit, Gemini's RetryInfo of 2 s", error("rate_limit"), ("`{provider}`", "quota"), ("generate",), fatal=False),
    Row(
        "limit",
        "rate limit without Retry-After",
        error("openrouter_rate_limit"),
        ("`{provider}`", "rate-limited"),
        TWO,
        fatal=False,
        more="alone, Codex gives the turn up at once and tells nothing of why. Limits without a time are mostly those of a busy minute: "
        "the gateway waits twice as long each time, over a minute in all, and the turn goes on; what was refused is not billed",
    ),
    Row(
        "limit-40",
        "rate limit, 40 s",
        error("rate_limit", headers={"Retry-After": "40", "retry-after-ms": "40000"}),
        ("`{provider}`", "ask again in 40 s"),
        ("relay", "chat", "messages"),
        fatal=True,
        known=Known("6", "nothing for 200 s, then `exceeded retry limit, last status: 429 Too Many Requests`"),
    ),
    Row(
        "limit-hour",
        "rate limit, an hour",
        error("rate_limit", headers={"Retry-After": "3600", "retry-after-ms": "3600000"}),
        ("`{provider}`", "ask again in 60 min"),
        ("relay", "chat", "messages"),
        known=Known("6 in 5 h", "nothing, for hours"),
    ),
    Row(
        "limit-date",
        "rate limit, an HTTP date in 3 hours",
        error("rate_limit", headers={"Retry-After": LATER, "retry-after-ms": ""}),
        ("`{provider}`", "ask again in 3 h"),
        ("relay", "chat", "messages"),
        known=Known("6 in 5 h", "nothing, for hours"),
    ),
    Row("limit-passes", "rate limit, twice, then an answer", {"times": 2, **error("rate_limit")}, ("fine again",), TWO, fatal=False),
    # ---- the provider fails ------------------------------------------------------------------------------------------------
    Row("error-500", "500", error("server_error"), ("`{provider}`", "500"), EVERY, fatal=False),
    Row("error-502", "502, a web page", error("bad_gateway"), ("`{provider}`", "502"), EVERY, fatal=False),
    Row("error-504", "504", error("gateway_timeout"), ("`{provider}`", "504"), ("relay", "messages", "generate"), fatal=False),
    Row("error-529", "529", error("overloaded_529"), ("`{provider}`", "529", "verloaded"), ("relay", "messages"), fatal=False),
    Row(
        "busy",
        "overloaded",
        error("overloaded"),
        ("`{provider}`", "verloaded"),
        EVERY,
        fatal=False,
        more="six in 8 s instead of five in 4 s: twice the patience for one more request that costs nothing, and the sentence says who is "
        "overloaded",
    ),
    Row(
        "busy-2",
        "503, Retry-After 2",
        status(503, told("Back soon.", None, "server_error"), Retry_After="2"),
        ("`{provider}`", "Back soon."),
        OPENAI,
        fatal=False,
    ),
    # ---- the stream fails --------------------------------------------------------------------------------------------------
    Row(
        "cut-head",
        "no answer, connection closed",
        {"fault": {"cut": {"at": "head"}}},
        ("`{provider}`", "closed the connection"),
        EVERY,
        fatal=False,
    ),
    Row("cut", "stream cut", later({"cut": {"at": {"before_end": True}}}), ("`{provider}`", "closed the connection"), EVERY, fatal=False),
    Row(
        "cut-end",
        "stream ends without its end",
        later({"cut": {"at": {"before_end": True}, "how": "end"}}),
        ("`{provider}`", "stream disconnected"),
        EVERY,
        fatal=False,
    ),
    Row(
        "stall-head",
        "no answer, connection open",
        {"fault": {"stall": {"at": "head"}}},
        ("`{provider}`", "s"),
        EVERY,
        fatal=False,
        patience_s=20,
    ),
    Row(
        "stall",
        "stream stalls",
        spoken({"stall": {"at": {"before_end": True}}}),
        ("`{provider}`", "s"),
        EVERY,
        fatal=False,
        settings="stream_idle_timeout_ms = 2000\n",
    ),
    Row("page", "200, a web page", {"fault": {"status": 200, "body": HTML}}, ("`{provider}`", "text/html", "base_url"), EVERY, fatal=False),
    Row(
        "garbage",
        "200, garbage",
        spoken({"insert": [{"noise_bytes": 400}], "cut": {"at": {"bytes": 400}, "how": "end"}}),
        ("`{provider}`",),
        EVERY,
        fatal=False,
    ),
    Row("stream-error", "error event `server_error`", in_stream("server_error"), ("`{provider}`", "had an error"), EVERY, fatal=False),
    Row("late-error", "the same, after some words", slowly("server_error"), ("`{provider}`", "had an error"), EVERY, fatal=False),
    Row("late-policy", "content policy, after some words", slowly("content_filter", "Not that."), ("`{provider}`", "Not that."), TWO),
    Row(
        "stream-limit",
        "error in the stream: rate limit",
        in_stream("rate_limit_exceeded", "Too fast. Please try again in 1.5s."),
        ("`{provider}`", "Too fast"),
        TWO,
        fatal=False,
    ),
    Row(
        "stream-long", "error in the stream: context overflow", in_stream("context_length_exceeded", "Too long."), ("ran out of room",), TWO
    ),
    Row("stream-quota", "error in the stream: quota", in_stream("insufficient_quota", "Spent."), ("`{provider}`", "Spent."), TWO),
    Row(
        "stream-policy", "error in the stream: content policy", in_stream("content_filter", "Not that."), ("`{provider}`", "Not that."), TWO
    ),
    # ---- the answer ends otherwise -----------------------------------------------------------------------------------------
    Row("filtered", "content filter, after some words", spoken({}, finish="content_filter"), ("`{provider}`",), EVERY),
    Row(
        "filtered-late",
        "content filter, after some words, slowly",
        later({}, finish="content_filter"),
        ("`{provider}`",),
        EVERY,
    ),
    Row("refused", "the model refuses in words of its own", REFUSED, ("I will not help with that.",)),
    Row(
        "refused-chat",
        "the same",
        REFUSED_CHAT,
        ("I will not help with that.",),
        ("chat",),
        known=Known("–", "– (Codex speaks no Chat Completions)"),
    ),
    Row("declined", "refusal, without a word", {"reply": [], "finish": "refusal"}, ("`{provider}`",), EVERY),
    Row("length", "token limit", spoken({}, finish="length"), ("max_output_tokens",), EVERY),
)

OWN: tuple[Own, ...] = (
    Own("nobody/gpt-5.5", "model that the config does not have", ("`nobody/gpt-5.5`", "`models:`"), "guarded"),
    Own("gone/gpt-4", "provider that refuses the connection", ("`gone`", "`127.0.0.1:9` refused the connection"), requests=6),
    Own("nowhere/gpt-4", "provider whose name is not known", ("`nowhere`", "nowhere.invalid"), requests=6),
    Own("responses/words", "client key unknown", ("key",), "guarded", "another-key"),
    Own("responses/words", "body larger than `server.limits.body_bytes`", ("larger than", "body_bytes"), "small"),
)
SDK: tuple[Sdk, ...] = (
    *(Sdk(name) for name in ("invalid-key", "no-permission", "no-model", "long", "quota", "bad-request", "too-large", "policy")),
    Sdk("limit-2"),
    Sdk("limit", late=True),
    *(Sdk(name) for name in ("error-500", "error-502", "busy", "cut-head", "stall-head")),
    Sdk(
        "page",
        what="200, a web page, with the SDK",
        more="alone, the SDK takes the page for an answer and the program goes on with it. Such a page comes from what stands "
        "before a provider (a proxy in maintenance, a network that wants a login); it is asked again as after a 502",
    ),
    *(Sdk(name, stream=True) for name in ("cut", "cut-end", "stall", "late-error", "filtered", "length")),
)
