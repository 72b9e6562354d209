"""The README, read as a user reads it: its commands are typed, its settings are pasted, its configuration is checked."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path

import pytest
from machine import OLD_CODEX, TALK, Machine, provider_of, stats
from parts import gateway, simulator

pytestmark = pytest.mark.journey

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)
USUAL = re.compile(r"http://(127\.0\.0\.1|localhost):8080")


def blocks(language: str, containing: str = "") -> list[str]:
    found = [text for name, text in BLOCK.findall(README) if name == language and containing in text]
    assert found, f"the README has no `{language}` block with `{containing}`"
    return found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A gateway on a machine without configuration, on a free port: the usual one may be somebody's."""
    with gateway(tmp_path_factory.mktemp("readme"), {"server": {"host": "127.0.0.1"}}) as found:
        yield found


def at(address: str, text: str) -> str:
    return USUAL.sub(address, text)


@pytest.mark.parametrize("command", blocks("sh", "curl"))
def test_curl_commands_work_as_they_stand(machine: Machine, address: str, command: str) -> None:
    ran = machine.run("sh", "-c", at(address, command))

    assert ran.code == 0, ran.err
    if " -N " in command:
        events = [line.removeprefix("data: ") for line in ran.out.splitlines() if line.startswith("data: ")]
        assert (json.loads(events[0])["object"], events[-1]) == ("chat.completion.chunk", "[DONE]")
    else:
        assert "error" not in {key for key, value in json.loads(ran.out).items() if value}


@pytest.mark.parametrize("settings", blocks("toml"))
def test_set_ups_by_hand_work_as_they_stand(machine: Machine, tmp_path: Path, settings: str) -> None:
    config = {"access": {"keys": [{"name": "ada", "key": "a-client-key-of-ada"}]}} if "env_key" in settings else {}
    with simulator(TALK) as upstream, gateway(tmp_path, {"providers": {"sim": provider_of(upstream, "chat")}, **config}) as address:
        machine.configure(at(address, settings))

        ran = machine.exec("Say hello.", "-m", "gpt-4", DRAGOMAN_KEY="a-client-key-of-ada")

        assert (ran.code, ran.out.strip()) == (0, "Hello from the far side."), ran.err
        assert stats(upstream)["requests"] == 1
        assert "Reconnecting" not in ran.err


@pytest.mark.parametrize("config", blocks("yaml"))
def test_configuration_holds(machine: Machine, config: str) -> None:
    (machine.work / "dragoman.yaml").write_text(config)

    ran = machine.dragoman("check", OPENAI_API_KEY="sk-one", ANTHROPIC_API_KEY="sk-two", ADA_KEY="a-client-key-of-ada")

    assert ran.code == 0, ran.err
    assert "sk-one" not in ran.out and "a-client-key" not in ran.out


def test_commands_of_the_launcher_are_commands_that_it_takes(machine: Machine, address: str) -> None:
    """Those of the README that ask a model, with the sandbox left out, which not every machine has."""
    lines = [line.partition("#")[0].strip() for text in blocks("sh", "dragoman codex") for line in text.splitlines()]
    (command,) = [line for line in lines if line.startswith("dragoman codex exec")]

    ran = machine.run(
        "sh", "-c", f"{command} --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox -m gpt-4", DRAGOMAN_URL=address
    )

    assert ran.code == 0, ran.err
    assert ran.err.strip().splitlines()[-1].startswith("dragoman: ")


@pytest.mark.parametrize("export", blocks("sh", "OPENAI_BASE_URL"))
def test_old_release_follows_the_variable_as_it_stands(machine: Machine, address: str, export: str) -> None:
    ran = machine.run("sh", "-c", f"{at(address, export)}\ncodex exec --skip-git-repo-check -m gpt-4 'Say hello.'", PATH=OLD_CODEX)

    assert ran.code == 0, ran.err
    assert "provider: openai" in ran.out + ran.err and "hello" in ran.out.lower()


def test_launcher_takes_an_old_release_and_warns(machine: Machine, address: str) -> None:
    ran = machine.dragoman("codex", "exec", "--skip-git-repo-check", "-m", "gpt-4", "Say hello.", PATH=OLD_CODEX, DRAGOMAN_URL=address)

    assert ran.code == 0, ran.err
    assert "dragoman: codex 0.42.0 is older than 0.169.0" in ran.err
    assert ran.err.strip().splitlines()[-1].startswith("dragoman: 1 turn · ")
