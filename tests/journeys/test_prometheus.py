"""The real Prometheus scrapes the gateway, evaluates the rules that come with it, and understands every panel of the dashboard."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from collectors import PROMTOOL, RULES, Prometheus, prometheus
from machine import TALK, provider_of
from parts import gateway, simulator
from patience import PATIENCE_S, until
from ports import free_port

from dragoman.simulator.script import read_script

pytestmark = pytest.mark.journey

LONG = "hello " * 3000
"""Enough to be worth a place in a prompt cache."""
SLOW = ("DragomanOverheadHigh", "DragomanEventLoopLate", "DragomanDown")
"""What a machine that is busy with other things may rightly raise. When they are raised is proven by promtool."""
KEYS = [{"name": "ada", "key": "key-of-ada-0123456789"}, {"name": "prometheus", "key": "key-of-prometheus-0123"}]
LIMITED = read_script("rules: [{reply: [{text: Hello from the far side.}]}]\nlimits: [{requests: 100000}]")
DASHBOARD = RULES.parents[1] / "grafana" / "dragoman.json"


def config(upstream: str) -> dict[str, Any]:
    refused = {**provider_of(upstream, "chat"), "keys": ["a-wrong-key"]}
    return {
        "providers": {"sim": provider_of(upstream, "chat"), "locked": refused},
        "models": {"coder": "sim/the-model", "shut": "locked/the-model"},
        "access": {"keys": KEYS},
        "prices": {"sim/the-model": {"input": 1, "output": 1_000_000}},
    }


def ask(address: str, model: str, *, key: str = "key-of-ada-0123456789", stream: bool = True, words: str = "hello") -> int:
    told = {"stream_options": {"include_usage": True}} if stream else {}
    body = json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": words}], **told}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    try:
        with urlopen(Request(f"{address}/v1/chat/completions", body, headers), timeout=PATIENCE_S) as answer:
            answer.read()
            return answer.status
    except HTTPError as error:
        error.close()
        return error.code


def page(address: str, key: str = "key-of-prometheus-0123") -> str:
    with urlopen(Request(f"{address}/metrics", headers={"authorization": f"Bearer {key}"}), timeout=PATIENCE_S) as answer:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return answer.read().decode()


def promtool(*arguments: str, given: str | None = None) -> tuple[int, str]:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], input=given, capture_output=True, text=True, check=False, timeout=4 * PATIENCE_S)
    return done.returncode, done.stdout + done.stderr


def settled(server: Prometheus) -> list[dict[str, Any]] | None:
    """All rules, once each was evaluated."""
    data = server.ask("rules")
    rules = [rule for group in data["groups"] for rule in group["rules"]] if data else []
    return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None


def last(server: Prometheus, series: str) -> float:
    """The sum of what these series were when they were last scraped: a scrape that comes too late for a second has none of them."""
    return until(lambda: server.value(f"sum(last_over_time({series}[1h]))"), series)


def alerts(server: Prometheus) -> set[tuple[str, str | None]]:
    """What is pending or firing: each name, and the provider that it is about."""
    told = server.ask("alerts") or {"alerts": []}
    return {(alert["labels"]["alertname"], alert["labels"].get("provider")) for alert in told["alerts"]}


def test_rules_are_sound_and_fire_when_they_should() -> None:
    checked = promtool("check", "rules", str(RULES))
    tested = promtool("test", "rules", str(RULES.with_name("dragoman.rules.test.yml")))
    configured = promtool("check", "config", str(RULES.with_name("prometheus.yml")))

    assert (checked[0], tested[0], configured[0]) == (0, 0, 0), (checked, tested, configured)


def test_prometheus_scrapes_the_gateway_and_evaluates_the_rules(tmp_path: Path) -> None:
    with simulator(TALK, key="a-provider-key") as upstream, gateway(tmp_path, config(upstream)) as address:
        asked = [ask(address, "coder") for _ in range(3)] + [
            ask(address, "shut"),
            ask(address, "coder", key="nobodys"),
            ask(address, "what"),
        ]
        assert asked == [200, 200, 200, 502, 401, 404]
        linted = promtool("check", "metrics", given=page(address))
        assert linted == (0, "")

        with prometheus(tmp_path, address, key="key-of-prometheus-0123") as server:
            until(lambda: server.value('up{job="dragoman"}') == 1.0, "the scrape")
            rules = until(lambda: settled(server), "the rules")

            assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
            assert last(server, 'dragoman_requests_total{client="ada", model="the-model", status="200"}') == 3
            assert last(server, 'dragoman_errors_total{error="authentication", provider="none", model="none"}') == 1
            assert last(server, 'dragoman_errors_total{error="provider_key", provider="locked"}') == 1
            assert last(server, 'dragoman_errors_total{error="model_not_found", model="other"}') == 1
            told_back = last(server, 'dragoman_tokens_total{type="output"}')
            asked_for = last(server, 'dragoman_tokens_total{type=~"input|cache_read"}')
            assert told_back > 0.0
            assert last(server, "dragoman_cost_usd_total") == pytest.approx(told_back + asked_for / 1e6)
            wanted = {("DragomanProviderKeyRefused", "locked"), ("DragomanProviderDown", "locked")}
            told = until(lambda: found if (found := alerts(server)) >= wanted else None, "the alerts of a provider that refuses its key")
            assert [one for one in told if one[1] != "locked" and one[0] not in SLOW] == []


def test_every_panel_of_the_dashboard_shows_something(tmp_path: Path) -> None:
    with simulator(LIMITED, key="a-provider-key") as upstream:
        gone = {**provider_of(f"http://127.0.0.1:{free_port()}", "chat"), "list": False}
        plain = config(upstream)
        models = {**plain["models"], "spare": {"targets": ["locked/the-model"], "fallbacks": ["sim/the-model"]}}
        dead = {"otlp": {"endpoint": f"http://127.0.0.1:{free_port()}"}}
        told = {**plain, "providers": {**plain["providers"], "gone": gone}, "models": models, "telemetry": dead}
        with gateway(tmp_path, told) as address, prometheus(tmp_path, address, key="key-of-prometheus-0123") as server:

            def empty() -> list[str]:
                """Each panel's question that finds nothing, while there is traffic."""
                assert [ask(address, model, words=LONG) for model in ("coder", "spare", "sim/unpriced")] == [200, 200, 200]
                return [one for one in sorted(panels()) if not (server.ask("query", query=one) or {"result": []})["result"]]

            with pytest.raises(HTTPError) as stranger:
                page(address, key="nobodys")
            stranger.value.close()
            assert ask(address, "gone/model") == 502
            until(lambda: not empty(), "something in every panel")


def panels() -> set[str]:
    """What the dashboard asks, with its variables filled in."""
    targets = [target for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel.get("targets", [])]
    filled = [target["expr"].replace("$__rate_interval", "1m") for target in targets]
    return {re.sub(r"\$(client|provider|model)", ".*", expression) for expression in filled}


def test_metrics_can_be_turned_off(tmp_path: Path) -> None:
    with gateway(tmp_path, {"telemetry": {"metrics": False}, "providers": {"demo": {"kind": "demo"}}}) as address:
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{address}/metrics", timeout=PATIENCE_S)

        with refused.value as answer:
            assert (answer.code, "telemetry.metrics" in answer.read().decode()) == (404, True)


def test_metrics_are_not_for_strangers(tmp_path: Path) -> None:
    with gateway(tmp_path, {"access": {"keys": KEYS}, "providers": {"demo": {"kind": "demo"}}}) as address:
        with pytest.raises(HTTPError) as refused:
            page(address, key="nobodys")

        with refused.value as answer:
            assert answer.code == 401
