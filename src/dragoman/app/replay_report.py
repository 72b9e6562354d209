"""What a replay brought, side by side: as Markdown, as a page of HTML that loads nothing, or as JSON."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence

import msgspec

from dragoman.app.replay import Answer, Case, same_calls
from dragoman.app.replay_turns import OWN
from dragoman.server.pages import words

RECORDED = "recorded"
_UNKNOWN = "·"
HOW = (
    "Each recorded request was sent once more to each model, and no tool was run: results of tools are the recorded ones. As long as a "
    "model called within a turn what was called then, with the same arguments, its next request stands behind its own answers. Where it "
    "called something else, and at the beginning of each turn, what stands there is the recorded conversation."
)
APART = (
    "Each recorded request was sent once more to each model, with the conversation as it was recorded up to there, the results of tools "
    "among it. So all answer from the same place, no tool was run, and what a model did in one step is not in the next."
)


class Row(msgspec.Struct, frozen=True):
    """One recorded request with what was answered then, and by each model now. None: not run."""

    case: Case
    answers: dict[str, Answer]


class Report(msgspec.Struct, frozen=True):
    """what: the exchange or session. models: as they were asked for, in turn. notes: what was left out, and why. how: what was sent."""

    what: str
    models: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    how: str = HOW


class Sum(msgspec.Struct):
    """Of one model's answers. Tokens, cost and time of those that told them; own: answers behind its own ones; unknown: answers whose cost
    is not known."""

    answers: int = 0
    failed: int = 0
    same: int = 0
    own: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    output_tokens: int = 0
    cost_pico: int = 0
    unknown: int = 0
    total_s: float = 0.0


def sums(report: Report) -> dict[str, Sum]:
    """By model, what was recorded first. Only of requests that every model has answered or failed at, so that like stands by like."""
    shared = [row for row in report.rows if all(model in row.answers for model in report.models)]
    found = {RECORDED: _sum((row.case.recorded, row.case) for row in shared)}
    for model in report.models:
        found[model] = _sum((row.answers[model], row.case) for row in shared)
    return found


def _sum(answers: Iterable[tuple[Answer, Case]]) -> Sum:
    total = Sum()
    for answer, case in answers:
        total.answers += 1
        total.failed += answer.error is not None
        total.same += answer.error is None and same_calls(answer, case.recorded)
        total.own += answer.after == OWN
        total.input_tokens += answer.input_tokens or 0
        total.cache_read_tokens += answer.cache_read_tokens or 0
        total.output_tokens += answer.output_tokens or 0
        total.cost_pico += answer.cost_pico or 0
        total.unknown += answer.cost_pico is None and answer.error is None
        total.total_s += answer.total_s or 0.0
    return total


HEAD = ("model", "answers", "failed", "same calls", "on its own", "tokens in", "cached", "tokens out", "cost", "time")


def table(report: Report) -> list[tuple[str, ...]]:
    """The sums as texts, the head first."""
    return [HEAD, *((name, *_cells(total, None if name == RECORDED else total.own)) for name, total in sums(report).items())]


def _cells(total: Sum, own: int | None) -> tuple[str, ...]:
    cost = usd(total.cost_pico if total.unknown < total.answers - total.failed or not total.answers else None)
    lacking = f" + {total.unknown} unknown" if total.unknown and cost != _UNKNOWN else ""
    return (
        str(total.answers),
        str(total.failed),
        str(total.same),
        _UNKNOWN if own is None else str(own),
        f"{total.input_tokens:,}",
        f"{total.cache_read_tokens:,}",
        f"{total.output_tokens:,}",
        cost + lacking,
        seconds(total.total_s),
    )


def usd(pico: int | None) -> str:
    """An amount to read."""
    return _UNKNOWN if pico is None else words.dollars(pico)


def seconds(value: float | None) -> str:
    """A time to read."""
    return _UNKNOWN if value is None else f"{value:.2f} s"


def write(report: Report, kind: str) -> str:
    """The report as `md`, `html` or `json`."""
    return WRITERS[kind](report)


def _measures(answer: Answer, recorded: Answer) -> str:
    parts = [f"by {answer.by}"] if answer.by else []
    parts += [answer.after] if answer.after else []
    parts += [] if answer.error or same_calls(answer, recorded) else ["calls other than recorded"]
    if answer.input_tokens is not None:
        parts.append(f"{answer.input_tokens:,} tokens in ({answer.cache_read_tokens or 0:,} cached), {answer.output_tokens or 0:,} out")
    parts += [usd(answer.cost_pico)] if answer.cost_pico is not None else ["cost unknown"]
    parts += [f"first token after {seconds(answer.first_token_s)}"] if answer.first_token_s is not None else []
    parts += [seconds(answer.total_s)] if answer.total_s is not None else []
    parts += [f"exchange {answer.exchange}"] if answer.exchange else []
    return " · ".join(parts)


def _each(row: Row, models: Sequence[str]) -> list[tuple[str, Answer]]:
    return [(RECORDED, row.case.recorded), *((model, row.answers[model]) for model in models if model in row.answers)]


def _notes(report: Report) -> list[str]:
    return [report.how, *report.notes, *dict.fromkeys(note for row in report.rows for note in row.case.notes)]


# ---- Markdown -------------------------------------------------------------------------------------------------------------------


def _markdown(report: Report) -> str:
    head, *rows = table(report)
    lines = [f"# Replay of {_inline(report.what)}", "", *(f"{_inline(note)}\n" for note in _notes(report))]
    lines += [_line(head), _line(["---"] * len(head)), *map(_line, rows), ""]
    for number, row in enumerate(report.rows, 1):
        lines += [f"## {number}. {_inline(row.case.id)}", "", *_quoted(row.case.asked), ""]
        for model, answer in _each(row, report.models):
            lines += [f"### {_inline(model)}", "", _inline(_measures(answer, row.case.recorded)), ""]
            if answer.error:
                lines += [f"**Failed:** {_inline(answer.error)}", ""]
            lines += _fenced(answer.text) if answer.text else []
            for call in answer.calls:
                lines += [f"Calls {_inline(call.name)}:", "", *_fenced(call.arguments)]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_inline(cell) for cell in cells) + " |"


_SPECIAL = str.maketrans({each: f"\\{each}" for each in "\\`*_[]<>#|!~"} | {"\n": " ", "\r": " "})


def _inline(text: str) -> str:
    return text.translate(_SPECIAL) if text.strip("-") else text


def _quoted(text: str) -> list[str]:
    return [f"> {_inline(line)}" for line in text.splitlines()]


def _fenced(text: str) -> list[str]:
    """What a model said, as it is: behind a fence longer than any in it."""
    longest = max((len(run) for run in "".join(each if each == "`" else " " for each in text).split()), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, text, fence, ""]


# ---- HTML -----------------------------------------------------------------------------------------------------------------------

_STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:110rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}th,td{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #8886}
th:first-child,td:first-child{text-align:left}
.side{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:1rem}
article{border:1px solid #8886;border-radius:.5rem;padding:.2rem 1rem;overflow:auto}
pre{white-space:pre-wrap;overflow-wrap:anywhere}small{opacity:.8}.failed{color:#c33}blockquote{opacity:.85}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def _html(report: Report) -> str:
    head, *rows = table(report)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="content-security-policy" content="{_POLICY}"><meta name="viewport" content="width=device-width">',
        f"<title>Replay of {_text(report.what)}</title><style>{_STYLE}</style></head><body><h1>Replay of {_text(report.what)}</h1>",
        *(f"<p>{_text(note)}</p>" for note in _notes(report)),
        f"<table><thead>{_cells_of(head, 'th')}</thead><tbody>{''.join(_cells_of(row, 'td') for row in rows)}</tbody></table>",
    ]
    for number, row in enumerate(report.rows, 1):
        shown = "".join(_article(model, answer, row.case.recorded) for model, answer in _each(row, report.models))
        parts.append(f"<h2>{number}. {_text(row.case.id)}</h2><blockquote>{_text(row.case.asked)}</blockquote>")
        parts.append(f'<div class="side">{shown}</div>')
    return "\n".join(parts) + "</body></html>\n"


def _article(model: str, answer: Answer, recorded: Answer) -> str:
    failed = f'<p class="failed">Failed: {_text(answer.error)}</p>' if answer.error else ""
    text = f"<pre>{_text(answer.text)}</pre>" if answer.text else ""
    calls = "".join(f"<p>Calls <code>{_text(call.name)}</code>:</p><pre>{_text(call.arguments)}</pre>" for call in answer.calls)
    return f"<article><h3>{_text(model)}</h3><p><small>{_text(_measures(answer, recorded))}</small></p>{failed}{text}{calls}</article>"


def _cells_of(cells: Iterable[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells) + "</tr>"


def _text(text: str) -> str:
    return html.escape(text)


# ---- JSON -----------------------------------------------------------------------------------------------------------------------


def _json(report: Report) -> str:
    rows = [
        {
            "id": row.case.id,
            "turn": row.case.turn,
            "asked": row.case.asked,
            "recorded": row.case.recorded,
            "answers": row.answers,
            "same_calls": {model: same_calls(answer, row.case.recorded) for model, answer in row.answers.items()},
        }
        for row in report.rows
    ]
    told = {"what": report.what, "models": report.models, "notes": _notes(report), "sums": sums(report), "requests": rows}
    return msgspec.json.format(msgspec.json.encode(told)).decode() + "\n"


WRITERS: dict[str, Callable[[Report], str]] = {"md": _markdown, "html": _html, "json": _json}
