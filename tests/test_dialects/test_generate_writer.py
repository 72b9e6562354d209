"""What clients of the dialect `generate` get: chunks, whole replies, signs of life, errors, and the tap that watches relayed ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.dialects.contract import Quirks
from dragoman.dialects.generate import DIALECT
from dragoman.ir import events as ev
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.fold import Fold
from dragoman.ir.usage import Usage

REQUEST = ir.Request("gemini-x", ())
PROOF = ir.Proof("generate", "YQ==", "thought_signature")
EVENTS: list[ev.Event] = [
    ev.Started("r1", "gemini-y"),
    ev.ReasoningStarted(0),
    ev.ReasoningDelta(0, "hm", True),
    ev.PartEnded(0),
    ev.TextStarted(1),
    ev.TextDelta(1, 'Hi "you"'),
    ev.PartEnded(1),
    ev.CallStarted(2, "c1", "look"),
    ev.CallDelta(2, '{"a":'),
    ev.CallDelta(2, "1}"),
    ev.PartEnded(2, proof=PROOF),
    ev.UsageReported(Usage(13, 12, cache_read_tokens=4, reasoning_tokens=7, total_tokens=25)),
    ev.Finished("tool_calls"),
    ev.Ended(),
]
COUNTS = {"promptTokenCount": 13, "candidatesTokenCount": 5, "cachedContentTokenCount": 4, "thoughtsTokenCount": 7, "totalTokenCount": 25}
PARTS: list[Any] = [
    {"text": "hm", "thought": True},
    {"text": 'Hi "you"'},
    {"functionCall": {"name": "look", "args": {"a": 1}, "id": "c1"}, "thoughtSignature": "YQ=="},
]


def stream(events: list[ev.Event]) -> bytes:
    writer = DIALECT.writer(REQUEST)
    return b"".join(writer.feed(event) for event in events) + writer.close()


def chunks(data: bytes) -> list[Any]:
    return [json.loads(frame.data) for frame in DIALECT.framer().feed(data)]


def test_every_part_is_a_chunk_and_the_last_one_tells_the_rest() -> None:
    written = chunks(stream(EVENTS))

    head = {"modelVersion": "gemini-y", "responseId": "r1"}
    assert written == [
        *({"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}], **head} for part in PARTS),
        {"candidates": [{"content": {"parts": [], "role": "model"}, "finishReason": "STOP", "index": 0}], "usageMetadata": COUNTS, **head},
    ]


def test_a_whole_reply_says_the_same() -> None:
    fold = Fold()
    for event in EVENTS:
        fold.feed(event)

    assert json.loads(DIALECT.write_response(fold.response(), REQUEST)) == {
        "candidates": [{"content": {"parts": PARTS, "role": "model"}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": COUNTS,
        "modelVersion": "gemini-y",
        "responseId": "r1",
    }


def test_what_a_provider_of_the_same_dialect_said_is_written_again() -> None:
    body: dict[str, Any] = {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "YQ=="},
                        {"text": "so", "thoughtSignature": "Yg=="},
                        {"functionCall": {"name": "f", "args": {}}},
                        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
                        {"new": 1},
                    ],
                    "role": "model",
                },
                "finishReason": "SAFETY",
                "finishMessage": "why",
                "index": 0,
                "safetyRatings": [{"category": "X"}],
                "groundingMetadata": {"webSearchQueries": ["q"]},
            }
        ],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4, "serviceTier": "standard"},
        "modelVersion": "gemini-y",
        "responseId": "r1",
        "createTime": "2026-01-01T00:00:00Z",
        "modelStatus": {"stage": "STABLE"},
    }
    fold = Fold()
    for event in DIALECT.read_response(json.dumps(body).encode(), Quirks()):
        fold.feed(event)

    assert json.loads(DIALECT.write_response(fold.response(), REQUEST)) == body


def test_a_stream_that_was_cut_ends_in_an_error() -> None:
    written = chunks(stream(EVENTS[:6]))

    assert written[-1]["error"]["code"] == 502


def test_exactly_one_end_is_written() -> None:
    failed = ev.Failed(GatewayError(Kind.OVERLOADED, "busy"))

    assert stream([*EVENTS, failed, ev.Ended()]) == stream(EVENTS)


def test_a_sign_of_life_is_a_chunk_that_says_nothing() -> None:
    writer = DIALECT.writer(REQUEST)

    silence = {"candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}, "index": 0}]}
    assert chunks(writer.ping()) == [{**silence, "modelVersion": REQUEST.model, "responseId": ""}]
    assert chunks(DIALECT.keep_alive) == [silence]


# ---- errors --------------------------------------------------------------------------------------------------------------


def body(code: int, status: str, message: str, *details: Any) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "status": status, "details": list(details)}}).encode()


INFO = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12.5s"}
DAY = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}


@pytest.mark.parametrize(
    ("status", "answer", "kind", "wait"),
    [
        (400, body(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", INFO), Kind.PROVIDER_KEY, None),
        (
            400,
            body(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."),
            Kind.CONTEXT_OVERFLOW,
            None,
        ),
        (400, body(400, "INVALID_ARGUMENT", "Please use a valid role: user, model."), Kind.INVALID_REQUEST, None),
        (403, body(403, "PERMISSION_DENIED", "no"), Kind.PROVIDER_PERMISSION, None),
        (404, body(404, "NOT_FOUND", "models/g is not found for API version v1beta"), Kind.MODEL_NOT_FOUND, None),
        (404, body(404, "NOT_FOUND", "Cached content not found"), Kind.NOT_FOUND, None),
        (429, body(429, "RESOURCE_EXHAUSTED", "slow", RETRY), Kind.RATE_LIMITED, 12.5),
        (429, body(429, "RESOURCE_EXHAUSTED", "Please retry in 1m3.5s."), Kind.RATE_LIMITED, 63.5),
        (429, body(429, "RESOURCE_EXHAUSTED", "day", DAY, RETRY), Kind.QUOTA, None),
        (503, body(503, "UNAVAILABLE", "The model is overloaded."), Kind.OVERLOADED, None),
        (504, body(504, "DEADLINE_EXCEEDED", "late"), Kind.TIMEOUT, None),
        (500, b"[" + body(500, "INTERNAL", "oops") + b"]", Kind.SERVER_ERROR, None),
        (502, b"<html><title>Bad Gateway</title></html>", Kind.SERVER_ERROR, None),
        (400, b"", Kind.INVALID_REQUEST, None),
        (401, b'{"error": "unauthorized"}', Kind.PROVIDER_KEY, None),
    ],
)
def test_errors_are_read_by_their_meaning(status: int, answer: bytes, kind: Kind, wait: float | None) -> None:
    error = DIALECT.read_error(status, (), answer)

    assert (error.kind, error.retry_after_s, error.status, error.source) == (kind, wait, status, "upstream")


def test_a_key_in_a_message_is_not_told() -> None:
    error = DIALECT.read_error(400, (), body(400, "INVALID_ARGUMENT", "bad AIzaSyA1234567890 at https://x/y?key=secret&alt=sse"))

    assert error.message == "bad [key] at https://x/y?key=[key]&alt=sse"


def test_an_error_takes_the_form_of_the_api_and_is_read_as_the_same() -> None:
    told = GatewayError(Kind.RATE_LIMITED, "slow down", source="upstream", status=429, retry_after_s=7)

    status, headers, answer = DIALECT.write_error(told)

    assert (status, dict(headers)["retry-after"]) == (429, "7")
    assert json.loads(answer)["error"] == {
        "code": 429,
        "message": "slow down",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{**RETRY, "retryDelay": "7s"}],
    }
    again = DIALECT.read_error(status, headers, answer)
    assert (again.kind, again.message, again.retry_after_s) == (told.kind, told.message, told.retry_after_s)


# ---- the tap -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 50, 10_000])
def test_the_tap_sees_what_a_reader_sees(size: int) -> None:
    data, tap = stream(EVENTS), DIALECT.tap()

    for at in range(0, len(data), size):
        tap.feed(data[at : at + size])

    assert (tap.model, tap.reason, tap.first_token, tap.may_end, tap.ended, tap.failed) == ("gemini-y", "STOP", True, True, False, None)
    assert tap.usage == Usage(13, 12, cache_read_tokens=4, reasoning_tokens=7, total_tokens=25)


def test_the_tap_knows_the_counts_of_a_stream_that_was_cut() -> None:
    tap = DIALECT.tap()

    for count in (1, 2):
        tap.feed(b'data: {"candidates":[{"content":{"parts":[{"text":"x"}]}}],"usageMetadata":{"promptTokenCount":%d}}\n\n' % count)

    assert (tap.usage, tap.may_end) == (Usage(2), False)


def test_the_tap_hears_an_error() -> None:
    tap = DIALECT.tap()

    tap.feed(DIALECT.write_failure(GatewayError(Kind.OVERLOADED, "busy"), tap))

    assert tap.failed is not None
    assert tap.failed.kind is Kind.OVERLOADED


@pytest.mark.parametrize(
    ("answer", "kind"), [(b"{}", Kind.GARBLED), (b"nonsense", Kind.GARBLED), (body(503, "UNAVAILABLE", "x"), Kind.OVERLOADED)]
)
def test_the_tap_knows_a_body_that_is_no_reply(answer: bytes, kind: Kind) -> None:
    tap = DIALECT.tap()

    tap.whole(answer)

    assert tap.failed is not None
    assert tap.failed.kind is kind
