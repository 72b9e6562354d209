"""Facts about model families wherever they are hosted: efforts, sampling, thinking with tools, output limits, spelling.

Only what a model demands or cannot do stands here; what its host grants or lacks is in the host's profile. An unknown name gets
no facts, so the host's defaults hold. Sources: the makers' model pages, linked in the table's groups.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from dragoman.dialects.contract import Quirks
from dragoman.lower.capabilities import Capabilities
from dragoman.profiles.contract import Profile

_CLAUDE_DOT = re.compile(r"(?<=\d)\.(?=[\d*?])")
_CLAUDE_DASH = re.compile(r"(?<![\d-])-(\d{1,2})-(\d{1,2})(?!\d)")
_GEMINI_BEFORE_3 = re.compile(r"gemini-[12]\.")
_SUFFIX = re.compile(r"[:@].*$")
_KEPT = 8192
"""Names whose spelling is remembered; clients choose some, so their number is bounded."""

_LOW = ("low", "medium", "high")
_MINIMAL = ("minimal", *_LOW)
_NONE = ("none", *_LOW)
_XHIGH = (*_NONE, "xhigh")
_MAX = (*_XHIGH, "max")
_UP_TO_XHIGH = (*_LOW, "xhigh")
_ALWAYS = (*_UP_TO_XHIGH, "max")
_COARSE = ("low", "high", "max")
_NO_EFFORT: tuple[str, ...] = ()


class Family(msgspec.Struct, frozen=True):
    """A family: names that begin with `prefix` and go on with no letter or digit. `facts` are fields of Capabilities;
    `in_dialect` holds those that hold in one dialect only; `dialect` is the one that it must be asked in, if any; `quirks` are
    fields of Quirks, of the dialects in which it is asked."""

    prefix: str
    facts: dict[str, Any]
    in_dialect: dict[str, dict[str, Any]] = {}
    dialect: str | None = None
    quirks: dict[str, Any] = {}


def _gpt(prefix: str, efforts: tuple[str, ...] | None, tokens: int = 128_000, **facts: Any) -> Family:
    return Family(prefix, {"efforts": efforts, "max_output_tokens": tokens, **facts})


def _thinking_gpt(
    prefix: str, efforts: tuple[str, ...] | None, dialect: str | None = None, *, in_chat: dict[str, Any] | None = None
) -> Family:
    """From gpt-5.4 on Chat refuses function tools together with an effort, and sampling goes while the model thinks. From gpt-6 on
    it refuses them together with the effort that such a model has by itself, so it is asked in Responses."""
    facts = {"efforts": efforts, "max_output_tokens": 128_000, "sampling": False}
    return Family(prefix, facts, {"chat": {"reasoning_with_tools": False, **(in_chat or {})}}, dialect)


def _plain(prefix: str, tokens: int | None = None, **facts: Any) -> Family:
    """A model without any switch for its reasoning."""
    limit = {} if tokens is None else {"max_output_tokens": tokens}
    return Family(prefix, {"efforts": _NO_EFFORT, **limit, **facts})


# Claude's newest models bind a thought to model and prefix, and refuse to be forced to call a tool.
_BOUND: dict[str, Any] = {"proofs_of_model": True, "forced_tools": False}
# Those before adaptive thinking think by a budget of tokens, under stricter rules. Thoughts of another model are dropped, so that they
# don't count as the thought that a tool turn must begin with. They are the last that go on from an assistant's message at the end.
_BUDGETED: dict[str, Any] = {
    "efforts": _NONE,
    "thought_first": True,
    "forced_while_thinking": False,
    "proofs_of_model": True,
    "prefill": True,
}
# Few take system messages in mid-conversation. https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
_LATE: dict[str, Any] = {"late_system": True}


def _claude(
    prefix: str,
    efforts: tuple[str, ...],
    tokens: int = 128_000,
    *,
    messages: dict[str, Any] | None = None,
    off: str = "omitted",
    **facts: Any,
) -> Family:
    """`off`: how it is told not to think. Models with a budget say so in `messages`; the oldest, without efforts, don't think."""
    facts_here = messages or {}
    thinking = "budget" if facts_here.get("thought_first") else "adaptive" if efforts else "none"
    bound = thinking == "adaptive" and facts_here.get("proofs_of_model", False)
    quirks = {"thinking": thinking, "thinking_off": off, "binds_thoughts": bound}
    limits = {"efforts": efforts, "max_output_tokens": tokens, **facts}
    return Family(prefix, limits, {"messages": facts_here} if messages else {}, quirks=quirks)


