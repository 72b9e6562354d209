"""What the dialects carry without understanding it: the census, made by trying.

Each value of an exchange is changed in turn. If the neutral form changes in its own words, the field is understood; if only in what is
kept for its dialect, it is opaque; if not at all, it is ignored. `python -m tests.corpus.census FOLDER` writes docs/reference/census.md;
`make corpus` and the unit tests tell of each field that is not in it.
"""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from tests.corpus.exchange import DIALECTS, Exchange, exchanges
from tests.corpus.reading import QUIRKS

from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError
from dragoman.wire.frame import Frame

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "census.md"
OPAQUE, AT_TIMES, IGNORED = "opaque", "at times", "ignored"
_UNDERSTOOD = "understood"
Census = dict[tuple[str, str, str], str]
"""(dialect, `request`, `reply` or `frame`, path) -> opaque, at times or ignored"""

# Below these stands what users and models put there, not the API.
_FREE = re.compile(
    r"\.(parameters|parametersJsonSchema|parsed|parsed_arguments|response_?[sS]chema|responseJsonSchema|input_?[sS]chema|output_?[sS]chema|"
    r"schema|metadata|arguments|args|functionResponse\.response|input(?=\.[^\[])|labels|logit_bias|headers|environment|extra_body|"
    r"provider|logprobs|top_logprobs)\b.*"
)
# Below these stands what a server tells of its own work, or is told of it: every server other things, none of which has a neutral form.
_WORKS = re.compile(
    r"\.(moderation|content_filter_results?|content_filters|timings|latency_checkpoint|time_info|usage_breakdown|provider_metadata|"
    r"executed_tools|sla_metrics|copilot_usage|cost_details|options|plugins|server_side_tool_usage_details|diagnostics)\b[.\[].*"
)
# What repeats the request, and what a response object says before anything happened.
_ECHO = re.compile(r"^\$(\.response)?\.(tools|text|tool_choice|instructions)\b.*")
_BEFORE = frozenset({"frame response.created", "frame response.in_progress", "frame response.queued"})
_MANY = re.compile(r"\[\d+\]")


def count(every: list[Exchange]) -> Census:
    """Every field of these exchanges that is not understood, or not always."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for exchange in every:
        if not exchange.other_api and exchange.status < 300:
            for key, verdict in _of(exchange):
                found.setdefault(key, set()).add(verdict)
    return {key: _joined(verdicts) for key, verdicts in found.items() if verdicts != {_UNDERSTOOD}}


def _joined(verdicts: set[str]) -> str:
    return AT_TIMES if len(verdicts) > 1 else next(iter(verdicts))


def _of(exchange: Exchange) -> Iterator[tuple[tuple[str, str, str], str]]:
    spoken = dialect(exchange.dialect)
    if exchange.call is not None:
        call = exchange.call
        read = lambda value: spoken.read_request(msgspec.structs.replace(call, body=json.dumps(value).encode()))  # noqa: E731
        yield from _tried(exchange.dialect, "request", json.loads(call.body), read)
    if exchange.whole is not None:
        value = json.loads(exchange.whole)
        yield from _tried(exchange.dialect, "reply", value, lambda value: spoken.read_response(json.dumps(value).encode(), QUIRKS))
    if exchange.stream is not None:
        yield from _frames(exchange)


def _frames(exchange: Exchange) -> Iterator[tuple[tuple[str, str, str], str]]:
    """The first frame of each kind, each tried within its stream."""
    spoken = dialect(exchange.dialect)
    framer = spoken.framer()
    frames = [frame for frame in (*framer.feed(exchange.stream or b""), *framer.close()) if frame.data != b"[DONE]"]
    tried: set[tuple[str, ...]] = set()
    for at, frame in enumerate(frames):
        value = json.loads(frame.data)
        shape = (str(value.get("type", "")), *sorted({_MANY.sub("[]", path) for path, _ in _leaves(value, "$")}))
        if shape in tried:
            continue
        tried.add(shape)

        def read(value: Any, at: int = at, frame: Frame = frame) -> list[ev.Event]:
            reader = spoken.reader(QUIRKS)
            changed = [*frames[:at], Frame(json.dumps(value).encode(), frame.name), *frames[at + 1 :]]
            return [*(event for each in changed for event in reader.feed(each)), *reader.close()]

        kind = f"frame {value['type']}" if isinstance(value.get("type"), str) else "frame"
        yield from _tried(exchange.dialect, kind, value, read)


def _tried(name: str, kind: str, value: Any, read: Any) -> Iterator[tuple[tuple[str, str, str], str]]:
    was = _told(read, value)
    if was is None:
        return
    for path, steps in _leaves(value, "$"):
        yield (name, kind, _general(kind, path)), _verdict(was, _told(read, _changed(value, steps)))


def _verdict(was: tuple[str, str], now: tuple[str, str] | None) -> str:
    if now is None or now[0] != was[0]:
        return _UNDERSTOOD  # refused, or heard
    return OPAQUE if now[1] != was[1] else IGNORED


def _told(read: Any, value: Any) -> tuple[str, str] | None:
    """What was understood, and all that was kept. None where it is refused."""
    try:
        told = json.loads(msgspec.json.encode(read(value), enc_hook=repr))
    except GatewayError:
        return None
    return json.dumps(_own_words(told)), json.dumps(told)


def _own_words(value: Any) -> Any:
    """Without what only one dialect knows: `extra`, and whatever is kept whole (its `value`, its `data`)."""
    if isinstance(value, list):
        return [_own_words(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    whole = "dialect" in value
    return {name: _own_words(entry) for name, entry in value.items() if name != "extra" and not (whole and name in ("value", "data"))}


def _general(kind: str, path: str) -> str:
    path = _MANY.sub("[]", path)
    if kind in _BEFORE and path.startswith("$.response."):
        return "$.response.…"
    if kind != "request":
        path = _ECHO.sub(r"$\1.\2.…", path)
    return _WORKS.sub(r".\1.…", _FREE.sub(lambda match: f".{match[1]}.…", path))


def _leaves(value: Any, path: str, steps: tuple[Any, ...] = ()) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Every value that holds no others, or none yet."""
    if isinstance(value, dict) and value:
        for key, entry in value.items():
            yield from _leaves(entry, f"{path}.{key}", (*steps, key))
    elif isinstance(value, list) and value:
        for at, entry in enumerate(value):
            yield from _leaves(entry, f"{path}[{at}]", (*steps, at))
    else:
        yield path, steps


