"""Requests of the dialect `generate`: read and written again they are the same JSON; from elsewhere they keep to the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.contract import Call, Peek, Quirks
from dragoman.dialects.generate import DIALECT
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError, Kind

GOLDEN = Path(__file__).parent.parent / "golden" / "generate" / "requests"
PATH = "/v1beta/models/gemini-x:generateContent"
GEMINI_3 = Quirks(thinking="level", sign_calls=True, mixed_tools=True)
NO_SIGNATURE = "skip_thought_signature_validator"
USER = ir.Message("user", (ir.Text("go"),))
LOOK = ir.FunctionTool("look", parameters={"type": "object", "properties": {}})


def read(value: Any, path: str = PATH) -> ir.Request:
    return DIALECT.read_request(Call(path, json.dumps(value).encode()))


def write(request: ir.Request, quirks: Quirks = GEMINI_3) -> Any:
    return json.loads(DIALECT.write_request(request, quirks)[0].body)


def contents(*items: ir.Item, quirks: Quirks = GEMINI_3) -> Any:
    return write(ir.Request("m", items), quirks)["contents"]


def exactly(value: Any) -> str:
    """JSON text with sorted keys: tells 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_what_was_read_is_written_again(path: Path) -> None:
    value = json.loads(path.read_text())

    call, lost = DIALECT.write_request(read(value), Quirks(thinking="level"))

    assert exactly(json.loads(call.body)) == exactly(value)
    assert lost == []


TEXTS = st.text(max_size=5)
NAMES = TEXTS.filter(lambda name: not name.startswith("$") and "_" not in name)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=2)
SIGNED = {"thoughtSignature": st.sampled_from(["YQ==", "", "Yg=="])}
PARTS = st.one_of(
    st.fixed_dictionaries({"text": TEXTS}, optional={"thought": st.booleans(), "partMetadata": JSON, **SIGNED}),
    st.fixed_dictionaries({"inlineData": st.fixed_dictionaries({"mimeType": TEXTS, "data": TEXTS}, optional={"displayName": TEXTS})}),
    st.fixed_dictionaries({"fileData": st.fixed_dictionaries({"fileUri": TEXTS}, optional={"mimeType": TEXTS})}),
    st.fixed_dictionaries(
        {"functionCall": st.fixed_dictionaries({"name": TEXTS}, optional={"args": OBJECTS, "id": TEXTS})}, optional=SIGNED
    ),
    st.fixed_dictionaries(
        {"functionResponse": st.fixed_dictionaries({"name": TEXTS, "response": OBJECTS}, optional={"id": TEXTS, "scheduling": JSON})}
    ),
    st.fixed_dictionaries({"executableCode": OBJECTS}, optional=SIGNED),
    st.fixed_dictionaries({"toolResponse": OBJECTS}),
    OBJECTS,
)
CONTENTS = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["user", "model", "function"]), "parts": st.lists(PARTS, max_size=4)}
)
BODIES = st.fixed_dictionaries(
    {"contents": st.lists(CONTENTS, max_size=4)},
    optional={
        "systemInstruction": CONTENTS,
        "generationConfig": st.dictionaries(st.sampled_from(["temperature", "topK", "seed", "responseMimeType", "x"]), JSON, max_size=3),
        "labels": JSON,
        "serviceTier": JSON,
    },
)


@given(BODIES)
def test_any_request_is_written_as_it_was_read(value: Any) -> None:
    call, _ = DIALECT.write_request(read(value), Quirks())

    assert exactly(json.loads(call.body)) == exactly(value)


@pytest.mark.parametrize(
    ("path", "peek"),
    [
        ("/v1beta/models/gemini-3-flash:generateContent", Peek("gemini-3-flash")),
        ("/models/a%2Fb:streamGenerateContent", Peek("a/b", True)),
        ("/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent", Peek("g", True)),
        ("/v1beta/tunedModels/mine:generateContent", Peek("tunedModels/mine")),
    ],
)
def test_model_and_stream_are_read_from_the_path(path: str, peek: Peek) -> None:
    assert DIALECT.peek(Call(path, b"{}")) == peek


@pytest.mark.parametrize("path", ["/v1beta/models/g:countTokens", "/v1beta/models/g", "/chat/completions"])
def test_another_path_is_refused(path: str) -> None:
    with pytest.raises(GatewayError) as error:
        DIALECT.peek(Call(path, b"{}"))

    assert error.value.kind is Kind.INVALID_REQUEST


def test_a_relayed_call_is_addressed_to_another_model_without_the_clients_key() -> None:
    assert DIALECT.readdress is not None

    call = DIALECT.readdress(Call("/v1beta/models/a:streamGenerateContent", b"{}", query="key=secret&alt=sse"), "b")

    assert call == Call("/models/b:streamGenerateContent", b"{}", query="alt=sse")