def _gemini(prefix: str, efforts: tuple[str, ...], tokens: int = 65_536, **facts: Any) -> Family:
    """From Gemini 3 on: levels of thinking, signed calls, pictures in results, own tools and a schema beside functions."""
    in_generate = {"images_in_results": True, "schema_with_tools": True}
    quirks = {"thinking": "level", "sign_calls": True, "mixed_tools": True}
    return Family(prefix, {"efforts": efforts, "max_output_tokens": tokens, **facts}, {"generate": in_generate}, quirks=quirks)


_FAMILIES: tuple[Family, ...] = (
    # OpenAI. https://developers.openai.com/api/docs/models
    _thinking_gpt("gpt-", None, "responses"),
    _thinking_gpt("gpt-6", _MAX, "responses"),
    _thinking_gpt("gpt-6-astra", _ALWAYS, "responses"),
    _thinking_gpt("gpt-6.1-sol", _ALWAYS, "responses"),
    _thinking_gpt("gpt-6.2-astra", _ALWAYS, "responses", in_chat={"efforts": _UP_TO_XHIGH}),
    _thinking_gpt("gpt-6.2-sol", _ALWAYS, "responses", in_chat={"efforts": _UP_TO_XHIGH}),
    _thinking_gpt("gpt-5.4", _XHIGH),
    _thinking_gpt("gpt-5.5", _XHIGH),
    _thinking_gpt("gpt-5.6", _XHIGH),
    _gpt("gpt-5.3", (*_LOW, "xhigh"), sampling=False),
    _gpt("gpt-5.2", _XHIGH, sampling=False),
    _gpt("gpt-5.1", _NONE, sampling=False),
    _gpt("gpt-5", _MINIMAL, sampling=False),
    _gpt("gpt-5-pro", ("high",), sampling=False),
    _gpt("gpt-5-chat", _NO_EFFORT, 16_384),
    _gpt("gpt-5.1-chat", _NO_EFFORT, 16_384),
    _gpt("gpt-5.2-chat", _NO_EFFORT, 16_384),
    _gpt("gpt-5.3-chat", _NO_EFFORT, 16_384),
    _gpt("gpt-oss", _LOW, 131_072),
    _plain("gpt-4", 8_192),
    _plain("gpt-4-turbo", 4_096),
    _plain("gpt-4.1", 32_768),
    _plain("gpt-4.5", 16_384),
    _plain("gpt-4o", 16_384),
    _plain("gpt-3.5", 4_096, images=False),
    _plain("chatgpt-4o", 16_384),
    Family("gpt-audio", {"efforts": _NO_EFFORT, "max_output_tokens": 16_384}, dialect="chat"),
    Family("gpt-4o-audio", {"efforts": _NO_EFFORT, "max_output_tokens": 16_384}, dialect="chat"),
    Family("gpt-4o-search", {"efforts": _NO_EFFORT, "max_output_tokens": 16_384, "sampling": False}, dialect="chat"),
    Family("gpt-4o-mini-search", {"efforts": _NO_EFFORT, "max_output_tokens": 16_384, "sampling": False}, dialect="chat"),
    _gpt("codex-mini", _LOW, 100_000, sampling=False),
    _gpt("o1", _LOW, 100_000, sampling=False),
    _gpt("o1-mini", _NO_EFFORT, 65_536, sampling=False, developer_role=False),
    _gpt("o3", _LOW, 100_000, sampling=False),
    _gpt("o4-mini", _LOW, 100_000, sampling=False),
    # Anthropic. https://platform.claude.com/docs/en/about-claude/models/overview
    # Thinking: https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking; forced tools and blocks that are bound to
    # model and prefix: the pages on what is new in each. The API takes what its dialect `messages` grants; hosts of Chat vary.
    _claude("claude-", _ALWAYS, sampling=False, messages=_BOUND),
    _claude("claude-opus-5", _MAX, sampling=False, messages=_LATE, off="disabled"),
    _claude("claude-sonnet-5", _MAX, sampling=False, off="disabled"),
    _claude("claude-fable-5", _ALWAYS, sampling=False, messages=_LATE),
    _claude("claude-mythos-5", _ALWAYS, sampling=False, messages=_LATE),
    _claude("claude-opus-5-5", _ALWAYS, sampling=False, messages={**_BOUND, **_LATE}),
    _claude("claude-sonnet-5-5", _MAX, sampling=False, messages=_BOUND, off="between_tools"),
    _claude("claude-haiku-5-5", _MAX, sampling=False, messages={"proofs_of_model": True}, off="disabled"),
    _claude("claude-fable-5-1", _ALWAYS, sampling=False, messages={**_BOUND, **_LATE}),
    _claude("claude-fable-5-2", _ALWAYS, sampling=False, messages={**_BOUND, **_LATE}),
    _claude("claude-mythos-5-1", _ALWAYS, sampling=False, messages={**_BOUND, **_LATE}),
    _claude("claude-mythos-5-2", _ALWAYS, sampling=False, messages={**_BOUND, **_LATE}),
    _claude("claude-opus-4", _NO_EFFORT, 32_000, messages={**_BUDGETED, "schema_output": False}),
    _claude("claude-opus-4-1", _NO_EFFORT, 32_000, messages=_BUDGETED),
    _claude("claude-sonnet-4", _NO_EFFORT, 64_000, messages={**_BUDGETED, "schema_output": False}),
    _claude("claude-haiku-4", _NO_EFFORT, 64_000, messages=_BUDGETED),
    _claude("claude-sonnet-4-5", _NO_EFFORT, 64_000, messages=_BUDGETED),
    _claude("claude-haiku-4-5", _NO_EFFORT, 64_000, messages=_BUDGETED),
    _claude("claude-opus-4-5", _LOW, 64_000, messages=_BUDGETED),
    _claude("claude-opus-4-6", (*_LOW, "max"), messages={"efforts": (*_NONE, "max")}),
    _claude("claude-sonnet-4-6", (*_LOW, "max"), messages={"efforts": (*_NONE, "max")}),
    _claude("claude-opus-4-7", _ALWAYS, sampling=False, messages={"efforts": _MAX}),
    _claude("claude-opus-4-8", _ALWAYS, sampling=False, messages={"efforts": _MAX, **_LATE}),
    _claude("claude-2", _NO_EFFORT, 4_096, images=False, messages={"schema_output": False, "prefill": True}),
    _claude("claude-3", _NO_EFFORT, 4_096, messages={"schema_output": False, "prefill": True}),
    _claude("claude-3-5", _NO_EFFORT, 8_192, messages={"schema_output": False, "prefill": True}),
    _claude("claude-3-7", _NO_EFFORT, 64_000, messages={**_BUDGETED, "schema_output": False}),
    # Google. https://ai.google.dev/gemini-api/docs/thinking
    _gemini("gemini-", _LOW),
    _gemini("gemini-3", _MINIMAL),
    _gemini("gemini-3-pro", _LOW),
    _gemini("gemini-3.1-pro", _LOW),
    _gemini("gemini-3.8", _LOW),
    # Sampling is ignored, and one budget holds for thoughts and answer.
    _gemini("gemini-4", _LOW, 32_768, sampling=False),
    Family("gemini-2.5", {"efforts": _NONE, "max_output_tokens": 65_536}),
    Family("gemini-2.5-pro", {"efforts": _MINIMAL, "max_output_tokens": 65_536}),
    _plain("gemini-2.0", 8_192),
    _plain("gemini-1.5", 8_192),
    _plain("gemma-"),
    # xAI. https://docs.x.ai/docs/guides/reasoning
    Family("grok-", {"efforts": _LOW}),
    Family("grok-3", {"efforts": _NO_EFFORT}),
    Family("grok-3-mini", {"efforts": ("low", "high")}),
    Family("grok-4", {"efforts": _NO_EFFORT}),
    Family("grok-4-1", {"efforts": _NO_EFFORT}),
    Family("grok-4.1", {"efforts": _NO_EFFORT}),
    Family("grok-4.20", {"efforts": _NO_EFFORT}),
    Family("grok-4.3", {"efforts": _NONE}),
    Family("grok-4.5", {"efforts": _LOW}),
    Family("grok-4.6", {"efforts": _LOW}),
    Family("grok-4.7", {"efforts": _LOW}),
    Family("grok-build", {"efforts": _NO_EFFORT}),
    Family("grok-code", {"efforts": _NO_EFFORT}),
    # DeepSeek. https://api-docs.deepseek.com/guides/thinking_mode
    Family("deepseek-v4", {"efforts": _COARSE, "max_output_tokens": 384_000}),
    Family("deepseek-v4.1", {"efforts": _COARSE, "max_output_tokens": 384_000}),
    _plain("deepseek-v3"),
    _plain("deepseek-v3.1"),
    _plain("deepseek-v3.2"),
    _plain("deepseek-r1"),
    _plain("deepseek-chat"),
    _plain("deepseek-reasoner"),
    # Moonshot. Sampling is fixed: a temperature other than 1 is a 400. https://platform.moonshot.ai/docs/api/chat
    # While it thinks, which most of them always do, a choice that forces a tool is one too.
    Family("kimi-", {"efforts": _NO_EFFORT, "sampling": False, "forced_tools": False}),
    Family("kimi-k3", {"efforts": _COARSE, "sampling": False, "forced_tools": False}),
    Family("kimi-k3.1", {"efforts": _COARSE, "sampling": False, "forced_tools": False}),
    # Z.ai. https://docs.z.ai/guides/capabilities/thinking-mode
    Family("glm-", {"efforts": _NO_EFFORT, "max_output_tokens": 128_000}),
    Family("glm-5.3", {"efforts": _COARSE, "max_output_tokens": 128_000}),
    # Mistral. https://docs.mistral.ai/capabilities/reasoning
    _plain("codestral"),
    _plain("ministral"),
    _plain("devstral"),
    # Meta, Cohere, Amazon, Perplexity: no switch for reasoning on compatible APIs.
    _plain("llama-"),
    _plain("llama3"),
    _plain("meta-llama"),
    _plain("command-"),
    _plain("sonar"),
)


