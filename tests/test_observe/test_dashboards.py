"""Rules and dashboard speak of metrics that there are, under the labels that they have. Their grammar is judged by the real promtool
(tests/journeys/test_prometheus.py)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from dragoman.app import gauges
from dragoman.observe import exporter, lag, metrics, process

ROOT = Path(__file__).parents[2] / "observability"
RULES = ROOT / "prometheus" / "dragoman.rules.yml"
DASHBOARD = ROOT / "grafana" / "dragoman.json"
NAME = re.compile(r"\b(?:dragoman|process)_[a-z_]+\b")
LABELS = re.compile(r"[({,]\s*([a-z_]+)\s*(?:=~|!~|!=|=)|by \(([a-z_, ]+)\)")
# The labels that the scrape itself and histograms add.
GIVEN = {"job", "instance", "le"}


def expressions() -> Iterator[str]:
    groups: Any = yaml.safe_load(RULES.read_text())["groups"]
    yield from (rule["expr"] for group in groups for rule in group["rules"])
    dashboard: Any = msgspec.json.decode(DASHBOARD.read_bytes())
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", []))


def written() -> str:
    """The sources that make metrics."""
    return "".join(Path(module.__file__ or "").read_text() for module in (metrics, gauges, lag, process, exporter))


def exposed() -> set[str]:
    source = written()
    named = set(re.findall(r'"((?:dragoman|process)_[a-z_]+)"', source))
    named |= {f"dragoman_{name}" for name, *_ in (*metrics._COUNTERS, *metrics._HISTOGRAMS)}
    return named | {"dragoman_retries_total", "dragoman_fallbacks_total"}


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_an_expression_speaks_of_what_there_is(expression: str) -> None:
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in NAME.findall(expression) if name != "dragoman_"}

    assert names <= exposed()


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_an_expression_uses_labels_that_there_are(expression: str) -> None:
    used = {word.strip() for one, many in LABELS.findall(expression) for word in (one or many).split(",") if word.strip()}
    known = set(re.findall(r'"([a-z_]+)"', written())) | GIVEN

    assert used <= known


def test_every_panel_says_what_it_shows() -> None:
    dashboard: Any = msgspec.json.decode(DASHBOARD.read_bytes())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]

    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert [panel["title"] for panel in panels if not panel["description"] or not panel["targets"]] == []
