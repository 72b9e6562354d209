"""What a provider has seen once it sees again to the byte: ten turns of the real Codex over each upstream dialect, every request's
tools, settings and history compared raw with those of the request before it. Prompt caches live by this."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from machine import BYPASS, DRAGOMAN, Machine, ruled, stats
from msgspec import Raw
from parts import gateway, simulator
from screen import Screen
from upstreams import DIALECTS, Got, changed_behind, config_of, logged, turns

pytestmark = pytest.mark.journey

TURNS = 10

# Thoughts, calls side by side and words, with everything that serialisers like to spell in two ways.
SCRIPT = ruled(
    {"match": {"kind": "title"}, "reply": [{"text": '{"title": "Ten turns"}'}]},
    {
        "match": {"round": 0},
        "reply": [
            {"reasoning": {"summary": "Was tun? — “Rechnen” / \\ \u2028.", "text": "1.0 ≠ 1e0"}},
            {"commentary": "I count <b>both</b> & more."},
            {"call": {"name": "exec_command", "arguments": {"cmd": "echo \"é/\\\\ {{turn}}\"; echo '☃ \\u2603'"}}},
            {"call": {"name": "exec_command", "arguments": {"yield_time_ms": 1000, "cmd": "true"}}},
        ],
    },
    {
        "match": {"round": 1},
        "reply": [{"call": {"name": "view_image", "arguments": {"path": "no such picture.png"}}}],
    },
    {"reply": [{"text": "Over: {{user}} ({{results.0}})"}]},
)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_prefix_stays_to_the_byte_for_ten_turns(machine: Machine, tmp_path: Path, dialect: str) -> None:
    with simulator(SCRIPT) as upstream, gateway(tmp_path, config_of(upstream, dialect)) as address:
        screen = Screen(machine, [*DRAGOMAN, "codex", "--gateway", address, BYPASS, "-m", "gpt-4"])
        try:
            screen.wait_for("Ask Codex to do anything")
            for turn in range(1, TURNS + 1):
                screen.say(f"Begin turn {turn}.")
                screen.wait_for(f"Over: Begin turn {turn}.")
                screen.wait_for_rest()
        finally:
            screen.close()
        requests = turns(upstream)

        assert stats(upstream)["violations"] == []
        assert [request.user for request in requests] == [f"Begin turn {turn}." for turn in range(1, TURNS + 1) for _ in range(3)]
        assert [told for earlier, later in pairwise(requests) for told in changed_behind(earlier, later)] == []
    # What the provider then says of its cache. The first request and that for a title find nothing there.
    shares = [int(share) for line in logged(tmp_path) for share in re.findall(r"\((\d+)%\)", line)]
    assert len(shares) == 3 * TURNS - 1
    assert min(shares) > 90


def request(body: str, dialect: str = "messages") -> Got:
    return Got("/v1/messages", dialect, "m", "turn", "", {}, Raw(body.encode()))


@pytest.mark.parametrize(
    ("earlier", "later", "told"),
    [
        ('{"model":"m","messages":[{"a":1}]}', '{"model":"m","messages":[{"a":1},{"b":2}]}', []),
        ('{"messages":[{"a":1,"c":{}}]}', '{"messages":[{"a":1},{"b":2,"c":{}}]}', ["messages at byte 7: "]),
        ('{"tools":[1, 2],"messages":[]}', '{"tools":[1,2],"messages":[3]}', ["tools: b'[1, 2]' -> b'[1,2]'"]),
        ('{"messages":[{"a":1}]}', '{"messages":[{"a":1}]}', ["messages did not grow"]),
        ('{"messages":[{"a":"é"}]}', '{"messages":[{"a":"\\u00e9"},{}]}', ["messages at byte 7: "]),
        ('{"messages":[1],"tools":[]}', '{"tools":[],"messages":[1,2]}', ["fields: ['messages', 'tools'] -> ['tools', 'messages']"]),
    ],
)
def test_changes_behind_are_seen(earlier: str, later: str, told: list[str]) -> None:
    found = changed_behind(request(earlier), request(later))

    assert [one.startswith(start) for one, start in zip(found, told, strict=True)] == [True] * len(told)