def _by_length() -> tuple[Family, ...]:
    return tuple(sorted(_FAMILIES, key=lambda family: len(family.prefix), reverse=True))


_LONGEST_FIRST = _by_length()
_NOTHING = Family("", {})

# What holds in a dialect wherever it is spoken. The Responses API has no choices; whatever else OpenAI's own grants (custom
# tools, namespaces, ...) other servers of it mostly lack, so the profiles say it.
_DIALECTS: dict[str, dict[str, Any]] = {
    # Sealed thoughts are opened only for the organisation whose key had them made.
    "responses": {"choices": False, "audio": False, "proofs_of_key": True, "media_speakers": frozenset({"user", "system", "developer"})},
    "messages": {
        "choices": False,
        "max_tokens_required": True,
        "images_in_results": True,
        "audio": False,
        "json_output": False,
        "late_system": False,
        "reasoning_summary": True,
        # It has breakpoints of its own, so that the key of another API is not missed.
        "cache_key": True,
        "proofs": frozenset({"messages"}),
    },
    "generate": {
        "late_system": False,
        "reasoning_summary": True,
        # Gemini 3 and later do.
        "schema_with_tools": False,
        "parallel_tools": False,
        "media_speakers": frozenset({"user", "assistant"}),
        "service_tier": True,
        "hosted_tools": frozenset({"web_search", "web_fetch", "code_execution", "file_search", "computer", "mcp"}),
        "proofs": frozenset({"generate"}),
        # A signature that another model made may be refused as corrupted.
        "proofs_of_model": True,
    },
}