def _changed(value: Any, steps: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(value)
    if not steps:
        return changed
    place = changed
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = _other(place[steps[-1]])
    return changed


def _other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return f"{value}~" if isinstance(value, str) else "~" if value is None else {"~": 1} if isinstance(value, dict) else ["~"]


def page(census: Census) -> str:
    """The census as a page."""
    lines = [
        "<!-- Written by `python -m tests.corpus.census FOLDER`; do not edit. -->",
        "# What is carried without being understood",
        "",
        "Every field and frame seen in recordings and goldens that has no neutral form, so that nothing is passed over by accident:",
        "",
        "- **opaque**: kept as it came and written again by the same dialect only; another dialect is not told of it.",
        "- **at times**: understood or kept for some values or in some frames, without effect for others.",
        "- **ignored**: has no effect. It repeats something that is read elsewhere, or what the client asked for.",
        "",
        "`[]` stands for each entry of a list, `…` for whatever users, models and schemas put there.",
    ]
    for name in DIALECTS:
        lines += ["", f"## {name}"]
        for kind in sorted({key[1] for key in census if key[0] == name}):
            lines += ["", f"### {kind}", ""]
            lines += [f"- `{path}`: {verdict}" for (of, what, path), verdict in sorted(census.items()) if (of, what) == (name, kind)]
    return "\n".join(lines) + "\n"


def read_page(text: str) -> Census:
    """The census that a page holds."""
    found: Census = {}
    name = kind = ""
    for line in text.splitlines():
        if line.startswith("### "):
            kind = line[4:]
        elif line.startswith("## "):
            name = line[3:]
        elif (entry := re.fullmatch(r"- `(.+)`: ([a-z ]+)", line)) is not None:
            found[(name, kind, entry[1])] = entry[2]
    return found


def news(census: Census) -> list[str]:
    """Fields that are not in the checked-in census, or are less than it says: somebody has to decide on each."""
    known = read_page(PAGE.read_text()) if PAGE.exists() else {}
    return [
        f"{name}, {kind}: `{path}` is {verdict}" + (f", was {known[key]}" if (key := (name, kind, path)) in known else "")
        for (name, kind, path), verdict in sorted(census.items())
        if known.get((name, kind, path)) not in (verdict, AT_TIMES, IGNORED)
    ]


if __name__ == "__main__":
    goldens = Path(__file__).parents[1] / "golden"
    PAGE.write_text(page(count([each for root in (goldens, *map(Path, sys.argv[1:])) for each in exchanges(root)])))