@pytest.mark.parametrize(
    ("model", "stream", "path", "query"),
    [
        ("gemini-3-flash", True, "/models/gemini-3-flash:streamGenerateContent", "alt=sse"),
        ("models/gemini-3-flash", False, "/models/gemini-3-flash:generateContent", ""),
        ("tunedModels/x", False, "/tunedModels/x:generateContent", ""),
        ("../../x?y", False, "/models/../../x%3Fy:generateContent", ""),
    ],
)
def test_model_and_stream_are_written_into_the_path(model: str, stream: bool, path: str, query: str) -> None:
    call, _ = DIALECT.write_request(ir.Request(model, (USER,), stream=stream), Quirks())

    assert (call.path, call.query) == (path, query)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"contents": 1}', b'{"contents": [1]}', b'{"contents": [{"parts": [1]}]}', b"\xff"])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(GatewayError) as error:
        DIALECT.read_request(Call(PATH, body))

    assert error.value.kind is Kind.INVALID_REQUEST


# ---- calls and their signatures ------------------------------------------------------------------------------------------


def sign(text: str) -> ir.Proof:
    return ir.Proof("generate", text, "thought_signature", "gemini/m")


def test_the_first_call_of_each_step_gets_the_word_that_passes_the_check_where_it_is_unsigned() -> None:
    written = contents(
        USER,
        ir.Call("a", "look", "{}"),
        ir.Result("a", (ir.Text("old"),)),
        USER,
        ir.Call("b", "look", "{}"),
        ir.Call("c", "look", "{}"),
        ir.Result("b", (ir.Text("1"),)),
        ir.Result("c", (ir.Text("2"),)),
        ir.Call("d", "look", "{}", proof=sign("YQ==")),
        ir.Result("d", (ir.Text("3"),)),
    )

    signatures = [[part.get("thoughtSignature") for part in content["parts"]] for content in written if content["role"] == "model"]
    assert signatures == [[NO_SIGNATURE], [NO_SIGNATURE, None], ["YQ=="]]


def test_calls_stay_unsigned_where_nobody_checks() -> None:
    (_, model, _) = contents(USER, ir.Call("b", "look", "{}"), ir.Result("b", (ir.Text("1"),)), quirks=Quirks())

    assert model == {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}, "id": "b"}}]}


def test_a_signature_without_words_goes_where_it_was() -> None:
    on_words = ir.Reasoning(proof=sign("YQ=="), extra={"generate": {"on": "text"}})

    (model, alone) = (
        contents(USER, ir.Message("assistant", (ir.Text("Hi"),)), thought)[1]["parts"]
        for thought in (on_words, ir.Reasoning(proof=sign("YQ==")))
    )

    assert model == [{"text": "Hi", "thoughtSignature": "YQ=="}]
    assert alone == [{"text": "Hi"}, {"text": "", "thoughtSignature": "YQ=="}]


def test_thoughts_go_back_with_their_signature_or_not_at_all() -> None:
    signed = ir.Reasoning(summary=("hm",), proof=sign("YQ=="))
    foreign = ir.Reasoning(summary=("x",), proof=ir.Proof("messages", "s", "signature"))
    say = ir.Message("assistant", (ir.Text("Hi"),))

    written = contents(USER, signed, foreign, ir.Reasoning(summary=("y",)), say)

    assert written[1]["parts"] == [{"text": "hm", "thought": True, "thoughtSignature": "YQ=="}, {"text": "Hi"}]


def test_results_stand_right_after_their_calls_and_in_their_order() -> None:
    written = contents(
        USER,
        ir.Call("a", "f", "{}"),
        ir.Call("b", "g", "{}"),
        ir.Result("b", (ir.Text("2"),)),
        ir.Message("user", (ir.Text("meanwhile"),)),
        ir.Result("a", (ir.Text("1"),), is_error=True),
        quirks=Quirks(),
    )

    assert written[2]["parts"] == [
        {"functionResponse": {"name": "f", "id": "a", "response": {"error": "1"}}},
        {"functionResponse": {"name": "g", "id": "b", "response": {"output": "2"}}},
        {"text": "meanwhile"},
    ]


def test_a_result_without_its_call_is_told_as_text() -> None:
    request = ir.Request("m", (ir.Result("gone", (ir.Text("1"),)),))

    call, lost = DIALECT.write_request(request, Quirks())

    assert json.loads(call.body)["contents"] == [{"role": "user", "parts": [{"text": "[answer to gone]\n1"}]}]
    assert lost == [("contents", "the result of `gone` has no call before it; it is told as text")]


def test_pictures_of_a_result_travel_inside_it() -> None:
    picture = ir.Image(ir.Inline("image/png", "AA=="))

    written = contents(USER, ir.Call("a", "f", "{}"), ir.Result("a", (ir.Text("see"), picture), plain=False), quirks=Quirks())

    assert written[2]["parts"][0]["functionResponse"]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}]