def family(model: str) -> Family:
    """The family of a model, found by the longest prefix of its bare name; an empty one if none is known."""
    name = bare(model)
    return next((known for known in _LONGEST_FIRST if is_of(name, known.prefix)), _NOTHING)


def capabilities(profile: Profile, dialect: str, model: str, overrides: Mapping[str, object] | None = None) -> Capabilities:
    """What `model` at a provider of `profile` takes in `dialect`: defaults, then dialect, profile, family and config; the last
    one that says something counts. `overrides` are fields of Capabilities, as config gives them."""
    known = family(model)
    merged: dict[str, Any] = {
        **_DIALECTS.get(dialect, {}),
        **profile.capabilities.get(dialect, {}),
        **known.facts,
        **known.in_dialect.get(dialect, {}),
        **(overrides or {}),
        "dialect": dialect,
    }
    return Capabilities(**merged)


def quirks_of(profile: Profile, model: str, overrides: Mapping[str, object] | None = None) -> Quirks:
    """How `model` at a provider of `profile` varies the APIs that it is asked in: profile, family and config; the last one that
    says something counts. `overrides` are fields of Quirks, as config gives them."""
    return msgspec.structs.replace(profile.quirks, **{**family(model).quirks, **(overrides or {})})


def dialect_for(profile: Profile, model: str, chosen: str | None = None, wanted: str | None = None) -> str:
    """The dialect in which `model` is asked: the one that config chose, else the one that its family needs, else the one that
    the client speaks (`wanted`), the latter two only if the provider speaks it; else the provider's best."""
    if chosen is not None:
        return chosen
    return next(name for name in (family(model).dialect, wanted, *profile.dialects) if name is not None and name in profile.dialects)


