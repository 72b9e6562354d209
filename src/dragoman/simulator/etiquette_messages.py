"""The rules of Anthropic Messages for a request as a whole (https://docs.claude.com/en/api/messages); its turns are next door."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from dragoman.simulator.claude import Claude, claude, is_thinking
from dragoman.simulator.etiquette_turns import check_turns
from dragoman.simulator.prompt import prompt
from dragoman.simulator.script import Etiquette
from dragoman.simulator.shapes import as_dict, as_dicts, as_list
from dragoman.simulator.view import View
from dragoman.simulator.violation import Violation

Body = dict[str, Any]
_NEWEST = "2026-10-21"


def check_messages(view: View, etiquette: Etiquette) -> Iterable[Violation]:
    """Every rule that the request breaks."""
    body, family = view.body, claude(view.model)
    version = view.headers.get("anthropic-version")
    if version is None:
        yield Violation("anthropic-version: header is required")
    elif version not in _VERSIONS:
        yield Violation(f'anthropic-version: "{version}" is not a valid version')
    if etiquette.unknown_fields == "refused":
        yield from _unknown(body, view.headers)
    yield from _required(body)
    yield from _sampling(body, version, family)
    yield from _thinking(view, family)
    yield from _output(view, family)
    yield from _tools(body)
    yield from _tool_choice(view, family)
    yield from _breakpoints(view)
    yield from check_turns(body, family, version == _NEWEST)


def _wrong(path: str, message: str) -> Violation:
    """A violation at some place of the body, in Anthropic's form."""
    return Violation(f"{path}: {message}", path)


def _unknown(body: Body, headers: dict[str, str]) -> Iterable[Violation]:
    allowed = _FIELDS | _BETA_FIELDS if "anthropic-beta" in headers else _FIELDS
    for name in body:
        if name not in allowed:
            yield _wrong(name, "Extra inputs are not permitted")


def _required(body: Body) -> Iterable[Violation]:
    if not isinstance(body.get("model"), str):
        yield _wrong("model", "Field required")
    tokens = body.get("max_tokens")
    if tokens is None:
        yield _wrong("max_tokens", "Field required")
    elif not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        yield _wrong("max_tokens", "Input should be a valid integer, greater than or equal to 0")
    system = body.get("system")
    for number, block in enumerate(as_dicts(system)):
        if block.get("type") != "text":
            yield _wrong(f"system.{number}.type", "Input should be 'text'")
        elif not str(block.get("text") or ""):
            yield Violation("system: text content blocks must be non-empty", "system")
    if system is not None and not isinstance(system, str | list):
        yield _wrong("system", "Input should be a valid list")
    if len(as_list(body.get("stop_sequences"))) != len([one for one in as_list(body.get("stop_sequences")) if str(one).strip()]):
        yield Violation("stop_sequences: each stop sequence must contain non-whitespace", "stop_sequences")


def _sampling(body: Body, version: str | None, family: Claude) -> Iterable[Violation]:
    for name, default in _SAMPLING.items():
        if name not in body:
            continue
        if version == _NEWEST:
            yield _wrong(name, "Extra inputs are not permitted")
        elif not family.sampling and body[name] != default:
            yield Violation(f"`{name}` is deprecated for this model.", name)
    temperature = body.get("temperature")
    if isinstance(temperature, int | float) and not 0 <= temperature <= 1:
        yield _wrong("temperature", "range: 0..1")


def _thinking(view: View, family: Claude) -> Iterable[Violation]:
    thinking = as_dict(view.body.get("thinking"))
    kind = thinking.get("type")
    if "thinking" not in view.body:
        return
    if kind not in _THINKING:
        told = f"Input tag '{kind}' found using 'type' does not match any of the expected tags: {', '.join(_THINKING)}"
        yield _wrong("thinking", told)
        return
    if kind not in family.thinking:
        yield Violation(
            f'"thinking.type.{kind}" is not supported for this model. Use "thinking.type.{family.thinking[0]}" and '
            '"output_config.effort" to control thinking behavior.',
            "thinking",
        )
    if kind == "enabled":
        yield from _budget(thinking, view.body)
    elif "budget_tokens" in thinking:
        yield _wrong(f"thinking.{kind}.budget_tokens", "Extra inputs are not permitted")
    if thinking.get("display") not in (None, "summarized", "omitted", "updates"):
        yield _wrong(f"thinking.{kind}.display", "Input should be 'summarized' or 'omitted'")


def _budget(thinking: Body, body: Body) -> Iterable[Violation]:
    budget, most = thinking.get("budget_tokens"), body.get("max_tokens")
    if not isinstance(budget, int):
        yield _wrong("thinking.enabled.budget_tokens", "Field required")
        return
    if budget < 1024:
        yield _wrong("thinking.enabled.budget_tokens", "Input should be greater than or equal to 1024")
    if isinstance(most, int) and budget >= most:
        yield Violation("`max_tokens` must be greater than `thinking.budget_tokens`.", "max_tokens")
    if body.get("temperature") not in (None, 1):
        yield Violation("`temperature` may only be set to 1 when thinking is enabled.", "temperature")


def _output(view: View, family: Claude) -> Iterable[Violation]:
    config = as_dict(view.body.get("output_config"))
    effort = config.get("effort")
    if effort is not None and not family.efforts:
        yield Violation("This model does not support the effort parameter.", "output_config.effort")
    elif effort is not None and effort not in family.efforts:
        listed = ", ".join(f"'{one}'" for one in family.efforts)
        yield _wrong("output_config.effort", f"Input should be one of {listed} for this model")
    if as_dict(view.body.get("thinking")).get("type") == "disabled" and effort in ("xhigh", "max"):
        yield Violation(f"output_config.effort '{effort}' is not supported while thinking is disabled.", "output_config.effort")
    form = as_dict(config.get("format"))
    if form and form.get("type") != "json_schema":
        yield _wrong("output_config.format.type", "Input should be 'json_schema'")
    elif form:
        yield from _schema("output_config.format.schema", form.get("schema"))


