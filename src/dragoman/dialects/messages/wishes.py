"""How hard to think, and the form of the answer: `thinking` and `output_config`.

Which form of thinking a model takes is a fact about its family, told by quirks.
https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking, https://platform.claude.com/docs/en/build-with-claude/effort
"""

from __future__ import annotations

from dragoman.dialects.contract import Quirks
from dragoman.dialects.messages.blocks import Pen
from dragoman.dialects.messages.schema import fitted, open_objects
from dragoman.dialects.remainder import JsonObject, object_or_empty, text_or_none
from dragoman.ir.request import OutputFormat, ReasoningWish, Request
from dragoman.wire.frame import Headers

# Tokens for thinking where a model wants a number. They leave room for the answer in the smallest limit of such models.
_BUDGETS = {"minimal": 1024, "low": 4096, "medium": 10_000, "high": 20_000, "xhigh": 32_000, "max": 48_000}
_LEAST_BUDGET = 1024
_ADAPTIVE = "medium"
"""How hard to think where the model may decide that itself, for APIs that want a word for it."""
_CUTS = ((4096, "low"), (16_384, "medium"))


def read_wish(came: JsonObject) -> ReasoningWish | None:
    """What `thinking` and `output_config.effort` ask for."""
    thinking = object_or_empty(came.get("thinking"))
    effort = text_or_none(object_or_empty(came.get("output_config")), "effort")
    summary = "auto" if thinking.get("display") == "summarized" else None
    if thinking.get("type") in ("disabled", "between_tools"):
        return ReasoningWish("none")
    budget = thinking.get("budget_tokens") if thinking.get("type") == "enabled" else None
    budget = budget if isinstance(budget, int) and not isinstance(budget, bool) else None
    if thinking.get("type") == "adaptive" and effort is None:
        effort = _ADAPTIVE
    if effort is None and budget is None and summary is None:
        return None
    return ReasoningWish(effort, summary, budget)


_HEARD = {
    "thinking": frozenset({"type", "budget_tokens"}),
    "output_config": frozenset({"effort", "format"}),
    "metadata": frozenset({"user_id"}),
}


def unheard(came: JsonObject) -> JsonObject:
    """What `thinking`, `output_config` and `metadata` say beyond their neutral forms, under their names."""
    found = {
        name: {field: value for field, value in object_or_empty(came.get(name)).items() if field not in known and value != "summarized"}
        for name, known in _HEARD.items()
    }
    return {name: rest for name, rest in found.items() if rest}


def write_wish(request: Request, pen: Pen, quirks: Quirks, body: JsonObject) -> None:
    """Put `thinking` and `output_config.effort` into a body whose `max_tokens` is set."""
    wish = request.reasoning
    if wish is None:
        return
    if wish.effort == "none":
        if quirks.thinking_off != "omitted":
            body["thinking"] = {"type": quirks.thinking_off}
        return
    if quirks.thinking == "adaptive":
        _write_adaptive(wish, quirks, body)
    elif quirks.thinking == "budget" and (wish.effort is not None or wish.budget_tokens is not None):
        _write_budget(wish, pen, body)


def loosen(body: JsonObject) -> Headers:
    """Have the API leave out thoughts whose conversation was changed since, instead of refusing them; the header that this takes.

    https://platform.claude.com/docs/en/build-with-claude/extended-thinking (preserved thinking)
    """
    thinking: JsonObject = {"type": "adaptive", **body.get("thinking", {})}
    if thinking["type"] == "disabled":
        return ()
    body["thinking"] = {**thinking, "block_binding": {"prefix_mismatch_behavior": "drop_block"}}
    return (("anthropic-beta", "thinking-binding-controls-2026-08-01"),)


def read_output(came: JsonObject) -> OutputFormat | None:
    """What `output_config.format` (before: `output_format`) asks for."""
    form = object_or_empty(object_or_empty(came.get("output_config")).get("format") or came.get("output_format"))
    schema = form.get("schema")
    if form.get("type") != "json_schema" or not isinstance(schema, dict):
        return None
    return OutputFormat("schema", text_or_none(form, "name"), schema, strict=True)  # pyright: ignore[reportUnknownArgumentType]


def write_output(request: Request, pen: Pen, body: JsonObject) -> None:
    """Put `output_config.format` into a body."""
    output = request.output
    if output is None or output.kind == "text":
        return
    if output.kind == "json" or output.schema is None:
        pen.lost.append(("output", "messages has no JSON mode without a schema"))
        return
    if open_objects(output.schema):
        pen.lost.append(("output", "the schema has objects with free fields, which this API closes"))
    schema = fitted(output.schema)
    if output.description:
        schema = {"description": output.description, **schema}
    body.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": schema}


def _write_adaptive(wish: ReasoningWish, quirks: Quirks, body: JsonObject) -> None:
    effort = wish.effort
    if effort is None and wish.budget_tokens is not None:
        effort = next((word for cut, word in _CUTS if wish.budget_tokens < cut), "high")
    if effort is None and quirks.thinking_off == "omitted":
        return  # a model that doesn't think unasked, and nobody asked
    thinking: JsonObject = {"type": "adaptive"}
    if wish.summary not in (None, "none") or (quirks.binds_thoughts and wish.summary is None):
        # The newest models keep their thoughts to themselves unless told otherwise, and say even their words between tool calls
        # as thoughts: an agent would go silent.
        thinking["display"] = "summarized"
    body["thinking"] = thinking
    if effort is not None:
        body["output_config"] = {"effort": effort}


def _write_budget(wish: ReasoningWish, pen: Pen, body: JsonObject) -> None:
    budget = wish.budget_tokens if wish.budget_tokens is not None else _BUDGETS.get(wish.effort or "", _BUDGETS["medium"])
    budget = max(_LEAST_BUDGET, budget)
    # The limit holds thoughts and answer; half of it is for the answer.
    budget = min(budget, body["max_tokens"] // 2)
    if budget < _LEAST_BUDGET:
        pen.lost.append(("reasoning.effort", f"`max_tokens` leaves less than {_LEAST_BUDGET} tokens for thoughts"))
        return
    body["thinking"] = {"type": "enabled", "budget_tokens": budget}
