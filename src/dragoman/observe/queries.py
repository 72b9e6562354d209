"""Questions to the journal as people write them (in an address, on the command line), read into what the database is asked."""

from __future__ import annotations

import difflib
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.store.filter import Bounds, Cursor, Filter

_EQUAL = {
    **{name: name for name in ("model", "provider", "client", "user", "team", "session", "turn", "run", "agent", "agent_version", "kind")},
    **{name: name for name in ("lane", "asked", "routed", "rule", "provider_key", "stop_reason", "address", "repo", "cwd", "replays")},
    "answered": "answered",
    "dialect": "dialect_in",
    "key": "client",
    "parent": "parent_session",
}
_WITHIN = {
    **{name: name for name in ("total_s", "first_token_s", "generation_s", "own_s", "queue_s", "attempts", "tool_calls")},
    **{name: name for name in ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens", "bytes_in", "bytes_out")},
    "cost_usd": "cost_pico",
}
_MOMENTS = {"since": "since", "after": "since", "until": "until", "before": "until"}
_BOUNDS = ("min_", "max_")
FILTERS = (
    *_EQUAL,
    "status",
    "error",
    "text",
    *_MOMENTS,
    *(f"{bound}{name}" for name in _WITHIN for bound in _BOUNDS),
)
"""The names by which exchanges may be asked for."""

PICO = 10**12
_KINDS = tuple(kind.value for kind in Kind)
_AGO_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_CLASS = re.compile(r"([1-5])xx")


def read_filter(given: Mapping[str, str], now: float) -> Filter:
    """Which exchanges are asked for. Several values of one name stand with commas between; `now`: Unix seconds.

    Raises GatewayError(invalid_request) for what is no filter, or no value of it.
    """
    given = {name: value for name, value in given.items() if value != ""}
    check_names(given, FILTERS)
    equal = {column: _values(given[name]) for name, column in _EQUAL.items() if name in given}
    statuses, failed = _status(given.get("status"))
    error = given.get("error")
    if error in ("any", "none"):
        failed = error == "any"
    elif error is not None:
        equal["error"] = _kinds(error)
    moments = {side: moment(given[name], now, name) for name, side in _MOMENTS.items() if name in given}
    if moments.get("since", -math.inf) >= moments.get("until", math.inf):
        raise wrong("nothing is between these times: `since` is not before `until`", "since")
    return Filter(
        since=moments.get("since"),
        until=moments.get("until"),
        equal=equal,
        within={column: bounds for name, column in _WITHIN.items() if (bounds := _bounds(given, name)) != (None, None)},
        statuses=statuses,
        failed=failed,
        text=given.get("text", ""),
    )


def check_names(given: Iterable[str], known: Iterable[str]) -> None:
    """Raises GatewayError(invalid_request) if one of the names is not known."""
    names = sorted(set(known))
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name[:100], names, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(f'`{one}`' for one in names)}"
            raise wrong(f"there is no filter `{name[:100]}`; {hint}", name)


def moment(text: str, now: float, name: str = "since") -> float:
    """A time as Unix seconds: how long ago (`15m`, `24h`, `7d`), a date or a time as ISO 8601 has them (in UTC, if it does not say), or
    Unix seconds. Raises GatewayError(invalid_request)."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - float(ago[1]) * _AGO_S[ago[2]]
    try:
        return _finite(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        ways = "write `24h` or `7d` for how long ago, a date as `2026-11-21`, or a time as `2026-11-21T19:00`"
        raise wrong(f"`{name}={text[:100]}` is no time: {ways}", name) from error
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()


def whole_number(given: Mapping[str, str], name: str, otherwise: int, most: int) -> int:
    """A number from 1 to `most`. Raises GatewayError(invalid_request)."""
    text = given.get(name)
    if text is None or text == "":
        return otherwise
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise wrong(f"`{name}={text[:100]}` must be a number from 1 to {most}", name)
    return int(text)


def write_cursor(at: float, name: str) -> str:
    """Where a page ended, as one word."""
    return urlsafe_b64encode(msgspec.json.encode(Cursor(at, name))).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """The reverse. Raises GatewayError(invalid_request) for a word that no page has given."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Cursor)
    except (ValueError, msgspec.DecodeError) as error:
        raise wrong("`cursor` is none that a page has given as its `next`", "cursor") from error


def wrong(message: str, name: str) -> GatewayError:
    """A question that cannot be answered as it is."""
    return GatewayError(Kind.INVALID_REQUEST, message, source="client", param=name[:100])


def _values(text: str) -> tuple[str, ...]:
    return tuple(value.strip() for value in text.split(",") if value.strip())


def _kinds(text: str) -> tuple[str, ...]:
    """Kinds of errors, by name."""
    kinds = _values(text)
    for kind in kinds:
        if kind not in _KINDS:
            near = difflib.get_close_matches(kind[:100], _KINDS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are `any`, `none`, {', '.join(f'`{one}`' for one in _KINDS)}"
            raise wrong(f"`error={kind[:100]}` is no kind of error; {hint}", "error")
    return kinds


def _status(text: str | None) -> tuple[tuple[tuple[int, int], ...], bool | None]:
    """HTTP statuses, classes of them (`4xx`), or one of the words `ok` and `failed`."""
    if text is None:
        return (), None
    if text in ("ok", "failed"):
        return (), text == "failed"
    ranges: list[tuple[int, int]] = []
    for word in _values(text):
        found = _CLASS.fullmatch(word)
        if found is None and not (word.isdecimal() and len(word) == 3):
            raise wrong(f"`status={text[:100]}` is none: write `ok`, `failed`, `4xx`, or statuses as `429,503`", "status")
        first = int(found[1]) * 100 if found is not None else int(word)
        ranges.append((first, first + (100 if found is not None else 1)))
    return tuple(ranges), None


def _bounds(given: Mapping[str, str], name: str) -> Bounds:
    least, most = (_number(given, f"{bound}{name}") for bound in _BOUNDS)
    if name == "cost_usd":
        return (None if least is None else least * PICO), (None if most is None else most * PICO)
    return least, most


def _finite(text: str) -> float:
    """Raises ValueError for what is no number, or none that can be compared with."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _number(given: Mapping[str, str], name: str) -> float | None:
    text = given.get(name)
    try:
        return None if text is None else _finite(text)
    except ValueError as error:
        raise wrong(f"`{name}={text}`"[:120] + " is no number", name) from error
