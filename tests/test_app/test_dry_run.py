"""What a dry run says of the warm cache of a session."""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.app.dry_run import Moment, dry_run, from_config
from dragoman.config.load import parse
from dragoman.routing.affinity import Sitting, session_key
from dragoman.server.admin import DryRun

CONFIG = b"""
providers: {lab: {kind: vllm}}
models: {m: {targets: [lab/a, lab/b], affinity: {lifetime_s: 10}}}
prices: {lab/*: {input: 1, cache_read: 0.1, output: 2}}
"""


def test_a_cache_is_warm_as_long_as_the_model_remembers_its_sessions() -> None:
    setting = from_config(parse(CONFIG, {}).config)
    setting.router.sessions.keep(session_key("s", "m/"), Sitting("lab/b", 1000.0, tokens=50_000))
    body = {"model": "m", "prompt_cache_key": "s", "messages": [{"role": "user", "content": "x" * 8000}]}

    def cached(now: float) -> list[Any]:
        request = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in body.items()}
        told = dry_run(setting, DryRun(request=request, dialect="chat"), Moment(now, 0.0, 0.5))
        return [(place["seat"], "cached_tokens" in place) for place in told["places"]]

    assert cached(1005.0)[0] == ("lab/b", True)
    assert [warm for _, warm in cached(1011.0)] == [False, False]


def test_headers_are_read_as_off_a_connection() -> None:
    rules = b"models: {m: {targets: [lab/a, lab/b], rules: [{when: {metadata: {team: caf\xc3\xa9}}, use: [lab/b]}]}}"
    setting = from_config(parse(CONFIG.replace(CONFIG.splitlines()[2], rules), {}).config)
    request = {"model": msgspec.Raw(b'"m"'), "messages": msgspec.Raw(b"[]")}
    question = DryRun(request=request, dialect="chat", headers={"X-Dragoman-Metadata": '{"team": "caf\u00e9"}'})

    told = dry_run(setting, question, Moment(1.0, 0.0, 0.1))

    assert told["places"][0]["seat"] == "lab/b"
