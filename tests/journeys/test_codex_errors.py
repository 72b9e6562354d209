"""A fault that is there to stay is shown by the real Codex in our words, after one request."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from machine import TALK, Machine, Ran, provider_of, scripted, stats
from parts import gateway, simulator
from upstreams import DIALECTS, provider

pytestmark = pytest.mark.journey

FAULTS = scripted("""
rules:
  - {match: {model: keyless}, fault: {error: invalid_key}}
  - {match: {model: overflowing}, fault: {error: context_length}}
  - {match: {model: vanished}, fault: {error: model_not_found}}
  - {reply: [{text: fine}]}
""")


def door(address: str) -> str:
    return f"""model_provider = "gw"
[model_providers.gw]
name = "Gateway"
base_url = "{address}/v1"
env_key = "GW_KEY"
"""


def exchanges(folder: Path) -> int:
    """How many requests for a model the gateway had, by the lines of its log."""
    log = (folder / "dragoman" / "gateway-journey.log").read_text()
    return len(re.findall(r"^\d\d:\d\d:\d\d ", log, re.M))


def shown_error(ran: Ran) -> str:
    """The last error that Codex shows."""
    errors = [line for line in ran.err.splitlines() if line.startswith("ERROR: ")]
    return errors[-1] if errors else f"no error shown:\n{ran.out}{ran.err}"


def ask(machine: Machine, folder: Path, config: dict[str, Any], model: str, key: str = "any") -> Ran:
    with gateway(folder, config) as address:
        machine.configure(door(address))
        return machine.exec("Say hello.", "-m", model, GW_KEY=key)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("model", "words"), [("keyless", "`sim`"), ("vanished", "vanished"), ("overflowing", "context window")])
def test_fault_of_a_provider_is_shown_after_one_request(machine: Machine, tmp_path: Path, dialect: str, model: str, words: str) -> None:
    with simulator(FAULTS) as upstream:
        ran = ask(machine, tmp_path, {"providers": {"sim": provider(upstream, dialect)}, "models": {model: f"sim/{model}"}}, model)

        assert ran.code == 1
        assert words in shown_error(ran)
        assert "unexpected status" not in ran.err, "Codex did not take the form of the error"
        assert stats(upstream)["requests"] == 1


def test_wrong_client_key_is_shown_after_one_request(machine: Machine, tmp_path: Path) -> None:
    with simulator(TALK) as upstream:
        config = {"providers": {"sim": provider_of(upstream, "chat")}, "access": {"keys": [{"name": "ada", "key": "a-client-key-of-ada"}]}}

        ran = ask(machine, tmp_path, config, "gpt-4", key="another")

        assert ran.code == 1
        assert "key" in shown_error(ran) and "unexpected status" not in ran.err
        assert (exchanges(tmp_path), stats(upstream)["requests"]) == (1, 0)


def test_unknown_model_is_shown_with_the_nearest_names(machine: Machine, tmp_path: Path) -> None:
    with simulator(TALK) as upstream:
        providers = {name: provider_of(upstream, "chat") for name in ("one", "two")}

        ran = ask(
            machine, tmp_path, {"providers": providers, "models": {"coder-large": "one/gpt-4", "coder-small": "two/gpt-4"}}, "coder-larg"
        )

        assert ran.code == 1
        assert "coder-larg" in shown_error(ran) and "`coder-large`" in shown_error(ran)
        assert (exchanges(tmp_path), stats(upstream)["requests"]) == (1, 0)


def test_address_that_refuses_is_told(machine: Machine, tmp_path: Path) -> None:
    config = {
        "providers": {"gone": {"kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "dialect": "chat", "key_optional": True}}
    }
    with gateway(tmp_path, config) as address:
        machine.configure(door(address) + "request_max_retries = 0\nstream_max_retries = 0\n")

        ran = machine.exec("Say hello.", "-m", "gpt-4", GW_KEY="any")

    assert ran.code == 1
    assert "`127.0.0.1:9` refused the connection" in shown_error(ran)
