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
