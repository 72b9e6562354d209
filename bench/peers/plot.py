"""The plot of docs/peers.md: CPU a request on a logarithmic axis, a panel a scenario, a dot a contender. SVG, drawn by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from bench.load import Run
from bench.peers.figures import figures
from bench.peers.peer import About
from bench.peers.scenarios import LABELS

_PANELS = ("relay-chat-json-small", "relay-chat-json-60k", "relay-chat-stream-small", "relay-responses-stream-60k")
_WIDTH, _LEFT, _RIGHT, _TOP = 760, 110, 80, 58
_ROW, _PANEL_HEAD, _PANEL_GAP = 22, 26, 14
_OURS, _OTHERS, _INK, _FAINT = "#c2410c", "#475569", "#1e293b", "#cbd5e1"


def svg(runs: Sequence[Run], abouts: dict[str, About], caption: str) -> str:
    """The whole picture. Contenders without a figure in a panel have a row that says so."""
    values = [cpu for panel in _PANELS for name in abouts if (cpu := _cpu(runs, panel, name))]
    if not values:
        return ""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    panels = [panel for panel in _PANELS if any(_cpu(runs, panel, name) for name in abouts)]
    height = _TOP + len(panels) * (_PANEL_HEAD + len(abouts) * _ROW + _PANEL_GAP) + 26
    body = [part for number, panel in enumerate(panels) for part in _panel(runs, abouts, panel, number, (low, high))]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="system-ui, sans-serif" font-size="12">',
            f'<rect width="{_WIDTH}" height="{height}" rx="6" fill="#ffffff"/>',
            _text(16, 24, "CPU a request, milliseconds, logarithmic: further left is better", size=15, weight="600"),
            _text(16, 42, caption, fill="#64748b", size=11),
            *body,
            *_axis(low, high, height),
            "</svg>\n",
        ]
    )


def _panel(runs: Sequence[Run], abouts: dict[str, About], panel: str, number: int, span: tuple[int, int]) -> Iterator[str]:
    top = _TOP + number * (_PANEL_HEAD + len(abouts) * _ROW + _PANEL_GAP)
    bottom = top + _PANEL_HEAD + len(abouts) * _ROW
    yield _text(16, top + 16, LABELS[panel], weight="600")
    for power in range(span[0], span[1] + 1):
        x = _x(10.0**power, span)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + _PANEL_HEAD - 2}" y2="{bottom}" stroke="{_FAINT}" stroke-dasharray="2 3"/>'
    for row, (name, about) in enumerate(abouts.items()):
        y = top + _PANEL_HEAD + row * _ROW + _ROW // 2
        colour = _OURS if name == "dragoman" else _OTHERS
        yield _text(_LEFT - 10, y + 4, about.name, fill=colour, anchor="end", weight="600" if name == "dragoman" else "400")
        yield from _dot(_cpu(runs, panel, name), y, colour, span)


def _dot(cpu: float | None, y: int, colour: str, span: tuple[int, int]) -> Iterator[str]:
    if cpu is None:
        yield _text(_LEFT + 6, y + 4, "no figure", fill="#94a3b8", size=11)
        return
    x = _x(cpu, span)
    yield f'<line x1="{_LEFT}" x2="{x:.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="1.5" stroke-opacity="0.45"/>'
    yield f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{colour}"/>'
    yield _text(x + 10, y + 4, f"{cpu:.3g}", fill=colour)


def _axis(low: int, high: int, height: int) -> Iterator[str]:
    for power in range(low, high + 1):
        yield _text(_x(10.0**power, (low, high)), height - 16, f"{10.0**power:g} ms", fill="#64748b", size=11, anchor="middle")


def _x(value: float, span: tuple[int, int]) -> float:
    share = (math.log10(value) - span[0]) / max(span[1] - span[0], 1)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _cpu(runs: Sequence[Run], scenario: str, contender: str) -> float | None:
    found = figures(runs, scenario, contender)
    return found.cpu_ms if found else None


def _text(x: float, y: float, text: str, *, fill: str = _INK, size: int = 12, anchor: str = "start", weight: str = "400") -> str:
    return f'<text x="{x:.1f}" y="{y}" fill="{fill}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}">{escape(text)}</text>'
