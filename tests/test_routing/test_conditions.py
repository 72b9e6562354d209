"""Conditions of rules: what each field looks at, in the form that config has."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dragoman.config.decode import Decoder, read_struct
from dragoman.config.document import read_document
from dragoman.config.problems import Findings
from dragoman.config.routing_schema import When
from dragoman.config.secrets import SecretReader
from dragoman.routing.ask import Told
from dragoman.routing.conditions import compile_condition


def fails(text: str, ask: Told) -> str:
    """What of a condition, written as in config, does not hold."""
    findings = Findings("d")
    when = read_struct(Decoder(findings, SecretReader({}, Path())), read_document(text.encode(), "d"), When)
    assert findings.problems == []
    return compile_condition(when).fails(ask)


def at(text: str) -> Told:
    return Told(wall=datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


HOLD: list[tuple[str, Told]] = [
    ("{}", Told()),
    ("{key: ada}", Told(client="ada")),
    ("{key: [bob, 'a*']}", Told(client="ada")),
    ("{team: '*'}", Told(team="red")),
    ("{user: '*@example.com'}", Told(user="a@example.com")),
    ("{headers: {X-Fast: '1'}}", Told(headers={"x-fast": "1"})),
    ("{headers: {x-fast: '*', x-b: [c, 'd?']}}", Told(headers={"x-fast": "", "x-b": "d1"})),
    ("{metadata: {project: 'web*'}}", Told(metadata={"project": "website"})),
    ("{model: 'claude-sonnet-4.5'}", Told(model="claude-sonnet-4-5")),
    ("{model: 'gpt-*'}", Told(model="gpt-5.5")),
    ("{agent: codex}", Told(agent="codex")),
    ("{kind: [title, compaction]}", Told(kinds=("compaction",))),
    ("{kind: subagent}", Told(kinds=("review", "subagent"))),
    ("{effort: [high, xhigh]}", Told(effort="high")),
    ("{modalities: [image, audio]}", Told(modalities=frozenset({"text", "image"}))),
    ("{modalities: [text]}", Told()),
    ("{tools: true}", Told(tools=1)),
    ("{tools: false}", Told()),
    ("{stream: true}", Told(stream=True)),
    ("{bytes_over: 10, bytes_under: 20}", Told(size_bytes=11)),
    ("{tokens_over: 0}", Told(tokens=1)),
    ("{tools_under: 3}", Told(tools=2)),
    ("{any: [{key: x}, {key: ada}]}", Told(client="ada")),
    ("{all: [{key: ada}, {tools: false}]}", Told(client="ada")),
    ("{not: {key: bob}}", Told(client="ada")),
    ("{not: {any: [{key: bob}, {tools: true}]}}", Told(client="ada")),
]


@pytest.mark.parametrize(("text", "ask"), HOLD)
def test_it_holds(text: str, ask: Told) -> None:
    assert fails(text, ask) == ""


FAIL: list[tuple[str, Told, str]] = [
    ("{key: ada}", Told(client="Ada"), "key"),
    ("{team: '*'}", Told(), "team"),
    ("{headers: {x-a: '*', X-Fast: '1'}}", Told(headers={"x-a": "", "x-fast": "11"}), "headers.X-Fast"),
    ("{headers: {x-fast: '*'}}", Told(), "headers.x-fast"),
    ("{metadata: {Project: x}}", Told(metadata={"project": "x"}), "metadata.Project"),
    ("{kind: title}", Told(kinds=("turn",)), "kind"),
    ("{kind: title}", Told(), "kind"),
    ("{effort: '*'}", Told(), "effort"),
    ("{modalities: [file]}", Told(), "modalities"),
    ("{stream: false, key: bob}", Told(stream=True), "stream"),
    ("{bytes_over: 10}", Told(size_bytes=10), "bytes_over"),
    ("{bytes_under: 10}", Told(size_bytes=10), "bytes_under"),
    ("{key: ada, tools_over: 2}", Told(client="ada", tools=2), "tools_over"),
    ("{any: [{key: x}, {key: y}]}", Told(client="ada"), "any"),
    ("{all: [{key: ada}, {tools: true}]}", Told(client="ada"), "all"),
    ("{not: {}}", Told(), "not"),
]


@pytest.mark.parametrize(("text", "ask", "what"), FAIL)
def test_it_fails_and_says_what_does_not_hold(text: str, ask: Told, what: str) -> None:
    assert fails(text, ask) == what


TIMES: list[tuple[str, str, bool]] = [
    ("{from: '09:00', to: '17:30'}", "2026-01-05T09:00", True),
    ("{from: '09:00', to: '17:30'}", "2026-01-05T17:29:59", True),
    ("{from: '09:00', to: '17:30'}", "2026-01-05T17:30", False),
    ("{from: '09:00', to: '17:30'}", "2026-01-05T08:59:59", False),
    ("{from: '9:00'}", "2026-01-05T23:59:59", True),
    ("{to: '09:00'}", "2026-01-05T00:00", True),
    ("{days: [mon]}", "2026-01-05T12:00", True),
    ("{days: [tue, sun]}", "2026-01-05T12:00", False),
    ("{from: '22:00', to: '06:00'}", "2026-01-05T23:00", True),
    ("{from: '22:00', to: '06:00'}", "2026-01-05T05:59", True),
    ("{from: '22:00', to: '06:00'}", "2026-01-05T06:00", False),
    ("{days: [fri], from: '22:00', to: '06:00'}", "2026-01-10T05:00", True),
    ("{days: [fri], from: '22:00', to: '06:00'}", "2026-01-09T05:00", False),
    ("{days: [fri], from: '22:00', to: '06:00'}", "2026-01-09T22:30", True),
    ("{from: '10:00', to: '24:00'}", "2026-01-05T23:59", True),
    ("{from: '09:00', to: '10:00', zone: Europe/Vienna}", "2026-01-05T08:30", True),
    ("{from: '09:00', to: '10:00', zone: Europe/Vienna}", "2026-07-06T07:30", True),
    ("{from: '09:00', to: '10:00', zone: Europe/Vienna}", "2026-07-06T08:30", False),
]


@pytest.mark.parametrize(("time", "moment", "holds"), TIMES)
def test_times_hold_within_their_span_where_the_clock_hangs(time: str, moment: str, holds: bool) -> None:
    assert (fails(f"{{time: {time}}}", at(moment)) == "") is holds


def test_nothing_is_computed_that_no_condition_reads() -> None:
    class Bare:
        client = "ada"

    condition = compile_condition(When(key="ada"))

    assert condition.fails(Bare()) == ""  # pyright: ignore[reportArgumentType]


def test_what_costs_is_tested_after_what_does_not() -> None:
    condition = compile_condition(When(modalities=("image",), effort="high", key="ada", headers={"x": "1"}))

    assert [name for name, _ in condition.tests] == ["key", "headers.x", "effort", "modalities"]
