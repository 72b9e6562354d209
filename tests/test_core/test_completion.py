"""What is read off the bodies of an exchange when it is over: tools called, results brought, turns and sessions that nobody named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.brought import brought
from dragoman.core.called import calls_in, command_in
from dragoman.core.completion import Completion
from dragoman.dialects.registry import dialect, names
from dragoman.ir.record import Bodies, Record, ToolCall, ToolResult
from dragoman.wire.splice import Outline

GLANCES = {name: dialect(name).glance for name in names()}
ARGUMENTS = '{"cmd":"git diff --stat"}'
CALL = ToolCall("c1", "run", ARGUMENTS, "git diff", len(ARGUMENTS))


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n" for event in events)


ITEM = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "run", "arguments": ARGUMENTS}
CHAT_CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "run", "arguments": ARGUMENTS}}
USE = {"type": "tool_use", "id": "c1", "name": "run", "input": json.loads(ARGUMENTS)}
FUNCTION_CALL = {"functionCall": {"id": "c1", "name": "run", "args": json.loads(ARGUMENTS)}}
ANSWERS: list[tuple[str, bytes]] = [
    ("responses", json.dumps({"id": "r", "output": [{"type": "message"}, ITEM]}).encode()),
    (
        "responses",
        sse(
            {"type": "response.output_item.added", "item": {**ITEM, "arguments": ""}},
            {"type": "response.output_text.delta", "delta": 'says "function_call" itself'},
            {"type": "response.output_item.done", "item": ITEM},
            {"type": "response.completed", "response": {"output": [ITEM]}},
        ),
    ),
    ("chat", json.dumps({"choices": [{"index": 0, "message": {"tool_calls": [CHAT_CALL]}}]}).encode()),
    (
        "chat",
        sse(
            {"choices": [{"index": 0, "delta": {"tool_calls": [{**CHAT_CALL, "function": {"name": "run", "arguments": ""}}]}}]},
            {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": ARGUMENTS[:9]}}]}}]},
            {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": ARGUMENTS[9:]}}]}}]},
        )
        + b"data: [DONE]\n\n",
    ),
    ("messages", json.dumps({"content": [{"type": "text", "text": "x"}, USE]}, separators=(",", ":")).encode()),
    (
        "messages",
        sse(
            {"type": "content_block_start", "index": 1, "content_block": {**USE, "input": {}}},
            {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ARGUMENTS[:5]}},
            {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ARGUMENTS[5:]}},
        ),
    ),
    ("generate", json.dumps({"candidates": [{"content": {"parts": [FUNCTION_CALL]}}]}).encode()),
    ("generate", sse({"candidates": [{"content": {"parts": [{"text": "x"}]}}]}, {"candidates": [{"content": {"parts": [FUNCTION_CALL]}}]})),
]


def _response(*items: dict[str, Any]) -> bytes:
    return json.dumps({"object": "response", "output": items}).encode()


@pytest.mark.parametrize(
    ("name", "answer", "reason"),
    [
        ("responses", _response({"type": "function_call", "call_id": "c", "name": "run", "arguments": "{}"}), "tool_calls"),
        ("responses", _response({"type": "custom_tool_call", "call_id": "c", "name": "run", "input": "x"}), "tool_calls"),
        ("responses", _response({"type": "web_search_call", "id": "ws_1", "action": {"query": "x"}}), "stop"),
        ("responses", _response({"type": "mcp_call", "id": "mcp_1", "name": "look", "arguments": "{}"}), "stop"),
        ("responses", _response({"type": "tool_search_call", "id": "ts_1", "execution": "server"}), "stop"),
        ("responses", _response({"type": "custom_tool_call", "call_id": "xs_call-1", "name": "x_search", "input": "x"}), "stop"),
        ("messages", json.dumps({"content": [{**USE, "type": "server_tool_use"}]}).encode(), "stop"),
        ("messages", sse({"type": "content_block_start", "index": 0, "content_block": {**USE, "type": "mcp_tool_use"}}), "stop"),
        ("generate", json.dumps({"candidates": [{"content": {"parts": [FUNCTION_CALL]}}]}).encode(), "tool_calls"),
    ],
)
def test_an_answer_stopped_for_a_call_only_where_the_client_is_to_run_it(name: str, answer: bytes, reason: str) -> None:
    record = Record("a", 0.0, dialect=name, status=200, stop_reason="stop")

    Completion().complete([(record, Bodies("redacted", b"{}", [answer]))])

    assert len(record.calls) == 1
    assert record.stop_reason == reason


@pytest.mark.parametrize(("name", "answer"), ANSWERS)
def test_the_calls_of_an_answer_are_read(name: str, answer: bytes) -> None:
    found = calls_in(GLANCES[name].calls, answer)

    assert [(call.call_id, call.name, json.loads(call.arguments), call.command) for call in found] == [
        ("c1", "run", json.loads(ARGUMENTS), "git diff")
    ]


class Searched(bytes):
    """Counts the bytes that are looked through for marks."""

    looked_through = 0

    def find(self, sub: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        found = super().find(sub, start, end)
        self.looked_through += (len(self) if found < 0 else found) - start
        return found


@pytest.mark.parametrize("name", sorted(GLANCES))
def test_an_answer_is_looked_through_once_for_each_mark_however_many_events_have_one(name: str) -> None:
    marks = GLANCES[name].calls.marks
    rare, frequent = marks[0], marks[-1]
    answer = Searched(b"".join([b"data: {%b}\n\n" % mark for mark in (rare, *[frequent] * 1000)]))

    calls_in(GLANCES[name].calls, answer)

    assert answer.looked_through <= (len(marks) + 2) * len(answer)


def test_every_dialect_is_known() -> None:
    assert {name for name, _ in ANSWERS} == set(GLANCES)


@given(st.sampled_from(sorted(GLANCES)), st.binary(max_size=300) | st.sampled_from([answer[:-20] for _, answer in ANSWERS]))
def test_any_bytes_are_taken(name: str, data: bytes) -> None:
    calls_in(GLANCES[name].calls, data)
    brought(GLANCES[name], data)
    Completion().complete([(Record("x", 0.0, dialect=name, status=200), Bodies("full", data, [data]))])


@pytest.mark.parametrize("name", ["", "mcp", "responses.more", "../chat"])
def test_of_a_door_without_a_dialect_no_body_is_read(name: str) -> None:
    record, untouched = (Record("x", 0.0, dialect=name, status=200) for _ in range(2))

    Completion().complete([(record, Bodies("full", json.dumps(REQUESTS[0][1]).encode(), [ANSWERS[0][1]]))])

    assert record == untouched


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ('{"command":["bash","-lc","cd /x && FOO=1 git log -5 | head"]}', "git log"),
        ('{"command":["ls","-la"]}', "ls"),
        ('{"cmd":"/usr/bin/python3 -m pytest"}', "python3"),
        ('{"cmd":"  sudo npm install left-pad"}', "npm install"),
        ('{"cmd":"curl -H \\"authorization: x\\" http://y"}', "curl"),
        ('{"cmd":"$(evil)"}', None),
        ('{"cmd":""}', None),
        ('{"path":"x"}', None),
        ('{"cmd":', None),
        ('{"cmd":5}', None),
    ],
)
def test_of_a_command_its_program_is_kept(arguments: str, command: str | None) -> None:
    assert command_in(arguments) == command


OUTPUT = "Exit code: 1\nno such file"
USER = {"role": "user", "content": "fix it"}
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    (
        "responses",
        {
            "input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "fix it"}]},
                {"type": "function_call_output", "call_id": "c0", "output": "old"},
                {**ITEM, "call_id": "c1"},
                {"type": "function_call_output", "call_id": "c1", "output": OUTPUT},
            ],
            "tools": [{"type": "function", "parameters": {"role": {"type": "function_call_output"}}}],
        },
    ),
    (
        "chat",
        {"messages": [USER, {"role": "assistant", "tool_calls": [CHAT_CALL]}, {"content": OUTPUT, "role": "tool", "tool_call_id": "c1"}]},
    ),
    (
        "messages",
        {
            "messages": [
                USER,
                {"role": "assistant", "content": [USE]},
                {"content": [{"content": OUTPUT, "tool_use_id": "c1", "type": "tool_result"}], "role": "user"},
            ]
        },
    ),
    (
        "generate",
        {
            "contents": [
                {"parts": [{"text": "fix it"}], "role": "user"},
                {"role": "model", "parts": [FUNCTION_CALL]},
                {"parts": [{"functionResponse": {"id": "c1", "name": "run", "response": OUTPUT}}], "role": "user"},
            ]
        },
    ),
]
SPACING = [None, (",", ":")]
NO_ITEM = '{"role":"none","type":"reasonings"}'


@pytest.mark.parametrize("spacing", SPACING)
@pytest.mark.parametrize(("name", "body"), REQUESTS)
def test_the_results_that_came_last_are_read(name: str, body: dict[str, Any], spacing: tuple[str, str] | None) -> None:
    found = brought(GLANCES[name], json.dumps(body, separators=spacing).encode())

    size = len(OUTPUT) + 1  # The line end is two characters in JSON.
    assert found.results == (ToolResult("c1", size, True, size // 4),)
    assert found.words is None


@pytest.mark.parametrize(("name", "body"), REQUESTS)
def test_results_are_read_however_far_from_the_end_of_the_body_they_stand(name: str, body: dict[str, Any]) -> None:
    near = json.dumps({**body, "tools": [""]}).encode()
    # Around each place to which the end of a body is looked at, since what tells the model's words may stand across it.
    padded = [near[:-3] + b"x" * size + near[-3:] for first in (8192, 65_536) for size in range(first - len(near), first)]

    found = [brought(GLANCES[name], each).results for each in padded]

    assert found == [brought(GLANCES[name], near).results] * len(padded)
    assert len(found[0]) == 1


@pytest.mark.parametrize("behind", ['"x":1', f'"tools":[{",".join([NO_ITEM] * 3000)}],"x":1'])
@pytest.mark.parametrize(("name", "body"), REQUESTS)
def test_where_the_conversation_is_known_to_stand_the_same_is_read_without_a_look_behind_it(
    name: str, body: dict[str, Any], behind: str
) -> None:
    items = GLANCES[name].places.items
    for count in range(len(body[items]) + 1):
        asked = f'{{"{items}":{json.dumps(body[items][:count], separators=(",", ":"))},{behind}}}'.encode()
        place = Outline(asked).place(items)

        known, found = brought(GLANCES[name], asked, place), brought(GLANCES[name], asked)

        assert place is not None and (known.results, known.words is None) == (found.results, found.words is None)
        assert known == brought(GLANCES[name], asked[: place[1]] + b"}", place)


def test_results_are_read_where_the_conversation_is_kept_elsewhere() -> None:
    body = {"previous_response_id": "resp_1", "input": [{"type": "function_call_output", "call_id": "c1", "output": "fine"}]}

    assert [result.call_id for result in brought(GLANCES["responses"], json.dumps(body).encode()).results] == ["c1"]


@pytest.mark.parametrize(("dialect", "body"), REQUESTS)
def test_the_users_words_begin_a_turn_and_results_go_on_with_it(dialect: str, body: dict[str, Any]) -> None:
    completion, field = Completion(), next(iter(body))
    later = {**body, field: [*body[field], *_said(dialect)]}
    requests = [{**body, field: body[field][:1]}, {**body, field: body[field][:1]}, body, later]

    turns = [_completed(completion, f"ex_{number}", dialect, request).turn for number, request in enumerate(requests)]

    assert turns == ["auto-ex_0", "auto-ex_0", "auto-ex_0", "auto-ex_3"]


@pytest.mark.parametrize(("dialect", "body"), REQUESTS)
def test_exchanges_that_come_together_are_told_as_one_after_the_other(dialect: str, body: dict[str, Any]) -> None:
    field = next(iter(body))
    later = {**body, field: [*body[field], *_said(dialect)]}
    requests = [{**body, field: body[field][:1]}, body, later, {"odd": 1}, body]

    def records() -> list[tuple[Record, Bodies | None]]:
        made: list[tuple[Record, Bodies | None]] = [
            (Record(f"ex_{number}", 0.0, dialect=dialect, status=200), Bodies("full", json.dumps(request).encode(), []))
            for number, request in enumerate(requests)
        ]
        return [*made, (Record("ex_n", 0.0, stop_reason="end_turn"), None)]

    one_by_one, together = Completion(), records()
    for each in (alone := records()):
        one_by_one.complete([each])
    Completion().complete(together)

    assert [record for record, _ in together] == [record for record, _ in alone]


def test_a_record_that_cannot_be_read_holds_no_other_up() -> None:
    class Odd:
        @property
        def model(self) -> str:
            raise ValueError("odd")

    odd, next_one = Record("a", 0.0, decision=Odd()), Record("b", 0.0, stop_reason="end_turn")

    Completion().complete([(odd, None), (next_one, None)])

    assert (odd.routed, next_one.stop_reason) == (None, "stop")


def _said(dialect: str) -> list[dict[str, Any]]:
    if dialect == "generate":
        return [{"role": "model", "parts": [{"text": "done"}]}, {"role": "user", "parts": [{"text": "fix it"}]}]
    return [{"role": "assistant", "content": "done"}, USER]


def _completed(completion: Completion, name: str, dialect: str, body: dict[str, Any], **more: Any) -> Record:
    fields: dict[str, Any] = {"dialect": dialect, "status": 200, "client": "ada", **more}
    record = Record(name, 0.0, **fields)
    completion.complete([(record, Bodies("redacted", json.dumps(body).encode(), []))])
    return record


def test_a_conversation_is_known_by_its_beginning_and_by_whose_it_is() -> None:
    completion = Completion()
    system = {"role": "system", "content": "you are " + "helpful " * 5000}
    first = _completed(completion, "a", "chat", {"messages": [system, USER]})
    second = _completed(completion, "b", "chat", {"messages": [system, USER, {"role": "assistant", "content": "ok"}, USER]})
    others = [
        _completed(completion, "c", "chat", {"messages": [system, {"role": "user", "content": "else"}]}),
        _completed(completion, "d", "chat", {"messages": [system, USER]}, client="bob"),
        _completed(completion, "e", "responses", {"input": "hi", "prompt_cache_key": "mine"}),
        _completed(completion, "m", "messages", {"messages": [USER], "metadata": {"user_id": "user_1a_account__session_0197-a4f2"}}),
        _completed(completion, "n", "messages", {"messages": [USER], "metadata": {"user_id": '{"device":"d","session_id":"0197-a4f3"}'}}),
        _completed(completion, "f", "chat", {"messages": [system, USER]}, session="told"),
        _completed(completion, "g", "chat", {"messages": [system, USER]}, replays="ex_1"),
    ]

    assert first.session == second.session
    assert first.session is not None
    assert first.session.startswith("auto-")
    assert first.session not in [other.session for other in others]
    assert [other.session for other in others[2:]] == ["mine", "0197-a4f2", "0197-a4f3", "told", None]


def test_names_of_sessions_that_a_body_makes_endless_are_kept_by_their_beginning() -> None:
    record = _completed(Completion(), "a", "responses", {"input": "hi", "prompt_cache_key": "k" * 10_000})

    assert record.session == "k" * 512


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ada", "bob"]),
            st.sampled_from([None, "", "be brief", "be " + "very " * 600 + "brief", "be " + "very " * 600 + "long"]),
            st.lists(
                st.tuples(st.sampled_from(["user", "assistant"]), st.sampled_from(["", "hi", '"}', "x" * 1990, "x" * 3000])), max_size=4
            ),
        ),
        max_size=12,
    )
)
def test_a_conversation_has_the_same_name_whatever_was_seen_before_it(asked: list[tuple[str, str | None, list[tuple[str, str]]]]) -> None:
    completion = Completion(sessions=4)
    for client, system, said in asked:
        body = {"system": system, "messages": [{"role": role, "content": content} for role, content in said]}
        body = {name: value for name, value in body.items() if value is not None}
        seen, fresh = (_completed(each, "x", "messages", body, client=client).session for each in (completion, Completion()))
        assert seen == fresh


def test_where_no_bodies_are_kept_nothing_of_them_is() -> None:
    record = Record("x", 0.0, dialect="chat", status=200, session="s", stop_reason="stop")

    Completion().complete([(record, Bodies("none", b'{"messages":[]}', [ANSWERS[2][1]]))])

    assert record.calls == [ToolCall("c1", "run", "", None, len(ARGUMENTS))]
    assert record.stop_reason == "tool_calls"


@pytest.mark.parametrize(
    ("told", "neutral"),
    [
        ("completed", "stop"),
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("odd", "odd"),
        (None, None),
    ],
)
def test_why_an_answer_ended_is_told_in_one_language(told: str | None, neutral: str | None) -> None:
    record = Record("x", 0.0, stop_reason=told)

    Completion().complete([(record, None)])

    assert record.stop_reason == neutral


WORKSPACES = {"/home/ada/project": {"associated_remote_urls": {"origin": "https://ada:token@git.example.com/project.git"}}, "/else": {}}


@pytest.mark.parametrize(("wanted", "place"), [(True, ("/home/ada/project", "https://git.example.com/project.git")), (False, (None, None))])
def test_where_an_agent_works_is_read_where_that_is_wanted(wanted: bool, place: tuple[str | None, str | None]) -> None:
    headers = (("originator", "codex_exec"), ("x-codex-turn-metadata", json.dumps({"workspaces": WORKSPACES})))
    record = Record("x", 0.0)

    Completion(paths=lambda: wanted).complete([(record, Bodies(client_request_headers=headers))])

    assert (record.cwd, record.repo) == place


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://ada:p@ss@git.example.com/p.git", "https://git.example.com/p.git"),
        ("git+https://ada:token@git.example.com/p.git", "git+https://git.example.com/p.git"),
        ("https://git.example.com/@scope/p.git", "https://git.example.com/@scope/p.git"),
        ("git@git.example.com:p.git", "git@git.example.com:p.git"),
    ],
)
def test_nobody_who_may_enter_a_repository_stands_in_its_address(url: str, told: str) -> None:
    spaces = {"/home/ada": {"associated_remote_urls": {"origin": url}}}
    headers = (("originator", "codex_exec"), ("x-codex-turn-metadata", json.dumps({"workspaces": spaces})))
    record = Record("x", 0.0)

    Completion(paths=lambda: True).complete([(record, Bodies(client_request_headers=headers))])

    assert record.repo == told


@pytest.mark.parametrize("words", ["plain", 'he said "go {on}" \\', "C:\\\\", '\\"}', "x" * 5000, '{"a":"}"}' * 400])
def test_a_conversation_is_known_again_whatever_its_first_words_hold(words: str) -> None:
    completion = Completion()
    asked = [{"role": "user", "content": [{"type": "text", "text": words}]}]
    first = _completed(completion, "a", "chat", {"messages": asked})
    later = [_completed(completion, f"b{number}", "chat", {"messages": [*asked, *_said("chat")] * number}) for number in (1, 9)]
    other = _completed(completion, "c", "chat", {"messages": [{"role": "user", "content": [{"type": "text", "text": f"not {words}"}]}]})

    assert {each.session for each in later} == {first.session}
    assert other.session != first.session


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("plain", "auto-ba199e550b68f3b5bd89"),
        ("x" * 5000, "auto-169b2157f4159becbc0f"),
        ('{"a":"}"} \\' * 400, "auto-1205ced7d2dd6cc8dec8"),
    ],
)
def test_what_a_conversation_is_called_is_the_same_from_one_release_to_the_next(words: str, name: str) -> None:
    record = _completed(Completion(), "a", "chat", {"messages": [{"role": "system", "content": words}, {"role": "user", "content": words}]})

    assert record.session == name