def known_names() -> tuple[str, ...]:
    """Names of well-known models, for suggestions."""
    return tuple(known.prefix for known in _FAMILIES if not known.prefix.endswith("-"))


def searches_once(model: str) -> bool:
    """Whether a request of it that searches the web is billed once for that, however many searches there were: Gemini before 3.
    https://ai.google.dev/gemini-api/docs/pricing"""
    return _GEMINI_BEFORE_3.match(bare(model)) is not None


def is_of(name: str, prefix: str) -> bool:
    """Whether a name belongs to a prefix: no letter or digit follows, nor a further digit of a version (`gpt-5` does not stand
    for `gpt-5.4`), unless the prefix ends with a mark."""
    if not name.startswith(prefix):
        return False
    rest = name[len(prefix) :]
    if not rest or not prefix[-1:].isalnum():
        return True
    return not rest[0].isalnum() and not (rest[0] == "." and prefix[-1].isdigit() and rest[1:2].isdigit())


def bare(model: str) -> str:
    """The name without its vendor, folder, region or variant, in canonical spelling: `anthropic/claude-sonnet-4.5:free`
    and `us.anthropic.claude-sonnet-4-5` are `claude-sonnet-4-5`."""
    name = canonical(_SUFFIX.sub("", model.rpartition("/")[2]).lower())
    at = name.find("claude-")
    return name[at:] if at > 0 else name


@lru_cache(_KEPT)
def canonical(name: str) -> str:
    """The one spelling of a name that has two: Claude's versions are written with `-`. Other names are returned as they are."""
    at = name.find("claude-")
    return name if at < 0 else name[:at] + _CLAUDE_DOT.sub("-", name[at:])


def spell(name: str, version_mark: str | None) -> str:
    """A name as the host writes it: Claude's versions with `-` or `.`; None leaves it as it is."""
    at = name.find("claude-")
    if at < 0 or version_mark is None:
        return name
    dashed = canonical(name)
    return dashed if version_mark == "-" else dashed[:at] + _CLAUDE_DASH.sub(r"-\1.\2", dashed[at:])
