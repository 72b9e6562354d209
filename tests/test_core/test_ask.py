"""What routing learns of a request, in each dialect, without its body being parsed in full."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.agents.registry import recognise
from dragoman.core.ask import RequestAsk, ask_facts
from dragoman.dialects.contract import Call, Peek
from dragoman.dialects.registry import dialect, names
from dragoman.policy.identity import Principal
from dragoman.routing.ask import Ask
from dragoman.wire.frame import WireError
from dragoman.wire.splice import Outline

PLACES = {name: dialect(name).glance.places for name in names()}
PATHS = {"generate": "/models/g:generateContent"}
PICTURE = "iVBORw0KGgo" + "A" * 40_000


def ask(name: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> RequestAsk:
    raw = msgspec.json.encode(body)
    peek = dialect(name).peek(Call(PATHS.get(name, "/x"), raw))
    return of(name, raw, peek, headers or {})


def of(name: str, raw: bytes, peek: Peek, headers: dict[str, str]) -> RequestAsk:
    agent = recognise(headers)
    peek = msgspec.structs.replace(peek, outline=peek.outline or Outline(raw))
    return RequestAsk(
        places=PLACES[name],
        headers=headers,
        size_bytes=len(raw),
        wall=0.0,
        agent=agent,
        session=agent.session(headers),
        principal=Principal("ada", "red", "ada@example.com"),
        peek=peek,
    )


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def test_it_is_an_ask() -> None:
    made: Ask = ask("chat", {"model": "m", "messages": []})

    assert (made.client, made.team, made.user, made.model, made.stream) == ("ada", "red", "ada@example.com", "m", False)


EFFORTS: list[tuple[str, dict[str, Any], str | None]] = [
    ("responses", {"reasoning": {"effort": "high"}}, "high"),
    ("responses", {"reasoning": {"summary": "auto"}}, None),
    ("responses", {"reasoning": "high"}, None),
    ("chat", {"reasoning_effort": "low"}, "low"),
    ("chat", {"reasoning": {"effort": "low"}}, "low"),
    ("messages", {"output_config": {"effort": "max"}}, "max"),
    ("messages", {"thinking": {"type": "disabled"}}, "none"),
    ("messages", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
    ("messages", {"thinking": {"type": "enabled", "budget_tokens": 8000}}, "medium"),
    ("messages", {"thinking": {"type": "enabled", "budget_tokens": 32000}}, "high"),
    ("generate", {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HIGH"}}}, "high"),
    ("generate", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, "none"),
    ("generate", {"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}}, None),
    ("generate", {}, None),
]


@pytest.mark.parametrize(("name", "body", "effort"), EFFORTS)
def test_effort_is_read_where_the_dialect_says_it(name: str, body: dict[str, Any], effort: str | None) -> None:
    assert ask(name, {"model": "m", **body}).effort == effort


TOOLS: list[tuple[str, dict[str, Any], int]] = [
    ("responses", {"tools": [{"type": "function", "name": "a"}, {"type": "namespace", "name": "n", "tools": [{}, {}]}]}, 3),
    ("responses", {"input": [{"type": "additional_tools", "tools": [{"type": "namespace", "tools": [{}]}, {"type": "custom"}]}]}, 2),
    ("responses", {"input": '"additional_tools"', "tools": []}, 0),
    ("chat", {"tools": [{"type": "function", "function": {"name": "a"}}]}, 1),
    ("chat", {"functions": [{"name": "a"}, {"name": "b"}]}, 2),
    ("messages", {"tools": [{"name": "a"}]}, 1),
    ("generate", {"tools": [{"functionDeclarations": [{"name": "a"}, {"name": "b"}]}, {"googleSearch": {}}]}, 3),
    ("generate", {"tools": "none"}, 0),
]


@pytest.mark.parametrize(("name", "body", "count"), TOOLS)
def test_tools_are_counted_each(name: str, body: dict[str, Any], count: int) -> None:
    assert ask(name, {"model": "m", **body}).tools == count


MEDIA: list[tuple[str, dict[str, Any], set[str]]] = [
    ("responses", {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "u"}]}]}, {"image"}),
    ("responses", {"input": [{"role": "user", "content": 'a "type":"input_image" in words'}]}, set()),
    ("responses", {"input": [{"role": "user", "content": [{"type": "input_file"}, {"type": "input_audio"}]}]}, {"file", "audio"}),
    ("chat", {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]}, {"image"}),
    ("messages", {"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "document"}]}]}, {"image", "file"}),
    ("generate", {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "A"}}]}]}, {"image"}),
    ("generate", {"contents": [{"parts": [{"fileData": {"mimeType": "application/pdf"}}]}]}, {"file"}),
]


@pytest.mark.parametrize(("name", "body", "media"), MEDIA)
def test_what_a_conversation_holds_is_told(name: str, body: dict[str, Any], media: set[str]) -> None:
    assert ask(name, {"model": "m", **body}).modalities == {"text", *media}


def test_pictures_in_the_body_are_no_tokens() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}]}

    assert ask("chat", body).tokens < 100
    assert ask("chat", {"model": "m", "messages": [user("x" * 40_000)]}).tokens > 10_000


def test_letters_that_only_look_like_a_picture_are_tokens() -> None:
    # Runs just too short for one, of which there may be a whole body full: looked at letter by letter they would hold up everything.
    text = f"{'a' * 2047} " * 2000

    made = ask("chat", {"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url"}, {"type": "text", "text": text}]}]})

    assert (len(made.modalities), made.tokens) == (2, made.size_bytes // 4)


@pytest.mark.parametrize(
    ("body", "tokens"), [({}, 500), ({"max_tokens": 20}, 20), ({"max_completion_tokens": 9000}, 500), ({"max_tokens": -1}, 500)]
)
def test_an_answer_is_no_longer_than_its_limit(body: dict[str, Any], tokens: int) -> None:
    assert ask("chat", {"model": "m", **body}).output_tokens == tokens


def test_metadata_of_the_header_stands_over_that_of_the_body() -> None:
    made = ask("chat", {"model": "m", "metadata": {"a": "1", "b": 2, "c": [1]}}, {"x-dragoman-metadata": '{"b": true, "d": "x"}'})

    assert made.metadata == {"a": "1", "b": "true", "d": "x"}


def test_metadata_of_the_header_is_utf_8() -> None:
    sent = '{"city": "Zürich 東京"}'.encode()

    made = ask("chat", {"model": "m"}, {"x-dragoman-metadata": sent.decode("latin-1")})

    assert made.metadata == {"city": "Zürich 東京"}


@pytest.mark.parametrize("header", ["", "no json", "[1]", "\udcff"])
def test_metadata_that_is_none_is_left_out(header: str) -> None:
    assert ask("chat", {"model": "m", "metadata": "x"}, {"x-dragoman-metadata": header}).metadata == {}


# ---- sessions ------------------------------------------------------------------------------------------------------------


def test_the_agents_session_comes_first() -> None:
    made = ask("responses", {"model": "m", "prompt_cache_key": "k"}, {"session-id": "s"})

    assert (made.session, made.session_from) == ("s", "the agent's session")


def test_a_prompt_cache_key_is_a_session() -> None:
    made = ask("responses", {"model": "m", "prompt_cache_key": "k"})

    assert (made.session, made.session_from) == ("k", "`prompt_cache_key`")


def test_a_short_prompt_has_no_session() -> None:
    made = ask("chat", {"model": "m", "messages": [user("hi")]})

    assert (made.session, made.session_from) == (None, "")


LONG = "You are careful. " * 400
BEGINNINGS = {
    "responses": lambda *items: {"instructions": LONG, "input": list(items)},
    "chat": lambda *items: {"messages": [{"role": "system", "content": LONG}, *items]},
    "messages": lambda *items: {"system": LONG, "messages": list(items)},
    "generate": lambda *items: {"systemInstruction": {"parts": [{"text": LONG}]}, "contents": list(items)},
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_long_conversation_is_known_by_how_it_begins(name: str) -> None:
    make = BEGINNINGS[name]
    first = ask(name, {"model": "m", **make(user("fix it"))})
    later = ask(name, {"model": "m", **make(user("fix it"), {"role": "assistant", "content": "done"}, user("and now?"))})
    other = ask(name, {"model": "m", **make(user("explain it"))})

    assert first.session == later.session != other.session
    assert first.session_from == "the prompt's beginning"


ODD = [
    '[{"content": "fix {it}", "role": "user"}',
    '[{"role":"system","content":"\\"role\\":\\"user\\"} {"},{"role": "user","content":[{"type":"text","text":"a } \\" { b"}]}',
    '[{"type":"x","role" :\n"user","content":{"a":{"b":"}"}}}',
]


@pytest.mark.parametrize("items", ODD)
def test_the_first_item_of_the_user_is_found_however_it_is_written(items: str) -> None:
    def session(after: str) -> str | None:
        raw = f'{{"model":"m","pad":"{"x" * 5000}","messages":{items}{after}}}'.encode()
        return of("chat", raw, dialect("chat").peek(Call("/x", raw)), {}).session

    first = session("]")

    assert first == session(',{"role":"assistant","content":"}"},{"role":"user","content":"more"}]')
    assert first is not None


def test_a_list_without_roles_is_known_by_its_first_item() -> None:
    def session(*items: str) -> str | None:
        return ask("generate", {"model": "m", "pad": LONG, "contents": [{"parts": [{"text": item}]} for item in items]}).session

    assert session("a") == session("a", "b") != session("b")


def test_conversations_that_differ_in_the_users_first_words_are_told_apart_behind_a_long_prompt() -> None:
    sessions = {ask("chat", {"model": "m", **BEGINNINGS["chat"](user(LONG + word + LONG[:50]))}).session for word in ("a", "b", "c")}

    assert len(sessions) == 3


def test_what_codex_says_of_a_request_are_its_kinds() -> None:
    headers = {"originator": "codex_exec", "x-codex-turn-metadata": '{"request_kind": "compaction"}'}

    assert ask("responses", {"model": "m"}, headers).kinds == ("compaction",)
    assert ask("responses", {"model": "m"}, headers | {"x-openai-subagent": "compact"}).kinds == ("compact", "compaction", "subagent")
    assert ask("responses", {"model": "m"}, {"originator": "codex_exec"}).kinds == ()


def test_a_classifier_is_shown_the_users_last_words() -> None:
    made = ask("chat", {"model": "m", "messages": [user("one"), {"role": "assistant", "content": "x"}, user("two"), {"role": "tool"}]})

    assert made.excerpt() == '{"role":"user","content":"two"}'
    assert made.excerpt(5) == '{"rol'


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=8), st.sampled_from(["user", "image", "function"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["role", "type", "tools", "content", "effort", "budget_tokens", "thinkingConfig", "x"]), inner),
    ),
    max_leaves=12,
)
FIELDS = ["reasoning", "tools", "input", "messages", "contents", "system", "thinking", "metadata", "generationConfig", "prompt_cache_key"]


@given(st.sampled_from(sorted(PLACES)), st.dictionaries(st.sampled_from(FIELDS), values), st.integers(0, 5000))
def test_any_body_has_its_facts(name: str, body: dict[str, Any], padding: int) -> None:
    raw = msgspec.json.encode({**body, "pad": "x" * padding})
    try:
        outline = Outline(raw)
    except WireError:
        return

    made = of(name, raw, Peek("m", outline=outline), {})

    assert ask_facts(made)["model"] == "m"
    assert made.session is None or made.session_from