def test_calls_without_ids_get_ids_that_their_results_share_and_that_are_not_sent() -> None:
    request = read(
        {
            "contents": [
                {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"name": "f", "args": {}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}] * 2},
            ]
        }
    )
    ids = [item.call_id for item in request.items if isinstance(item, ir.Call | ir.Result)]

    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2
    assert '"id"' not in json.dumps(contents(*(_bare(item) for item in request.items)))


def _bare(item: Any) -> Any:
    return type(item)(item.call_id, *((item.name, item.arguments) if isinstance(item, ir.Call) else (item.parts,)))


# ---- tools and settings --------------------------------------------------------------------------------------------------

SEARCH = ir.HostedTool("web_search", "responses", {"type": "web_search"})


def test_web_search_stands_beside_functions_where_the_model_takes_both() -> None:
    request = ir.Request("m", (USER,), tools=(LOOK, SEARCH))

    mixed = write(request)
    call, lost = DIALECT.write_request(request, Quirks())

    assert mixed["tools"][1:] == [{"googleSearch": {}}]
    assert mixed["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert [list(tool) for tool in json.loads(call.body)["tools"]] == [["functionDeclarations"]]
    assert lost == [("tools", "the model takes its own tool `web_search` only without functions beside it")]


def test_tools_of_its_own_are_not_offered_where_none_may_be_called() -> None:
    request = ir.Request("m", (USER,), tools=(LOOK, SEARCH), tool_choice=ir.ToolChoice("none"))

    call, lost = DIALECT.write_request(request, GEMINI_3)
    body = json.loads(call.body)

    assert [list(tool) for tool in body["tools"]] == [["functionDeclarations"]]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "NONE"}}
    assert lost == [("tools", "generate cannot be told to leave its own tool `web_search` alone, so it is not offered")]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ir.ToolChoice("auto"), {"mode": "AUTO"}),
        (ir.ToolChoice("none"), {"mode": "NONE"}),
        (ir.ToolChoice("required"), {"mode": "ANY"}),
        (ir.ToolChoice("one", ((None, "look"),)), {"mode": "ANY", "allowedFunctionNames": ["look"]}),
        (ir.ToolChoice("some", ((None, "look"), (None, "b")), required=True), {"mode": "ANY", "allowedFunctionNames": ["look", "b"]}),
        (ir.ToolChoice("some", ((None, "look"),)), {"mode": "VALIDATED", "allowedFunctionNames": ["look"]}),
    ],
)
def test_a_choice_is_the_same_when_read_again(choice: ir.ToolChoice, config: Any) -> None:
    written = write(ir.Request("m", (USER,), tools=(LOOK,), tool_choice=choice))

    assert written["toolConfig"] == {"functionCallingConfig": config}
    assert read(written).tool_choice == choice


@pytest.mark.parametrize(
    ("wish", "level", "budget"),
    [
        (ir.ReasoningWish("low"), {"thinkingLevel": "LOW"}, {"thinkingBudget": 1024}),
        (
            ir.ReasoningWish("high", "auto"),
            {"includeThoughts": True, "thinkingLevel": "HIGH"},
            {"includeThoughts": True, "thinkingBudget": 24576},
        ),
        (ir.ReasoningWish("none"), {"thinkingLevel": "MINIMAL"}, {"thinkingBudget": 0}),
        (ir.ReasoningWish(budget_tokens=9000), {"thinkingLevel": "MEDIUM"}, {"thinkingBudget": 9000}),
    ],
)
def test_effort_is_told_as_the_model_takes_it(wish: ir.ReasoningWish, level: Any, budget: Any) -> None:
    request = ir.Request("m", (USER,), reasoning=wish)

    assert write(request)["generationConfig"]["thinkingConfig"] == level
    assert write(request, Quirks())["generationConfig"]["thinkingConfig"] == budget


def test_a_schema_of_the_api_is_a_json_schema_for_others() -> None:
    parameters = {"type": "OBJECT", "properties": {"n": {"type": "STRING", "nullable": True}}, "maxProperties": "3"}

    request = read({"contents": [], "tools": [{"functionDeclarations": [{"name": "f", "parameters": parameters}]}]})

    (tool,) = request.tools
    assert isinstance(tool, ir.FunctionTool)
    assert tool.parameters == {"type": "object", "properties": {"n": {"type": ["string", "null"]}}, "maxProperties": 3}


def test_what_was_changed_in_between_wins_over_what_came() -> None:
    body: dict[str, Any] = {
        "contents": [],
        "generation_config": {"responseSchema": {"type": "OBJECT"}, "response_mime_type": "application/json", "x": 1},
    }
    request = read(body)
    changed = ir.Request("m", request.items, output=ir.OutputFormat("schema", schema={"type": "array"}), extra=request.extra)

    assert write(changed)["generation_config"] == {
        "responseJsonSchema": {"type": "array"},
        "response_mime_type": "application/json",
        "x": 1,
    }


def test_state_at_the_provider_is_named() -> None:
    assert DIALECT.state_fields(read({"contents": [], "cachedContent": "cachedContents/1"})) == ["cachedContent"]
