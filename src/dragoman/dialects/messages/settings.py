"""The settings of a request. What came in this dialect stays as it came while its meaning is the same.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dragoman.dialects.contract import Quirks
from dragoman.dialects.messages.blocks import Pen
from dragoman.dialects.messages.tools import read_choice, write_choice
from dragoman.dialects.messages.wishes import read_output, read_wish, write_output, write_wish
from dragoman.dialects.remainder import JsonObject, list_at, object_or_empty, text_or_none, wrong
from dragoman.ir.request import Request, Sampling

_TOKENS = 8192
"""`max_tokens` where neither the client nor the facts about the model name one; every model of this API takes it."""

_TIERS = {"auto": "auto", "priority": "auto", "default": "standard_only", "standard_only": "standard_only"}


class _Setting(msgspec.Struct, frozen=True):
    """One thing that a request can say: the wire fields that say it, what they mean, what the request means, and how that is
    written."""

    wire: tuple[str, ...]
    read: Callable[[JsonObject], Any]
    meant: Callable[[Request], Any]
    write: Callable[[Request, Pen, Quirks, JsonObject], None]


def read_settings(came: JsonObject) -> dict[str, Any]:
    """The settings as arguments of Request. Raises GatewayError(invalid_request) for what cannot be one."""
    choice, parallel = read_choice(came.get("tool_choice"))
    return {
        "max_tokens": _limit(came),
        "tool_choice": choice,
        "parallel_tools": parallel,
        "reasoning": read_wish(came),
        "output": read_output(came),
        "sampling": _read_sampling(came),
        "service_tier": _tier(came),
        "user": _user(came),
    }


def write_settings(request: Request, pen: Pen, quirks: Quirks, came: JsonObject, body: JsonObject) -> None:
    """Put the settings into a body. `came` holds those of a client of this dialect, as they came."""
    for setting in _SETTINGS:
        if pen.native and setting.read(came) == setting.meant(request):
            body.update({name: came[name] for name in setting.wire if name in came})
        else:
            setting.write(request, pen, quirks, body)
    for name in ("seed", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs"):
        if getattr(request.sampling, name) not in (None, False, 0):
            pen.lost.append((name, "messages has no such setting"))
    if request.metadata:
        pen.lost.append(("metadata", "messages has no such setting"))


# ---- one of each ---------------------------------------------------------------------------------------------------------


def _limit(came: JsonObject) -> int | None:
    value = came.get("max_tokens")
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise wrong("max_tokens", "must be an integer")
    return value


def _write_limit(request: Request, pen: Pen, quirks: Quirks, body: JsonObject) -> None:
    most = request.max_tokens
    if most is not None and most < 1 and not pen.native:
        # Clients of Chat mean no limit by it; an answer of one token would help none.
        pen.lost.append(("max_tokens", f"messages wants a limit of at least 1, not {most}; that of the gateway holds"))
        most = None
    body["max_tokens"] = _TOKENS if most is None else max(1, most)


def _user(came: JsonObject) -> str | None:
    return text_or_none(object_or_empty(came.get("metadata")), "user_id")


def _write_user(request: Request, pen: Pen, quirks: Quirks, body: JsonObject) -> None:
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}


def _tier(came: JsonObject) -> str | None:
    tier = text_or_none(came, "service_tier")
    return "default" if tier == "standard_only" else tier


def _write_tier(request: Request, pen: Pen, quirks: Quirks, body: JsonObject) -> None:
    tier = _TIERS.get(request.service_tier or "auto")
    if tier is None:
        pen.lost.append(("service_tier", f"messages has no service tier `{request.service_tier}`"))
    elif request.service_tier is not None:
        body["service_tier"] = tier


def _read_sampling(came: JsonObject) -> Sampling:
    stop = came.get("stop_sequences")
    words = list_at(stop, "stop_sequences") if stop is not None else []
    if not all(isinstance(word, str) for word in words):
        raise wrong("stop_sequences", "must be a list of strings")
    return Sampling(_number(came, "temperature"), _number(came, "top_p"), _number(came, "top_k"), stop=tuple(words))


def _number(came: JsonObject, name: str) -> Any:
    value = came.get(name)
    if value is not None and (not isinstance(value, (int, float)) or isinstance(value, bool)):
        raise wrong(name, "must be a number")
    return value


def _write_stop(request: Request, pen: Pen, quirks: Quirks, body: JsonObject) -> None:
    words = [word for word in request.sampling.stop if word.strip()]
    if len(words) < len(request.sampling.stop):
        pen.lost.append(("stop", "messages takes no stop sequence of white space only"))
    if words:
        body["stop_sequences"] = words


def _sampled(name: str) -> _Setting:
    def write(request: Request, pen: Pen, quirks: Quirks, body: JsonObject) -> None:
        value = getattr(request.sampling, name)
        if value is None:
            return
        # Anthropic's temperature ends at 1, OpenAI's at 2.
        body[name] = min(value, 1) if name == "temperature" else value

    return _Setting((name,), lambda came: _number(came, name), lambda request: getattr(request.sampling, name), write)


def _write_choice(request: Request, pen: Pen, quirks: Quirks, body: JsonObject) -> None:
    choice = write_choice(request, pen)
    if choice is not None:
        body["tool_choice"] = choice


def _write_wishes(request: Request, pen: Pen, quirks: Quirks, body: JsonObject) -> None:
    write_wish(request, pen, quirks, body)
    write_output(request, pen, body)


# The limit first: how much may be thought depends on it.
_SETTINGS: tuple[_Setting, ...] = (
    _Setting(("max_tokens",), _limit, lambda request: request.max_tokens, _write_limit),
    _Setting(
        ("thinking", "output_config", "output_format"),
        lambda came: (read_wish(came), read_output(came)),
        lambda request: (request.reasoning, request.output),
        _write_wishes,
    ),
    _Setting(
        ("tool_choice",),
        lambda came: read_choice(came.get("tool_choice")),
        lambda request: (request.tool_choice, request.parallel_tools),
        _write_choice,
    ),
    _Setting(("metadata",), _user, lambda request: request.user, _write_user),
    _Setting(("service_tier",), _tier, lambda request: request.service_tier, _write_tier),
    _Setting(("stop_sequences",), lambda came: _read_sampling(came).stop, lambda request: request.sampling.stop, _write_stop),
    *(_sampled(name) for name in ("temperature", "top_p", "top_k")),
)
MODELLED = frozenset(name for setting in _SETTINGS for name in setting.wire)
"""Wire fields that these settings are made of."""
