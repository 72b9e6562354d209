"""What start-up tells."""

from __future__ import annotations

from pathlib import Path

import click

from dragoman.cli.banner import banner
from dragoman.config.load import load, parse
from dragoman.config.schema import Config

FILE = b"""
providers:
  main: {kind: openai, keys: [$KEY], base_url: "https://api.example/v1"}
  local: {kind: openai-compatible, base_url: http://127.0.0.1:8000/v1, dialect: chat, key_optional: true}
models:
  gpt-4: main/gpt-4
  coder:
    targets: [{model: main/gpt-5.5, weight: 80}, {model: local/qwen, weight: 20}]
access: {keys: [{name: ada, key: $ADA}]}
"""


def test_machine_without_anything_is_told_what_it_has_and_what_to_type(tmp_path: Path) -> None:
    text = click.unstyle(banner(load(None, {"HOME": str(tmp_path)}, tmp_path), "http://127.0.0.1:8080"))

    assert "no dragoman.yaml: using the environment" in text
    assert "demo  built in: answers every model name, offline" in text
    assert "open, on this machine only" in text
    assert '\n    dragoman codex "what is in this folder?"\n' in text


def test_variables_are_named_and_keys_are_not(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "OPENAI_API_KEY": "sk-a-secret-of-the-user", "KEY": "sk-another-secret", "ADA": "the-key-of-ada"}

    found = click.unstyle(banner(load(None, env, tmp_path), "http://127.0.0.1:8080"))
    written = click.unstyle(banner(parse(FILE, env), "http://127.0.0.1:9000"))

    assert "key from OPENAI_API_KEY" in found
    assert "key from $KEY" in written
    assert "closed: 1 client key (ada)" in written
    assert "coder  → main/gpt-5.5 (80), local/qwen (20)" in written
    assert '-H "authorization: Bearer $DRAGOMAN_KEY"' in written
    assert "dragoman codex --gateway http://127.0.0.1:9000 " in written
    for secret in ("sk-a-secret-of-the-user", "sk-another-secret", "the-key-of-ada"):
        assert secret not in found + written


def test_models_are_told_with_what_their_strategy_looks_at_their_fallbacks_and_rules() -> None:
    text = b"""
providers:
  main: {kind: openai, keys: [$A, $B]}
models:
  even: {targets: [main/a, main/b]}
  alone: {targets: [{model: main/a, weight: 5}], fallbacks: [even, main/c]}
  first: {strategy: priority, targets: [main/a, {model: main/b, priority: 2}]}
  level: {strategy: tiered, tiers: {order: [low, high]}, targets: [{model: main/a, tier: low}, {model: main/b, tier: high}]}
  fast: {strategy: latency, targets: [main/a, main/b], rules: [{when: {stream: true}, use: main/c}]}
"""

    told = click.unstyle(banner(parse(text, {"A": "1", "B": "2"}), "http://127.0.0.1:8080"))

    assert "main  openai · 2 keys from $A, $B\n" in told
    assert "even   → main/a (1), main/b (1)\n" in told
    assert "alone  → main/a, else even, main/c\n" in told
    assert "first  → priority: main/a (1), main/b (2)\n" in told
    assert "level  → tiered: main/a (low), main/b (high)\n" in told
    assert "fast   → latency: main/a, main/b · 1 rule\n" in told


def test_open_to_the_network_is_said_plainly() -> None:
    loaded = parse(b"server: {host: 0.0.0.0, allow_open: true}", {})

    assert isinstance(loaded.config, Config)
    assert "open to whoever reaches this port" in banner(loaded, "http://127.0.0.1:8080")
