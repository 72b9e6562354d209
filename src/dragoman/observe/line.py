"""One exchange as one line of text: aligned, readable at 100 columns, and nothing in it that a terminal would obey."""

from __future__ import annotations

import time
from functools import lru_cache

from dragoman.ir.record import Record
from dragoman.ir.usage import Usage
from dragoman.observe.cells import beginning, ending, padded, width

_CLIENT, _AGENT, _ROUTE, _LANE, _TOKENS, _TIMES = 8, 6, 34, 9, 15, 10
_LEFT = 499
_MESSAGE = 500
_DIM, _RED, _YELLOW, _GREEN, _BOLD, _PLAIN = "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[1m", "\x1b[0m"


_AGENTS: dict[str | None, str] = {"generic": "-"}


def line(record: Record, *, color: bool = False) -> str:
    """Time, client, agent, model asked and who answered, lane, status, tokens (cached share), first-token and total time, the number
    of tries if it took more than one, and how many warnings there are.

    An exchange that failed tells its sentence in place of tokens and times, as long as it is. No line end.
    """
    clock = _clock(int(record.began_at))
    who = _who(record.client, record.agent)
    start = _start(record.asked or record.dialect or "?", record.provider, record.model, record.lane)
    end = _outcome(record)
    if not color:
        return f"{clock} {who} {start} {record.status:>3} {end}"
    hue = _hue(record)
    end = f"{hue}{end}{_PLAIN}" if hue != _GREEN else end
    return f"{_DIM}{clock} {who}{_PLAIN} {start} {hue}{record.status:>3}{_PLAIN} {end}"


# Who asks for what hardly changes from line to line: putting those columns together is two thirds of a line's cost.
@lru_cache(maxsize=64)
def _who(client: str, agent: str | None) -> str:
    return f"{_begun(client, _CLIENT)} {_begun(_AGENTS.get(agent, agent) or '-', _AGENT)}"


@lru_cache(maxsize=256)
def _start(asked: str, provider: str | None, model: str | None, lane: str | None) -> str:
    answered = f"{provider}/{model}"
    # What was asked for stands in what answered where it is the same name.
    route = asked if provider is None else answered if asked in (answered, model) else f"{asked} > {answered}"
    return f"{_fit(route, _ROUTE)} {_fit(lane or '-', _LANE)}"


def told_warnings(record: Record) -> str:
    """What could not be carried, each on a line of its own below the exchange's."""
    return "".join(f"\n{'':8} ! {legible(field)}: {legible(why)[:_MESSAGE]}" for field, why in record.warnings)


@lru_cache(maxsize=8)
def _clock(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


def _hue(record: Record) -> str:
    if record.status == _LEFT:
        return _YELLOW
    return _RED if record.error is not None or record.status >= 400 else _GREEN


def _outcome(record: Record) -> str:
    if record.status == _LEFT:
        return f"{_seconds(record.total_s)}s  the client left"
    if record.error is not None:
        why = f": {legible(record.message)[:_MESSAGE]}" if record.message else ""
        return f"{_seconds(record.total_s)}s  {record.error}{why}"
    first = record.first_token_s
    times = f"{_seconds(record.total_s)}s" if first is None else f"{_seconds(first)}/{_seconds(record.total_s)}s"
    text = f"{_tokens(record.usage).rjust(_TOKENS)} {times.rjust(_TIMES)}"
    if len(record.attempts) > 1:
        text = f"{text} {len(record.attempts)} tries"
    return f"{text} !{len(record.warnings)}" if record.warnings else text


def _tokens(usage: Usage | None) -> str:
    if usage is None:
        return "-"
    given, made, cached = usage.input_tokens, usage.output_tokens, usage.cache_read_tokens
    share = f"({100 * cached // max(given, 1)}%)" if cached else ""
    return f"{given if given < 1000 else _count(given)}{share}/{made if made < 1000 else _count(made)}"


def _count(tokens: int) -> str:
    if tokens < 9950:
        return f"{tokens / 1000:.1f}k"
    return f"{tokens / 1000:.0f}k" if tokens < 999_500 else f"{tokens / 1_000_000:.1f}M"


def _seconds(seconds: float) -> str:
    if seconds < 9.995:
        return f"{seconds:.2f}"
    return f"{seconds:.1f}" if seconds < 99.95 else f"{seconds:.0f}"


def _begun(text: str, cells: int) -> str:
    """Exactly so many cells; of a long text its beginning."""
    return padded(beginning(legible(text), cells), cells)


def _fit(text: str, cells: int) -> str:
    """Exactly so many cells; of a long text the middle goes, since both ends of a model's name tell something."""
    text = legible(text)
    if width(text) > cells:
        head = (cells - 2) // 2
        text = f"{beginning(text, head)}..{ending(text, cells - 2 - head)}"
    return padded(text, cells)


def legible(text: str, but: str = "") -> str:
    """Text of others for a terminal, which it must not move the cursor of, nor colour, nor fake a second line on. but: what may stay all
    the same, such as ends of lines."""
    return text if text.isprintable() else "".join(char if char.isprintable() or char in but else "." for char in text)
