"""`dragoman doctor` on machines with one thing wrong each, and the real Codex to agree with it."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from machine import TALK, Machine, Ran, provider_of
from parts import gateway, simulator

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    folder = tmp_path_factory.mktemp("doctor")
    with simulator(TALK) as upstream, gateway(folder, {"providers": {"sim": provider_of(upstream, "chat")}}) as found:
        yield found


def block(base_url: str, more: str = "") -> str:
    return f'model = "gpt-4"\nmodel_provider = "gw"\n[model_providers.gw]\nname = "Gateway"\nbase_url = "{base_url}"\n{more}'


def problems(ran: Ran) -> list[str]:
    report = json.loads(ran.out)
    assert report["healthy"] == (ran.code == 0)
    return [finding["about"] for finding in report["findings"] if finding["level"] == "problem"]


def examine(machine: Machine, address: str, **env: str) -> list[str]:
    return problems(machine.dragoman("doctor", "--json", DRAGOMAN_URL=address, **env))


def test_healthy_machine_has_no_problems_and_codex_works_there(machine: Machine, address: str) -> None:
    machine.configure(block(f"{address}/openai/v1"))

    assert examine(machine, address) == []
    assert machine.exec("hi").code == 0


@pytest.mark.parametrize(
    ("path", "more", "about"),
    [
        ("/openai/v1", 'wire_api = "chat"', ["config.toml", "model_providers.gw.wire_api"]),
        ("/openai/v1", 'env_key = "NOT_SET"', ["model_providers.gw.env_key"]),
        ("", "", ["model_providers.gw.base_url"]),
        ("/api", "", ["model_providers.gw.base_url"]),
    ],
)
def test_fault_is_found_and_codex_fails_on_it(machine: Machine, address: str, path: str, more: str, about: list[str]) -> None:
    machine.configure(block(f"{address}{path}", f"{more}\nrequest_max_retries = 0\nstream_max_retries = 0\n"))

    assert examine(machine, address) == about
    assert machine.exec("hi").code != 0


def test_https_at_the_plain_gateway_is_found(machine: Machine, address: str) -> None:
    machine.configure(block(address.replace("http:", "https:") + "/v1"))

    assert examine(machine, address) == ["model_providers.gw.base_url"]
    assert problems(machine.dragoman("doctor", "--json", "--gateway", address.replace("http:", "https:")))[-1] == "gateway"


def test_settings_that_codex_rejects_are_told_in_its_words(machine: Machine, address: str) -> None:
    machine.configure("model_provider = 7\n")
    rejected = machine.dragoman("doctor", DRAGOMAN_URL=address)
    machine.configure("model_reasoning_effrt = 'low'\n")
    ignored = machine.dragoman("doctor", DRAGOMAN_URL=address)

    assert (rejected.code, "Codex refuses to start" in rejected.out) == (1, True)
    assert (ignored.code, "unknown configuration field `model_reasoning_effrt`" in ignored.out) == (0, True)


def test_proxy_that_catches_loopback_is_found_and_codex_is_caught(machine: Machine, address: str) -> None:
    machine.configure(block(f"{address}/v1", "request_max_retries = 0\nstream_max_retries = 0\n"))
    # A proxy that is the gateway itself: it answers the absolute form of the address as no model.
    proxy = {"HTTP_PROXY": "http://127.0.0.1:9"}

    assert examine(machine, address, **proxy) == ["proxy"]
    assert examine(machine, address, **proxy, NO_PROXY="127.0.0.1") == []
    assert machine.exec("hi", **proxy, NO_PROXY="127.0.0.1").code == 0


def test_ignored_variable_is_a_warning_and_no_problem(machine: Machine, address: str) -> None:
    ran = machine.dragoman("doctor", DRAGOMAN_URL=address, OPENAI_BASE_URL=f"{address}/openai")

    assert (ran.code, "Codex ignores it without a word" in ran.out) == (0, True)


def test_stored_login_is_told_by_its_kind_alone(machine: Machine, address: str) -> None:
    (machine.codex_home / "auth.json").write_text('{"OPENAI_API_KEY": "sk-very-secret"}')

    ran = machine.dragoman("doctor", DRAGOMAN_URL=address)

    assert ("stored login: an OpenAI key" in ran.out, "sk-very-secret" in ran.out) == (True, False)


def test_probe_runs_codex_and_sees_it_arrive(machine: Machine, address: str) -> None:
    ran = machine.dragoman("doctor", "--probe", "--model", "gpt-4", DRAGOMAN_URL=address)

    assert (ran.code, "probe: Codex asked and was answered: 1 turn" in ran.out) == (0, True), ran.out


def test_missing_codex_is_a_problem(machine: Machine, address: str, tmp_path: Path) -> None:
    assert examine(machine, address, PATH=str(tmp_path)) == ["codex"]