def _schema(path: str, given: Any) -> Iterable[Violation]:
    """What structured outputs and strict tools do not take."""
    schema = as_dict(given)
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        yield _wrong(path, "For 'object' type, 'additionalProperties' must be explicitly set to false")
    for name in _UNSUPPORTED:
        if name in schema:
            yield _wrong(path, f"For '{schema.get('type')}' type, property '{name}' is not supported")
    for group in ("properties", "$defs", "definitions"):
        for name, inner in as_dict(schema.get(group)).items():
            yield from _schema(f"{path}.{group}.{name}", inner)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from _schema(f"{path}.{name}", schema[name])
    for name in ("anyOf", "allOf"):
        for number, inner in enumerate(as_list(schema.get(name))):
            yield from _schema(f"{path}.{name}.{number}", inner)


def _tools(body: Body) -> Iterable[Violation]:
    names: list[str] = []
    for number, tool in enumerate(as_dicts(body.get("tools"))):
        kind = str(tool.get("type") or "custom")
        names.append(str(tool.get("name") or tool.get("mcp_server_name") or kind))
        if kind == "custom":
            yield from _custom_tool(f"tools.{number}.custom", tool)
        elif not _SERVED.match(kind):
            yield _wrong(f"tools.{number}", f"Input tag '{kind}' found using 'type' does not match any of the expected tags")
    if len(set(names)) != len(names):
        yield Violation("tools: Tool names must be unique.", "tools")


def _custom_tool(path: str, tool: Body) -> Iterable[Violation]:
    if not _NAME.fullmatch(str(tool.get("name") or "")):
        yield _wrong(f"{path}.name", "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
    schema = tool.get("input_schema")
    if not isinstance(schema, dict):
        yield _wrong(f"{path}.input_schema", "Field required")
    elif as_dict(schema).get("type") != "object":
        yield _wrong(f"{path}.input_schema.type", "Input should be 'object'")
    for name in ("oneOf", "allOf", "anyOf"):
        if name in as_dict(schema):
            yield _wrong(f"{path}.input_schema", "input_schema does not support oneOf, allOf, or anyOf at the top level")
    if tool.get("strict") is True:
        yield from _schema(f"{path}.input_schema", schema)
    for name in tool:
        if name not in _TOOL_FIELDS:
            yield _wrong(f"{path}.{name}", "Extra inputs are not permitted")


def _tool_choice(view: View, family: Claude) -> Iterable[Violation]:
    choice = as_dict(view.body.get("tool_choice"))
    kind = choice.get("type")
    if "tool_choice" not in view.body:
        return
    if kind not in ("auto", "any", "tool", "none"):
        yield _wrong("tool_choice", f"Input tag '{kind}' does not match any of the expected tags: 'any', 'auto', 'none', 'tool'")
        return
    if not view.body.get("tools") and kind != "none":
        yield _wrong("tool_choice", "tool_choice may only be specified while providing tools")
    if kind not in ("any", "tool"):
        return
    if not family.forced_choice:
        yield _wrong("tool_choice", 'type "tool" and "any" are not supported for this model')
    elif is_thinking(view) and not family.thinks_by_default:
        yield Violation("Thinking may not be enabled when tool_choice forces tool use.", "tool_choice")
    if kind == "tool" and view.tool(str(choice.get("name"))) is None:
        yield Violation(f"Tool '{choice.get('name')}' not found in provided tools", "tool_choice")


def _breakpoints(view: View) -> Iterable[Violation]:
    marks = [block.mark for block in prompt(view) if block.mark is not None]
    found = len(marks) + ("cache_control" in view.body)
    if found > 4:
        yield Violation(f"A maximum of 4 blocks with cache_control may be provided. Found {found}.", "cache_control")
    if any(mark not in ("5m", "1h") for mark in marks):
        yield _wrong("cache_control.ephemeral.ttl", "Input should be '5m' or '1h'")
    if "1h" in marks[marks.index("5m") :] if "5m" in marks else False:
        yield Violation("cache_control: a ttl='1h' block must not come after a ttl='5m' block.", "cache_control")


_VERSIONS = ("2023-01-01", "2023-06-01", _NEWEST)
_SAMPLING: dict[str, Any] = {"temperature": 1, "top_p": None, "top_k": None}
_THINKING = ("adaptive", "between_tools", "disabled", "enabled")
_UNSUPPORTED = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems", "oneOf")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_SERVED = re.compile(
    r"(?:bash|text_editor|computer|memory|browser_toolset|computer_toolset|web_search|web_fetch|code_execution|tool_search_tool_regex"
    r"|tool_search_tool_bm25|advisor)_20\d{6}$|tool_search_tool_(?:regex|bm25)$|mcp_toolset$"
)
_TOOL_FIELDS = frozenset(
    (
        *("type", "name", "description", "input_schema", "cache_control", "strict", "defer_loading", "allowed_callers"),
        *("input_examples", "eager_input_streaming"),
    )
)
_FIELDS = (
    frozenset(
        [
            "model",
            "messages",
            "max_tokens",
            "system",
            "stop_sequences",
            "stream",
            "tools",
            "tool_choice",
            "thinking",
            "metadata",
            "service_tier",
            "container",
            "output_config",
            "cache_control",
            "inference_geo",
            "speed",
            "diagnostics",
        ]
    )
    | _SAMPLING.keys()
)
_BETA_FIELDS = frozenset(
    ("context_management", "compaction", "thread", "fallbacks", "fallback_credit_token", "billing_policy", "mcp_servers", "output_format")
)
