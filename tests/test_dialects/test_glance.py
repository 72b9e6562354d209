"""What every dialect says at a glance, and the ways to read it that they share."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from dragoman.dialects.glance import Called, Growing, Result, budget, count, decode, parts_of, read, result, spell
from dragoman.dialects.registry import dialect, names

RUN = {"cmd": "ls"}
ANSWERS: dict[str, dict[str, Any]] = {
    "responses": {"output": [{"type": "function_call", "call_id": "c1", "name": "run", "arguments": RUN}]},
    "chat": {"choices": [{"message": {"tool_calls": [{"id": "c1", "function": {"name": "run", "arguments": RUN}}]}}]},
    "messages": {"content": [{"type": "tool_use", "id": "c1", "name": "run", "input": RUN}]},
    "generate": {"candidates": [{"content": {"parts": [{"functionCall": {"id": "c1", "name": "run", "args": RUN}}]}}]},
}
ITEMS: dict[str, dict[str, Any]] = {
    "responses": {"type": "function_call_output", "call_id": "c1", "output": "done"},
    "chat": {"role": "tool", "tool_call_id": "c1", "content": "done"},
    "messages": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "done"}]},
    "generate": {"role": "user", "parts": [{"functionResponse": {"id": "c1", "response": "done"}}]},
}


def raw(value: object) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(json.dumps(value), type=dict[str, msgspec.Raw])


@pytest.mark.parametrize("name", names())
def test_every_dialect_tells_its_calls(name: str) -> None:
    calls = dialect(name).glance.calls
    answer = json.dumps(ANSWERS[name], separators=(",", ":")).encode()

    assert list(calls.whole(answer)) == [Called("c1", "run", '{"cmd":"ls"}')]
    assert any(mark in answer for mark in calls.marks)


@pytest.mark.parametrize("name", names())
def test_every_dialect_tells_results_from_the_models_own_items(name: str) -> None:
    brings = dialect(name).glance.brings
    item = json.dumps(ITEMS[name]).encode()

    assert list(brings.read(raw(ITEMS[name]))) == [Result("c1", b'"done"', is_error=False)]
    assert brings.results.search(item) is not None
    assert brings.result_word in item
    assert brings.model.search(item) is None


EMPTY = [b"", b"\xff", b"[]", b"{}", b'{"output":[{}]}', b'{"choices":[{"delta":{}}]}', b'{"index":1,"delta":{}}', b'{"candidates":[{}]}']


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("data", EMPTY)
def test_an_answer_without_calls_has_none(name: str, data: bytes) -> None:
    calls = dialect(name).glance.calls

    assert list(calls.whole(data)) == list(calls.stream([data])) == []


PATHS: list[tuple[tuple[str, ...], type, object]] = [
    (("a",), int, 1),
    (("a",), str, None),
    (("yes",), bool, True),
    (("yes",), int, None),
    (("b", "c"), str, "x"),
    (("b", "c", "d"), str, None),
    (("b", "none"), str, None),
    (("none",), str, None),
    (("broken",), str, None),
]


@pytest.mark.parametrize(("path", "kind", "value"), PATHS)
def test_what_stands_at_a_path_is_read_if_it_is_of_the_kind(path: tuple[str, ...], kind: type, value: object) -> None:
    fields = {**raw({"a": 1, "yes": True, "b": {"c": "x"}}), "broken": msgspec.Raw(b"{")}

    assert read(fields, path, kind) == value


@pytest.mark.parametrize("wrong", [None, b"", b"{", b"\xff", b"[" * 100_000, b'"x"'])
def test_what_is_not_of_the_kind_is_nothing(wrong: bytes | None) -> None:
    assert decode(wrong, list[int]) is None


def test_only_objects_are_counted() -> None:
    assert [count(msgspec.Raw(text)) for text in (b"[{},{}]", b"[]", b"[1]", b"{}")] == [2, 0, 0, 0]
    assert count(None) == 0


def test_tokens_for_thinking_are_an_effort() -> None:
    efforts = [budget(tokens) for tokens in (None, -1, 0, 4095, 4096, 16_383, 16_384)]

    assert efforts == [None, None, "none", "low", "medium", "medium", "high"]


def test_arguments_are_text_in_any_case() -> None:
    assert [spell(value) for value in ('{"a": 1}', {"a": 1}, None)] == ['{"a": 1}', '{"a":1}', ""]


def test_a_call_is_put_together_from_its_pieces() -> None:
    call = Growing("c1", "run")
    call.arguments += ['{"a"', ":1}"]

    assert call.called() == Called("c1", "run", '{"a":1}')


def test_a_result_is_known_by_the_first_of_its_ids() -> None:
    reader = result("call_id", "id", output="output")

    assert list(reader(raw({"id": "b", "call_id": 5, "output": [1], "is_error": True}))) == [Result("b", b"[1]", is_error=True)]
    assert list(reader(raw({"output": "x"}))) == []


def test_parts_that_are_none_are_passed_over() -> None:
    assert parts_of(raw({"parts": [{"a": 1}]}), "parts") == [{"a": msgspec.Raw(b"1")}]
    assert parts_of(raw({"parts": "text"}), "parts") == parts_of({}, "parts") == []
